"""Agents that may write to each other: both ways at once, and who reaches whom."""

from __future__ import annotations

import pytest

from nanoclaw.admin.verb import ConfirmationNeededError, Line
from nanoclaw.core.agent_commands import ByApproval, NotForAgents, decide_command
from nanoclaw.core.requests import Right
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store.agent_mail import written_lately
from nanoclaw.store.destinations import addresses
from tests.actors.mailing import Agents
from tests.support.desk import Desk


@pytest.fixture
def desk() -> Desk:
    """Three agents, each with a room of its own."""
    return Desk(Agents().agent("ann", "bob", "cy").world)


def names(desk: Desk, agent: str) -> list[str]:
    """Whom an agent may write to."""
    return sorted(addresses(desk.world.conn, AgentGroupId(f"agt-{agent}")))


def test_one_verb_lets_two_agents_write_to_each_other(desk: Desk) -> None:
    made = desk.do("destinations add", group="ann", agent="bob", both=True, back="boss")
    assert made.said == "ann may write to bob, as bob; bob may write to ann, as boss"
    assert [(row["group"], row["name"]) for row in made.rows] == [("ann", "bob"), ("bob", "boss")]
    assert (names(desk, "ann"), names(desk, "bob")) == (["bob", "room-ann"], ["boss", "room-bob"])


def test_one_verb_takes_both_ways_away_and_says_so_before(desk: Desk) -> None:
    desk.do("destinations add", group="ann", agent="bob", both=True)
    with pytest.raises(ConfirmationNeededError, match="bob still may write to ann"):
        desk.ask("destinations remove", {"group": "ann", "name": "bob"})
    with pytest.raises(ConfirmationNeededError, match="Neither may that one write back"):
        desk.ask("destinations remove", {"group": "ann", "name": "bob", "both": True})
    said = desk.do("destinations remove", group="ann", name="bob", both=True).said
    assert said == "ann may write to bob no longer, nor bob to ann"
    assert (names(desk, "ann"), names(desk, "bob")) == (["room-ann"], ["room-bob"])


def test_nothing_is_added_where_one_of_the_two_is_there(desk: Desk) -> None:
    desk.do("destinations add", group="bob", agent="ann")
    with pytest.raises(UsageError, match="bob may write to ann already"):
        desk.do("destinations add", group="ann", agent="bob", both=True)


def edges(desk: Desk, **of: object) -> list[Line]:
    """What the graph says of agents, ids aside."""
    rows = desk.do("destinations graph", **of).rows
    hidden = ("from_id", "to_id", "kind")
    return [{name: cell for name, cell in row.items() if name not in hidden} for row in rows if row["kind"] == "agent"]


def test_the_graph_says_who_reaches_whom_as_what_and_through_whom() -> None:
    post = Agents().agent("ann", "bob", "cy")
    desk = Desk(post.world)
    desk.do("destinations add", group="ann", agent="bob", both=True, back="boss")
    desk.do("destinations add", group="bob", agent="cy")
    post.say(post.rooms["ann"], "bob")
    assert edges(desk, group="ann") == [
        {"from": "ann", "to": "bob", "as": "bob", "back": "boss", "through": None, "last_hour": 1},
        {"from": "ann", "to": "cy", "as": None, "back": None, "through": "bob", "last_hour": None},
    ]
    assert [(row["from"], row["to"]) for row in edges(desk)] == [
        ("ann", "bob"),
        ("ann", "cy"),
        ("bob", "ann"),
        ("bob", "cy"),
    ]
    chats = [row for row in desk.do("destinations graph", group="cy").rows if row["kind"] == "chat"]
    assert [(row["to"], row["as"]) for row in chats] == [("Room-Cy", "room-cy")]
    post.world.wait(seconds=3_601)
    assert written_lately(post.world.conn, now=post.world.now) == {}


def test_an_agent_asks_for_its_own_way_to_be_taken_away_and_for_nobody_elses() -> None:
    both = decide_command("destinations remove", {"group", "name", "both"}, Right.GLOBAL)
    assert isinstance(both, NotForAgents)
    assert isinstance(decide_command("destinations remove", {"group", "name"}, Right.GROUP), ByApproval)
