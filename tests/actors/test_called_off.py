"""A start that nobody wants any more ends in good order, however the engine takes that."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
from attrs import define, field

from nanoclaw.actors.called_off import CalledOff
from nanoclaw.actors.letters import Letter, Look
from nanoclaw.errors import SandboxError
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.model.ids import SessionId
from nanoclaw.sandboxes.engine import Sandbox
from nanoclaw.store import epochs
from tests.support.central import World
from tests.support.inline_database import InlineDatabase

NOT_STARTED = SandboxError(engine="test", why="it was interrupted")


@define
class Case:
    """A start of a sandbox that takes as long as it is let."""

    store: InlineDatabase = field(factory=InlineDatabase)
    mail: Mailbox[Letter] = field(factory=Mailbox[Letter])
    world: World = field(init=False)
    session: SessionId = field(init=False)
    called_off: CalledOff = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.world = World(conn=self.store.conn)
        self.session = self.world.session()
        self.called_off = CalledOff(self.store, self.mail, self.session, self.world.epoch(self.session))

    def end(self) -> None:
        """Somebody wants the end of it."""
        epochs.tell_to_end(self.store.conn, self.session, "somebody stopped it")
        self.mail.post(Look())


@pytest.fixture
async def case() -> AsyncIterator[Case]:
    case = Case()
    yield case
    case.store.close()


async def test_an_engine_that_fails_over_being_called_off_has_not_failed(case: Case) -> None:
    async def begin() -> Sandbox:
        case.end()
        try:
            await trio.sleep_forever()
        finally:
            raise NOT_STARTED

    with trio.fail_after(30):
        assert await case.called_off.unless_told(begin) is None
    assert case.called_off.why == "somebody stopped it"


async def test_one_that_fails_by_itself_has(case: Case) -> None:
    async def begin() -> Sandbox:
        await trio.lowlevel.checkpoint()
        raise NOT_STARTED

    with pytest.raises(SandboxError, match="interrupted"):
        await case.called_off.unless_told(begin)
    assert case.called_off.why == ""
