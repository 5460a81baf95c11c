"""Serves the host's figures to Prometheus, on a loopback address, to whoever on this machine asks.

They are looked at once a second at the most, however many ask, and written beside the loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

import structlog
import trio
from attrs import define, field
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nanoclaw.actors.admission import Admission
from nanoclaw.actors.exposition import Scrape, write
from nanoclaw.actors.meters import Meters
from nanoclaw.actors.sessions import Sessions
from nanoclaw.channels.web.gate import gate_for
from nanoclaw.channels.web.serving import open_port, serving
from nanoclaw.core.signals import state_of
from nanoclaw.errors import StoreError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.shared import Shared
from nanoclaw.kit.threads import WORKER_THREADS, Threads
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.turns import in_turns
from nanoclaw.store.db import Store, StoreStatistics
from nanoclaw.store.gauges import gauges

log = structlog.get_logger()

PATH = "/metrics"
FRESH_SECONDS = 1.0


class MetricsSettings(Protocol):
    """Where they are served."""

    @property
    def address(self) -> str:
        """A loopback address."""
        ...

    @property
    def port(self) -> int:
        """0: any."""
        ...


@define(eq=False)
class Metrics:
    """One for the whole host."""

    _store: Store
    _clock: Clock
    _meters: Meters
    _root: TreeNode
    _sessions: Sessions
    _admission: Admission
    _settings: MetricsSettings
    _statistics: Callable[[], StoreStatistics] | None = field(default=None, kw_only=True)
    _held: Callable[[], int] = field(default=lambda: 0, kw_only=True)
    """How often the loop was held up."""
    _threads: Threads = field(default=WORKER_THREADS, kw_only=True)
    _text: Shared[bytes] = field(init=False)
    url: str | None = field(default=None, init=False)
    """Where they are served; None: nowhere."""

    def __attrs_post_init__(self) -> None:
        self._text = Shared(self._write, FRESH_SECONDS)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. Where that cannot be, the log says why, and the house lives on without it."""
        address, wanted = self._settings.address, self._settings.port
        try:
            listener = open_port(address, wanted, or_any=False)
        except OSError as exc:
            log.error("metrics_not_served", address=address, port=wanted, why=str(exc))  # noqa: TRY400 - it says all
            task_status.started()
            await trio.sleep_forever()
        port = listener.getsockname()[1]
        gate = gate_for(port, address, ())

        async def page(request: Request) -> Response:
            if not gate.knows(request.headers.get("host")):
                return PlainTextResponse("this is not a name of this server", 421)
            try:
                return Response(await self._text.get(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
            except Exception:
                log.exception("metrics_broke")
                return PlainTextResponse("the figures cannot be written; the log says why", 500)

        self.url = f"http://[{address}]:{port}{PATH}" if ":" in address else f"http://{address}:{port}{PATH}"
        log.info("metrics_served", url=self.url)
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(serving(Starlette(routes=[Route(PATH, page)]), listener))
                task_status.started()
        finally:
            self.url = None

    async def _write(self) -> bytes:
        return await self._threads.run(write, await self._look())

    async def _look(self) -> Scrape:
        meters, admission = self._meters, self._admission
        try:
            known = await self._store.read(gauges)
        except StoreError:
            known = None
        actors: Counter[tuple[str, ...]] = Counter()
        mailboxes: Counter[tuple[str, ...]] = Counter()
        async for part, node in in_turns(_nodes(self._root)):
            actors[part, node.state] += 1
            if node.mailbox is not None:
                mailboxes[part,] += len(node.mailbox())
        sandboxes: Counter[tuple[str, ...]] = Counter()
        loops: Counter[tuple[str, ...]] = Counter()
        async for session in in_turns(self._sessions.owned()):
            if (seen := self._sessions.seen(session)) is not None:
                sandboxes[state_of(seen.progress),] += 1
                loops[state_of(seen.loop),] += 1
        done = None if self._statistics is None else self._statistics()
        return Scrape(
            now=self._clock.now(),
            hops={hop: (tuple(one.up_to()), one.total) for hop, one in meters.hops.items()},
            events=dict(meters.events),
            replies=dict(meters.replies),
            settled={(how,): count for how, count in meters.settled.items()},
            egress={(outcome.value,): count for outcome, count in meters.egress.items()},
            spent=dict(meters.spent),
            unannounced=meters.unannounced,
            unanswered_rings=meters.unanswered_rings,
            restarts={(part.name,): part.restarts_below for part in self._root.children},
            actors=actors,
            mailboxes=mailboxes,
            sandboxes=sandboxes,
            loops=loops,
            places={
                ("taken",): admission.taken,
                ("all",): admission.most,
                ("waited_for",): admission.waiting,
            },
            transactions={} if done is None else {("transactions",): done.transactions, ("commits",): done.batches},
            held=self._held(),
            gauges=known,
        )


def _nodes(root: TreeNode) -> list[tuple[str, TreeNode]]:
    """Every node, with the name of the part that it belongs to."""
    found: list[tuple[str, TreeNode]] = []
    waiting = [(part.name, part) for part in root.children]
    while waiting:
        part, node = waiting.pop()
        found.append((part, node))
        waiting.extend((part, child) for child in node.children)
    return found
