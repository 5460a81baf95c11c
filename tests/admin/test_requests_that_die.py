"""An agent asks for another one and for an admin command, and its host dies at any await point: each is done once."""

from __future__ import annotations

import json

from attrs import define, field

from nanoclaw.actors.absorb import absorb
from nanoclaw.admin.agent_writes import AdminKind
from nanoclaw.model.approvals import ApprovalState, CardState
from nanoclaw.model.settings import AdminScope
from nanoclaw.store import approvals, entities
from nanoclaw.store.verify import verify
from schema import payloads
from schema.payloads import SystemOut
from schema.requests import NAMES, Admin, Asked, CreateAgent
from schema.rows import OutKind
from schema.sqlite import fetch, integer
from tests.actors.absorbing import a_row, report
from tests.actors.asking import Case
from tests.admin.commanding import a_case
from tests.conftest import Figures
from tests.routing.comparing import NOWHERE
from tests.support.central import CHANNEL, World
from tests.support.dying import Death, MortalStore, die_everywhere
from tests.support.inline_database import InlineDatabase
from tests.support.office import Platform, office

TASK = {"session": "ses-1", "prompt": "water the plants", "at": "2026-05-01T09:00"}
ASKED: tuple[Asked, ...] = (
    CreateAgent(name="Old Scout"),
    Admin(command="tasks add", options=json.dumps(TASK)),
)


@define(eq=False)
class Asking:
    """What an agent has written, which is there whatever becomes of the host; and Ada, who presses twice."""

    store: InlineDatabase = field(factory=InlineDatabase)
    case: Case = field(init=False)
    platform: Platform = field(factory=lambda: Platform(CHANNEL, keyed=True), init=False)

    def __attrs_post_init__(self) -> None:
        self.case = a_case(AdminScope.GLOBAL, world=World(self.store.conn))

    async def live(self, death: Death) -> None:
        """Whatever the outbox holds is taken in, and what waits for a person is approved."""
        case = self.case
        mortal = MortalStore(self.store, death)
        async with office(case.world, self.store, death, [self.platform], {AdminKind().name: AdminKind()}) as here:
            for number, asked in enumerate(ASKED, start=1):
                said = SystemOut(action=NAMES[type(asked)], arguments=payloads.write(asked))
                row = a_row(number, kind=OutKind.SYSTEM, in_reply_to=None, payload=said)
                absorbed = await mortal.transact(
                    absorb, case.place, case.epoch, report(rows=(row,)), handlers=case.more, now=case.world.now
                )
                if absorbed.asked:
                    here.approvals.look()
            while not self.platform.cards():
                await here.rest()
            for number in (900, 901):
                await here.press(self.platform, self.platform.cards()[0], "Approve", by="Ada", number=number)


def assert_sound(scene: Asking) -> None:
    """Each was done, once, and its agent knows."""
    conn, case = scene.store.conn, scene.case
    [child] = [group for group in entities.agent_groups(conn) if group.name == "Old Scout"]
    made = fetch(conn, "SELECT agent_group_id, name FROM destinations WHERE made_by = 'agent' ORDER BY name")
    assert [(row["agent_group_id"], row["name"]) for row in made] == [(case.agent, "old-scout"), (child.id, "parent")]
    assert integer(conn, "SELECT count(*) FROM tasks WHERE prompt = ?", (TASK["prompt"],)) == 1
    [approval] = approvals.approvals(conn)
    assert approval.state is ApprovalState.DONE
    assert fetch(conn, "SELECT state FROM approval_cards") == [{"state": CardState.OVER.value}]
    told = [json.loads(str(note["content"]))["text"] for note in case.notes()]
    assert len(told) == 3
    assert told[0].startswith("made the agent Old Scout")
    assert told[1].startswith(f"submitted: {approval.id}")
    assert told[2].startswith(f"{approval.id}, “An agent asks for an admin command”: approved by Ada, and done")
    # Its sandbox lives, and nobody here is its host.
    problems = verify(conn, NOWHERE, host=None, now=case.world.now)
    assert [one for one in problems if "left open" not in one.what] == []
    scene.store.close()


async def test_each_is_done_once_and_its_agent_is_told_once_wherever_the_host_dies(figures: Figures) -> None:
    died = await die_everywhere(Asking, assert_sound)
    figures(points_died_at=died)
    assert died > 50
