"""The model's real command line, whose model is in trouble: what is waited for, what is told, and to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.e2e.claude_house import ENGINES, KITCHEN, House, claude_house, to
from tests.support.model_wire import INVALID, OVERLOADED, Says, Turn, limited, says

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LIMIT_SECONDS = 10
"""Real ones, of the command line's own waiting; minutes of it are in `test_claude_patience.py`."""
ALLOWED = "of 3,600 s"
"""The wait is no silence for so long, whatever else has a limit of a minute."""


@pytest.fixture(scope="module", params=ENGINES)
def shared(request: pytest.FixtureRequest) -> Iterator[House]:
    """One house an engine."""
    with claude_house(request.param) as house:
        yield house


@pytest.fixture
def house(shared: House) -> Iterator[House]:
    """The house, in which nothing is under way, neither before nor after. No trouble ends the sandbox."""
    yield shared
    shared.await_calm()
    assert shared.epochs() == [(1, None)]


def test_a_limit_is_waited_for_by_its_name_and_the_message_is_answered(house: House) -> None:
    house.model.then(limited(str(LIMIT_SECONDS)), says(to(KITCHEN, "Now it went.")))
    message = house.say("hello")
    house.await_doing("rate limit")
    told = house.host.cli("status").stdout
    (shown,) = re.findall(rf"{house.session()}: rate limit, for .*? left", " ".join(told.split()))
    assert ALLOWED in shown
    assert house.row(message)["claimed_epoch"] is not None
    before = house.heartbeat()
    assert house.answers(message) == ["Now it went."]
    first, second = house.model.asked
    assert second.at - first.at >= LIMIT_SECONDS
    assert house.heartbeat() > before
    assert house.row(message)["status"] == "completed"
    house.await_doing("idle")


def test_a_model_that_is_overloaded_is_asked_again(house: House) -> None:
    house.model.then(OVERLOADED, says(to(KITCHEN, "Now it went.")))
    message = house.say("hello")
    assert house.answers(message) == ["Now it went."]
    assert len(house.model.asked) == 2
    assert house.row(message)["status"] == "completed"


def test_of_an_answer_that_was_cut_short_nothing_is_said_and_it_is_asked_for_again(house: House) -> None:
    cut = Turn(parts=(Says(to(KITCHEN, "this goes wrong in the middle of it")),), cut_after=3)
    house.model.then(cut, says(to(KITCHEN, "Whole.")))
    message = house.say("hello")
    assert house.answers(message) == ["Whole."]
    assert len(house.model.asked) == 2
    assert not [post for post in house.platform.posts if "goes wrong" in post.text]


def test_what_the_model_refuses_is_told_in_the_chat_and_the_next_message_is_answered(house: House) -> None:
    house.model.rule = lambda _: INVALID
    refused = house.say("something forbidden")
    told = house.await_posted(INVALID.message)
    assert (told.room, "I could not answer this message" in told.text) == (KITCHEN, True)
    row = house.row(refused)
    assert (row["status"], INVALID.message in str(row["error"])) == ("failed", True)
    house.model.rule = None
    house.model.then(says(to(KITCHEN, "Good morning.")))
    assert house.answers(house.say("good morning")) == ["Good morning."]
    assert "I could not answer" not in house.model.asked[-1].said, "it is no word of the agent's"
