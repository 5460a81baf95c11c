"""The host's figures as Prometheus reads them: names, what they mean, and labels of which there are few.

A label is the name of a part, of a channel, of an agent group's folder, or a word of ours; never a person, a chat or a
text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from attrs import frozen
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from nanoclaw.actors.meters import Hop, Spent
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store.gauges import Gauges

MOST_VALUES = 200
"""That one label may have: the least of them become `other`."""
Counts = Mapping[tuple[str, ...], float]
"""A number for each combination of labels."""


@frozen(kw_only=True)
class Scrape:
    """All that is shown once. Nothing in it changes any more."""

    now: datetime
    hops: Mapping[Hop, tuple[tuple[tuple[float, int], ...], float]]
    """How often each took no longer than each step, and how long all of them took."""
    events: Counts
    replies: Counts
    settled: Counts
    egress: Counts
    spent: Mapping[AgentGroupId, Spent]
    unannounced: int
    unanswered_rings: int
    restarts: Counts
    actors: Counts
    mailboxes: Counts
    sandboxes: Counts
    loops: Counts
    places: Counts
    transactions: Counts
    held: int
    gauges: Gauges | None
    """None: the truth cannot be read."""


def write(scrape: Scrape) -> bytes:
    """The text of it. Takes some milliseconds: call it off the loop."""
    registry = CollectorRegistry()
    registry.register(_Shown(scrape))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


@frozen(eq=False)
class _Shown(Collector):
    _scrape: Scrape

    def collect(self) -> Iterator[Metric]:
        seen = self._scrape
        yield _hops(seen)
        yield _counter("events", "What channels told, by what became of it", ("channel", "outcome"), seen.events)
        yield _counter("replies", "Messages to platforms, by outcome", ("channel", "outcome"), seen.replies)
        yield _counter("settled", "Messages that agents settled", ("outcome",), seen.settled)
        yield _counter("egress_requests", "What sandboxes asked for besides models", ("outcome",), seen.egress)
        yield _counter("commits_unannounced", "Commits found without a notice", (), {(): seen.unannounced})
        yield _counter("doorbell_misses", "Rings that no sandbox answered in time", (), {(): seen.unanswered_rings})
        yield _counter("restarts", "Restarts, by part of the tree", ("part",), seen.restarts)
        yield _counter("loop_held", "Turns of the loop longer than 0.1 s", (), {(): seen.held})
        yield _counter("store", "What the store's writer did", ("what",), seen.transactions)
        yield _gauge("actors", "Actors, by part of the tree", ("part", "state"), seen.actors)
        yield _gauge("mailbox_letters", "Unread letters, by part of the tree", ("part",), seen.mailboxes)
        yield _gauge("sandboxes", "Sandboxes that are up, by how their work goes", ("state",), seen.sandboxes)
        yield _gauge("sandbox_loops", "The same, by whether their runners answer", ("state",), seen.loops)
        yield _gauge("places", "Places for sandboxes", ("what",), seen.places)
        yield _gauge("truth_readable", "1 if the database can be read", (), {(): int(seen.gauges is not None)})
        if seen.gauges is not None:
            yield from _stored(seen.gauges, seen.spent, seen.now)


def _hops(seen: Scrape) -> Metric:
    family = HistogramMetricFamily("nanoclaw_hop_seconds", "How long messages took from hop to hop", labels=["hop"])
    for hop, (buckets, total) in seen.hops.items():
        steps = [("+Inf" if step == float("inf") else str(step), float(count)) for step, count in buckets]
        family.add_metric([hop.value], steps, total)
    return family


def _stored(gauges: Gauges, spent: Mapping[AgentGroupId, Spent], now: datetime) -> Iterator[Metric]:
    waiting = gauges.waiting
    lanes: Counts = {(one.channel,): one.lanes for one in waiting}
    letters: Counts = {(one.channel,): one.messages for one in waiting}
    ages: Counts = {(one.channel,): max(0.0, (now - one.since).total_seconds()) for one in waiting}
    yield _gauge("lanes", "Conversations to which something waits", ("channel",), lanes)
    yield _gauge("lane_messages", "Messages that wait", ("channel",), letters)
    yield _gauge("lane_oldest_seconds", "Age of the oldest of those", ("channel",), ages)
    messages: Counts = {("due",): gauges.due, ("claimed",): gauges.claimed}
    yield _gauge("messages", "Messages that agents have not settled", ("state",), messages)
    drops: Counts = {(reason,): count for reason, count in gauges.drops.items()}
    yield _gauge("drops", "What is on record as not passed on", ("reason",), drops)
    by_agent = {gauges.agents.get(group, group): used for group, used in spent.items()}
    calls: Counts = {(agent,): used.calls for agent, used in by_agent.items()}
    tokens: Counts = {
        (agent, direction): count
        for agent, used in by_agent.items()
        for direction, count in (("read", used.read), ("written", used.written))
    }
    cost: Counts = {(agent,): used.micros / 1e6 for agent, used in by_agent.items()}
    yield _counter("model_calls", "Calls of models", ("agent",), calls)
    yield _counter("model_tokens", "Tokens that models took", ("agent", "direction"), tokens)
    yield _counter("model_cost_dollars", "What that cost", ("agent",), cost)


def _counter(name: str, means: str, labels: Iterable[str], counts: Counts) -> Metric:
    family = CounterMetricFamily(f"nanoclaw_{name}", means, labels=list(labels))
    for values, count in bounded(counts).items():
        family.add_metric(values, count)
    return family


def _gauge(name: str, means: str, labels: Iterable[str], counts: Counts) -> Metric:
    family = GaugeMetricFamily(f"nanoclaw_{name}", means, labels=list(labels))
    for values, count in bounded(counts).items():
        family.add_metric(values, count)
    return family


def bounded(counts: Counts, most: int = MOST_VALUES) -> Counts:
    """No more than *most* of *counts*, the largest; the others added up as `other`."""
    if len(counts) <= most:
        return counts
    kept = sorted(counts.items(), key=lambda one: -one[1])
    width = len(kept[0][0])
    rest = sum(count for _, count in kept[most - 1 :])
    return {**dict(kept[: most - 1]), ("other",) * width: rest}
