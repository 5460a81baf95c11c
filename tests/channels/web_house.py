"""The web page on a truth of its own, with the real ways in and out of the house, and agents that a test speaks for."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.actors.delivery import Delivery
from nanoclaw.actors.ingress import Ingress
from nanoclaw.actors.web_door import WebDoor, make_door
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.written import Written, write
from nanoclaw.model.files import LedgerFile
from nanoclaw.model.ids import ChannelName, OutboundId, QuestionId, SessionId, UserId
from nanoclaw.model.messages import Address, NewLedgerRow
from nanoclaw.model.questions import Question, QuestionState
from nanoclaw.settings import WebSettings
from nanoclaw.store import epochs, ledger, questions
from nanoclaw.store.ledger import Lane
from nanoclaw.store.setup import Operator, first_start
from schema import payloads
from schema.payloads import AskQuestion, ChatOut, OutPayload
from schema.rows import OutKind
from schema.sqlite import Connection, scalar
from tests.support.browser import Browser, browser
from tests.support.inline_database import InlineDatabase

MAIN = "operator/main"
OPERATOR = Operator(user=UserId("terminal:operator"), name="Ada", channel=ChannelName("terminal"), platform_id="local")
HOUSE = {"overview": {"sessions": []}, "tree": {"name": "nanoclaw", "children": []}}
"""The running house, as whoever may look at it is shown."""
KINDS = {ChatOut: OutKind.CHAT, AskQuestion: OutKind.ASK_QUESTION}


async def look_at_house() -> Written:
    """It has nothing in it."""
    await trio.lowlevel.checkpoint()
    return write(HOUSE, 0)


@define(eq=False)
class WebHouse:
    """What a test has of it."""

    store: InlineDatabase
    spool: Spool
    door: WebDoor
    delivery: Delivery
    _said: int = field(default=0, init=False)

    @property
    def port(self) -> int:
        """Where the page is served."""
        assert self.door.channel.port is not None
        return self.door.channel.port

    async def link(self) -> str:
        """A new link for the operator."""
        found = await self.door.link(self.door.operator)
        assert found is not None
        return found

    async def says(self, said: OutPayload, *, to: str = MAIN, files: Sequence[LedgerFile] = ()) -> OutboundId:
        """The agent that heard a message in the operator's first conversation says something there."""
        self._said += 1
        row = await self.store.transact(_say, said, self._said, to, tuple(files))
        self.delivery.nudge([Lane(ChannelName("web"), to)])
        return row

    async def file(self, name: str, data: bytes) -> LedgerFile:
        """A file in the spool, on its way out."""
        writing = self.spool.begin()
        writing.write(data)
        file = writing.finish()
        await trio.lowlevel.checkpoint()
        return LedgerFile(name=name, size=file.size, digest=file.digest, spool_id=file.id)


def _say(conn: Connection, said: OutPayload, number: int, to: str, files: tuple[LedgerFile, ...]) -> OutboundId:
    now = SystemClock().now()
    session = SessionId(str(scalar(conn, "SELECT id FROM sessions ORDER BY created_at LIMIT 1")))
    epoch = scalar(conn, "SELECT max(number) FROM epochs WHERE session_id = ?", (session,))
    if epoch is None:
        epochs.begin(conn, session, engine="test", now=now)
    kind = next((kind for cls, kind in KINDS.items() if isinstance(said, cls)), OutKind.CARD)
    content = payloads.write(said)
    new = NewLedgerRow(
        id=OutboundId(f"{session}/says/{number}"),
        epoch=None,
        runner_id=None,
        digest=hashlib.sha256(content.encode()).hexdigest(),
        seq=None,
        in_reply_to=None,
        to=Address(channel=ChannelName("web"), platform_id=to),
        kind=kind.value,
        content=content,
        files=files,
    )
    ledger.add(conn, new, session=session, now=now)
    if isinstance(said, AskQuestion):
        asked = Question(
            id=QuestionId(said.question_id), session_id=session, ledger_id=new.id, asked_of=None,
            channel=new.to.channel, platform_id=to, thread_id=None, title=said.title, question=said.question,
            options=questions.write_options(said.options), state=QuestionState.OPEN, asked_at=now,
            expires_at=now + timedelta(hours=1), ended_at=None, answered_by=None, answer=None,
        )  # fmt: skip
        questions.add(conn, asked)
    return new.id


@asynccontextmanager
async def web_house(*, names: Sequence[str] = ()) -> AsyncIterator[WebHouse]:
    """A home with an agent, the operator's page at some port, ingress and delivery; no sandbox."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        store, clock, spool = InlineDatabase(), SystemClock(), Spool(Path(folder))
        await store.transact(first_start, agent="Nano", operator=OPERATOR, mint=mint, now=clock.now())
        settings = WebSettings(port=0, names=" ".join(names))
        door = await make_door(store, clock, spool, OPERATOR, lambda: None, look_at_house, settings)
        channels = {door.channel.name: door.channel}
        delivery = Delivery(store, clock, spool, channels, lambda _: None, TreeNode("delivery"))
        ingress = Ingress(store, clock, spool, {}, lambda _: None, lambda _: None, delivery.nudge)
        async with trio.open_nursery() as nursery:
            await nursery.start(delivery.run)
            await nursery.start(partial(door.channel.run, ingress.receive, ready=lambda: None))
            yield WebHouse(store, spool, door, delivery)
            nursery.cancel_scope.cancel()
        store.close()


@asynccontextmanager
async def operator_at(house: WebHouse) -> AsyncIterator[Browser]:
    """The operator's browser, logged in."""
    async with browser(house.port) as there:
        answer = await there.log_in(await house.link())
        assert answer.status_code == 200
        yield there
