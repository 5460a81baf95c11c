"""Every adapter: a crowd of strangers leaves few cards and little else, and whoever is known is heard meanwhile."""

from __future__ import annotations

import pytest

from nanoclaw.core.crowds import MOST_ASKED, MOST_RECORDED
from nanoclaw.model.ids import RoleId, UserId
from nanoclaw.model.rights import Grant, Role
from nanoclaw.store import approvals, people
from schema.sqlite import execute, integer
from tests.channels.contract.house import ContractHouse
from tests.channels.contract.rig import Can
from tests.channels.contract.rigs import kinds

MOST_GROWTH = 1 << 20


@pytest.mark.parametrize("house", kinds(Can.RENAMES), indirect=True)
@pytest.mark.parametrize("many", [30, pytest.param(300, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
async def test_a_crowd_of_strangers_makes_few_cards_and_holds_up_nobody_who_is_known(
    house: ContractHouse, many: int
) -> None:
    house.patience = 120.0
    conn = house.world.conn
    good = ["here I am"]
    async with house.living():
        (ada,) = await house.heard(await house.rig.say("here I am"))
        _let_in(house, ada.sender_id)
        execute(conn, "UPDATE messaging_groups SET unknown_sender_policy = 'request_approval'")
        before, said = integer(conn, "PRAGMA page_count"), []
        for number in range(many):
            who = f"s{number}"
            # Where there are no groups, each of them writes to us alone.
            chat = None if Can.GROUPS in house.rig.can else f"{who}@example.org"
            said.append(await house.rig.say(f"let me in {number}", who=who, name="Ada", chat=chat))
            if number % 10 == 0:
                good.append(f"and still here {number}")
                said.append(await house.rig.say(good[-1]))
        await house.heard(*said)
    assert house.stored() == good
    cards = approvals.approvals(conn)
    assert len(cards) == len({one.subject for one in cards}) == MOST_ASKED
    assert integer(conn, "SELECT count(*) FROM drops WHERE event_id IS NOT NULL") <= MOST_RECORDED
    assert (integer(conn, "PRAGMA page_count") - before) * integer(conn, "PRAGMA page_size") <= MOST_GROWTH
    assert [user.id for user in people.users(conn)] == [ada.sender_id]


def _let_in(house: ContractHouse, user: UserId) -> None:
    conn, now = house.world.conn, house.world.now
    people.note_user(conn, user, "Ada", now=now)
    owner = Grant(
        id=RoleId("role"), user_id=user, role=Role.OWNER, agent_group_id=None, granted_by=None, granted_at=now
    )
    people.grant(conn, owner)
