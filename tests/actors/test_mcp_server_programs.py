"""AT-17: the program of an approved MCP server is the one that was shown, whatever its agent puts in its place."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import attrs
import pytest
import trio
from attrs import define, field

from nanoclaw.actors.absorb import absorb
from nanoclaw.actors.mcp_server_kind import McpServerKind, McpServerRequests
from nanoclaw.core.approvals import REJECT, YES_OR_NO
from nanoclaw.core.told import HomeSettings, tell
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Approval, ApprovalState, CardState
from nanoclaw.model.settings import AdminScope
from nanoclaw.store import approvals, epochs, programs
from nanoclaw.store.settings import settings_of
from schema import payloads
from schema.payloads import SystemOut
from schema.requests import AddMcpServer
from schema.rows import OutKind
from schema.sqlite import execute, fetch
from tests.actors.absorbing import a_row, report
from tests.actors.asking import Case
from tests.conftest import Figures
from tests.support.approvals import carry_out_as
from tests.support.central import CHANNEL, World
from tests.support.dying import Death, MortalStore, die_everywhere
from tests.support.inline_database import InlineDatabase
from tests.support.office import Platform, office

TIME = AddMcpServer(name="time", command="python3", args=("/workspace/agent/time.py",))
GOOD, EVIL = b"print('good')\n", b"print('evil')\n"
DIGEST = hashlib.sha256(GOOD).hexdigest()
COPY = f"/nanoclaw/programs/{DIGEST}/time.py"


def an_asker(world: World | None = None) -> Case:
    """An agent in a turn of an owner, whose folder has a program."""
    case = Case() if world is None else Case(world)
    case.more = {"add_mcp_server": McpServerRequests(mint=case.world.mint)}
    case.may(AdminScope.GROUP)
    case.owner()
    case.hears("Ada")
    case.disk.files["time.py"] = GOOD
    return case


@pytest.fixture
def case() -> Case:
    return an_asker()


def kept(case: Case) -> set[bytes]:
    return set(programs.kept(case.world.conn, case.agent).values())


def the_one(case: Case) -> Approval:
    return next(one for one in approvals.approvals(case.world.conn) if one.state is ApprovalState.PENDING)


async def decided(case: Case, option: object = YES_OR_NO[0]) -> Approval:
    """As the actor does it: what is slow first, then what is one transaction."""
    waits = the_one(case)
    chosen = REJECT if option is REJECT else YES_OR_NO[0]
    assert approvals.decide(case.world.conn, waits.id, chosen, by=case.owner(), now=case.world.now) is not None
    if option is not REJECT:
        kind = McpServerKind(case.disk)
        try:
            await kind.work(waits)
            carry_out_as(case.world, kind)
        except UsageError as exc:
            approvals.end(case.world.conn, waits.id, ApprovalState.FAILED, str(exc), now=case.world.now)
    ended = approvals.get(case.world.conn, waits.id)
    assert ended is not None
    return ended


def has(case: Case) -> dict[str, Any]:
    settings = settings_of(case.world.conn, case.agent)
    assert settings is not None
    return dict(json.loads(settings.mcp_servers))


async def test_the_file_is_shown_and_kept_and_the_server_starts_the_copy(case: Case) -> None:
    case.ask(TIME)
    assert json.loads(the_one(case).lines)[2:] == [
        "Command: “python3”",
        "Argument 1: “/workspace/agent/time.py”",
        "Variables: none",
        f"Argument 1 is the agent's file “time.py”, kept as it is now: 14 bytes, SHA-256 {DIGEST}",
        "Line 1: “print('good')”",
    ]
    assert (await decided(case)).state is ApprovalState.DONE
    assert has(case)["time"] == {"command": "python3", "args": [COPY], "env": {}, "kept": [f"{DIGEST}/time.py"]}
    told = tell(
        HomeSettings(provider="demo", timezone="UTC"), case.place.agent_group, settings_of(case.world.conn, case.agent)
    )
    assert told.mcp_servers["time"].kept == (f"{DIGEST}/time.py",)
    assert kept(case) == {GOOD}


async def test_what_changed_before_the_yes_is_not_set_and_has_to_be_asked_for_anew(case: Case) -> None:
    case.ask(TIME)
    case.disk.files["time.py"] = EVIL
    ended = await decided(case)
    assert (ended.state, has(case)) == (ApprovalState.FAILED, {})
    assert "has changed since it was asked for: it has to be asked for anew" in str(ended.result)
    assert "has to be asked for anew" in str(case.notes()[-1]["content"]), "its agent is told"
    assert "submitted" in case.ask(TIME)
    assert any("evil" in line for line in json.loads(the_one(case).lines))
    assert kept(case) == {EVIL}, "nobody needs the other any more"


async def test_a_file_that_went_away_or_came_in_its_place_before_the_yes_is_a_change(case: Case) -> None:
    case.ask(TIME)
    del case.disk.files["time.py"]
    assert "it has changed since it was asked for" in str((await decided(case)).result)
    case.ask(AddMcpServer(name="late", command="python3", args=("late.py",)))
    case.disk.files["late.py"] = EVIL
    assert (await decided(case)).state is ApprovalState.FAILED


async def test_a_later_change_changes_nothing_and_asked_for_again_it_is_another_approval(case: Case) -> None:
    case.ask(TIME)
    first = await decided(case)
    case.disk.files["time.py"] = EVIL
    assert has(case)["time"]["args"] == [COPY]
    assert "submitted" in case.ask(TIME)
    again = the_one(case)
    assert again.digest != first.digest
    assert kept(case) == {GOOD, EVIL}, "the one is used, the other may be"
    await decided(case, REJECT)
    assert has(case)["time"]["args"] == [COPY]
    case.disk.files["time.py"] = GOOD
    assert "set just so already" in case.ask(TIME)


async def test_what_was_kept_is_what_is_set_or_nothing_is(case: Case) -> None:
    case.ask(TIME)
    execute(case.world.conn, "UPDATE programs SET content = ?", (EVIL,))
    ended = await decided(case)
    assert (ended.state, has(case)) == (ApprovalState.FAILED, {})
    assert "was not kept" in str(ended.result)


def test_what_cannot_be_kept_is_asked_of_nobody(case: Case) -> None:
    for args, why in (
        (("/workspace/agent/gone.py",), "where there is no file"),
        (("-m", "/workspace/agent"), "Argument 2 leads to /workspace/agent"),
        (("/tmp/x.py",), "Argument 1 leads to /tmp"),
    ):
        assert why in case.ask(attrs.evolve(TIME, args=args))
    assert approvals.approvals(case.world.conn) == []
    assert kept(case) == set()


def test_a_program_that_is_too_long_to_be_shown_is_known_by_its_digest(case: Case) -> None:
    case.disk.files["time.py"] = b"x = 1\n" * 2_000
    case.ask(TIME)
    *_, about, last = json.loads(the_one(case).lines)
    assert "12,000 bytes, SHA-256" in about
    assert last == "It is too long to be shown here: only its digest says what is in it"


@define(eq=False)
class Asking:
    """What an agent has written, which is there whatever becomes of the host; and Ada, who presses twice."""

    store: InlineDatabase = field(factory=InlineDatabase)
    case: Case = field(init=False)
    platform: Platform = field(factory=lambda: Platform(CHANNEL, keyed=True))

    def __attrs_post_init__(self) -> None:
        self.case = an_asker(World(self.store.conn))

    async def live(self, death: Death) -> None:
        """The outbox is looked at, what it names is read, people are asked, and the file is another one afterwards."""
        case, kind = self.case, McpServerKind(self.case.disk)
        said = SystemOut(action="add_mcp_server", arguments=payloads.write(TIME))
        row = a_row(1, kind=OutKind.SYSTEM, in_reply_to=None, payload=said)
        async with office(case.world, self.store, death, [self.platform], {kind.name: kind}) as here:
            found = case.disk.asked(said.arguments)
            assert found is not None
            await MortalStore(self.store, death).transact(
                absorb,
                case.place,
                case.epoch,
                report(rows=(row,)),
                programs={row.rowid: found},
                handlers=case.more,
                now=case.world.now,
            )
            here.approvals.look()
            await here.rest()
            for number in (900, 901):
                await here.press(self.platform, self.platform.cards()[0], "Approve", by="Ada", number=number)
            await here.rest()
            case.disk.files["time.py"] = EVIL
            await trio.lowlevel.checkpoint()


def assert_sound(asking: Asking) -> None:
    """It was asked for once and set once with what was shown, or not at all, and its agent knows."""
    conn, case = asking.store.conn, asking.case
    (approval,) = approvals.approvals(conn)
    assert approval.state is ApprovalState.DONE
    assert fetch(conn, "SELECT state FROM approval_cards") == [{"state": CardState.OVER.value}]
    assert has(case)["time"]["args"] == [COPY]
    assert kept(case) == {GOOD}
    assert epochs.told_to_end(conn, case.place.session.id, case.epoch) is not None
    told = [str(json.loads(str(note["content"]))["text"]) for note in case.notes()]
    assert sorted(text.partition(" ")[0] for text in told) == sorted(["submitted:", "you", f"{approval.id},"])
    asking.store.close()


async def test_it_is_set_once_with_what_was_shown_wherever_the_host_dies(figures: Figures) -> None:
    died = await die_everywhere(Asking, assert_sound)
    figures(points_died_at=died)
    assert died > 30
