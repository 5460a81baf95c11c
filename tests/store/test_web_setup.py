"""The operator's first conversation on the web page is made once, and is heard by whoever hears their terminal."""

from __future__ import annotations

from attrs import evolve

from nanoclaw.core.conversations import WEB, Person
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.store import entities, people, wirings
from nanoclaw.store.setup import Operator, first_page, first_start
from schema.sqlite import execute, scalar
from tests.support.central import World

TERMINAL = Operator(user=UserId("terminal:operator"), name="Ada", channel=ChannelName("terminal"), platform_id="local")
PERSON = Person(handle="operator", name="Ada")
PAGE = evolve(TERMINAL, user=PERSON.user, channel=WEB, platform_id=PERSON.main)


def start(world: World) -> None:
    first_start(world.conn, agent="Nano", operator=TERMINAL, mint=world.mint, now=world.now)
    first_page(world.conn, operator=PAGE, like=TERMINAL, mint=world.mint, now=world.now)


def test_a_page_is_heard_by_the_agent_of_the_terminal_and_its_operator_owns_the_home() -> None:
    world = World()
    start(world)
    chat = entities.messaging_group(world.conn, WEB, PERSON.main)
    assert chat is not None
    (wiring,) = wirings.wirings_of(world.conn, chat.id)
    (agent,) = entities.agent_groups(world.conn)
    assert wiring.agent_group_id == agent.id
    assert people.rights_of(world.conn, PERSON.user).owner


def test_what_was_taken_away_later_stays_away() -> None:
    world = World()
    start(world)
    execute(world.conn, "DELETE FROM roles; DELETE FROM wirings")
    start(world)
    assert scalar(world.conn, "SELECT count(*) FROM roles") == 0
    assert scalar(world.conn, "SELECT count(*) FROM wirings") == 0


def test_a_home_from_before_there_was_a_page_gets_one_with_its_agents() -> None:
    world = World()
    first_start(world.conn, agent="Nano", operator=TERMINAL, mint=world.mint, now=world.now)
    terminal = entities.messaging_group(world.conn, TERMINAL.channel, "local")
    assert terminal is not None
    world.wire(terminal, world.agent("ops"))
    start(world)
    assert scalar(world.conn, "SELECT count(*) FROM wirings") == 4
