"""How long messages are on their way, and what Prometheus reads of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
from prometheus_client.parser import text_string_to_metric_families

from nanoclaw.actors.exposition import Counts, Scrape, bounded, write
from nanoclaw.actors.journey import Journey
from nanoclaw.actors.meters import Hop, Meters
from nanoclaw.kit.histogram import Histogram
from nanoclaw.link.report import AckRow
from nanoclaw.model.ids import AgentGroupId, ChannelName
from nanoclaw.store.gauges import Gauges, Waiting
from schema.rows import AckStatus, InKind, InStatus, MessageIn

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def message(name: str, *, age: float = 0.0, tries: int = 0, after: datetime | None = None) -> MessageIn:
    return MessageIn(
        id=name,
        seq=2,
        kind=InKind.CHAT,
        timestamp=NOW - timedelta(seconds=age),
        status=InStatus.PENDING,
        process_after=after,
        tries=tries,
        content="{}",
    )


def ack(name: str, status: AckStatus) -> AckRow:
    return AckRow(message_id=name, status=status, error=None)


def seen(meters: Meters) -> dict[str, tuple[int, float]]:
    return {hop.value: (one.count, round(one.total, 3)) for hop, one in meters.hops.items() if one.count}


def test_a_message_is_timed_from_hop_to_hop_and_each_hop_once() -> None:
    meters = Meters()
    journey = Journey(meters)
    for _ in range(2):
        journey.shown([message("m", age=3)], 10.0, NOW)
    journey.notice(11.0)
    journey.notice(11.2)
    journey.look()
    for _ in range(2):
        journey.absorbed([ack("m", AckStatus.PROCESSING)], 11.5, announced=True)
    journey.shown([message("m", age=3)], 12.0, NOW)
    journey.look()
    for _ in range(2):
        journey.absorbed([ack("m", AckStatus.COMPLETED)], 14.0, announced=True)
    assert seen(meters) == {
        "row_to_link": (1, 3.0),
        "link_to_claim": (1, 1.5),
        "claim_to_outbox": (1, 2.5),
        "outbox_to_ledger": (1, 0.5),
    }
    assert (meters.settled["completed"], meters.unannounced) == (1, 0)


def test_what_was_to_wait_or_comes_again_is_not_timed_from_its_row_on() -> None:
    meters = Meters()
    journey = Journey(meters)
    old = [message("dead~1", age=9e5), attrs.evolve(message("task", age=9e5), series_id="tsk-1")]
    journey.shown([message("again", tries=1), message("later", after=NOW), *old], 0.0, NOW)
    journey.absorbed([ack("again", AckStatus.FAILED)], 1.0, announced=True)
    assert seen(meters) == {"link_to_claim": (1, 1.0), "claim_to_outbox": (1, 0.0)}


def test_news_that_is_found_without_a_notice_is_counted() -> None:
    meters = Meters()
    journey = Journey(meters)
    journey.look()
    journey.absorbed([], 1.0, announced=False)
    journey.notice(2.0)
    journey.look()
    journey.absorbed([], 3.0, announced=False)
    assert meters.unannounced == 1


def test_a_histogram_counts_each_value_in_every_step_that_holds_it() -> None:
    found = Histogram()
    for value in (-1.0, 0.001, 0.002, 0.3, 1e6):
        found.observe(value)
    counts = dict(found.up_to())
    assert (counts[0.001], counts[0.0025], counts[0.25], counts[0.5], counts[1_800.0]) == (2, 3, 3, 4, 4)
    assert (counts[float("inf")], found.count) == (5, 5)


def test_no_label_has_more_than_so_many_values() -> None:
    counts: Counts = {(f"reason-{number}",): float(number) for number in range(10)}
    assert bounded(counts, 3) == {("reason-9",): 9, ("reason-8",): 8, ("other",): sum(range(8))}
    assert bounded(counts, 10) == counts


def scrape(meters: Meters, gauges: Gauges | None) -> Scrape:
    return Scrape(
        now=NOW,
        hops={hop: (tuple(one.up_to()), one.total) for hop, one in meters.hops.items()},
        events={},
        replies=dict(meters.replies),
        settled={},
        egress={},
        spent=dict(meters.spent),
        unannounced=0,
        unanswered_rings=0,
        restarts={("sessions",): 3},
        actors={},
        mailboxes={},
        sandboxes={},
        loops={},
        places={},
        transactions={},
        held=0,
        gauges=gauges,
    )


def test_the_text_is_what_prometheus_reads_whatever_a_name_has_in_it() -> None:
    meters = Meters()
    strange = 'a"b\\c\n{x="y"} 1'
    meters.reply(ChannelName(strange), "delivered")
    meters.spend(AgentGroupId("agt"), read=5, written=7, micros=2_500_000)
    meters.took(Hop.LEDGER_TO_SENT, 0.2)
    waiting = Waiting(channel=ChannelName("web"), lanes=2, messages=5, since=NOW - timedelta(seconds=9))
    gauges = Gauges(
        waiting=(waiting,), due=1, claimed=2, drops={"not-engaged": 4}, agents={AgentGroupId("agt"): "nano"}
    )
    found = {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(write(scrape(meters, gauges)).decode())
        for one in family.samples
    }
    assert found["nanoclaw_replies_total", strange, "delivered"] == 1
    assert found["nanoclaw_model_tokens_total", "nano", "written"] == 7
    assert found["nanoclaw_model_cost_dollars_total", "nano"] == 2.5
    assert found["nanoclaw_lane_oldest_seconds", "web"] == 9
    assert found["nanoclaw_drops", "not-engaged"] == 4
    assert found["nanoclaw_restarts_total", "sessions"] == 3
    assert found["nanoclaw_hop_seconds_count", "ledger_to_sent"] == 1
    without = write(scrape(meters, None)).decode()
    assert "nanoclaw_truth_readable 0.0" in without
    assert "nanoclaw_drops" not in without


def test_every_figure_is_documented_with_its_kind_and_no_other_is() -> None:
    documented = dict(re.findall(r"^\| `(nanoclaw_\w+)` \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    shown = write(scrape(Meters(), Gauges(waiting=(), due=0, claimed=0, drops={}, agents={}))).decode()
    kinds = dict(re.findall(r"^# TYPE (nanoclaw_\w+) (\w+)$", shown, re.MULTILINE))
    assert documented == kinds
    hops = re.findall(r"^\| `(\w+_to_\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert hops == [hop.value for hop in Hop]
