"""Whom an agent means by the names that it gives for those who may answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.responders import ADMINS, ANYONE, Responders, Seen, Unknown, is_among, resolve
from nanoclaw.model.ids import UserId

ADA, BOB, EVE = UserId("test:1"), UserId("test:2"), UserId("test:3")
SEEN = (
    Seen(number=2, name="Ada  Lovelace", person=ADA),
    Seen(number=4, name="Bob", person=BOB),
    Seen(number=6, name="Bob", person=BOB),
    Seen(number=8, name="Eve", person=EVE),
    Seen(number=10, name="test:1", person=EVE),
    Seen(number=12, name="admins", person=EVE),
    Seen(number=14, name="#4", person=EVE),
    Seen(number=16, name="  ", person=EVE),
)
BOBS = (*SEEN, Seen(number=18, name="BOB ", person=EVE))


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["Bob"], Responders(people=(BOB,))),
        ([" ada lovelace "], Responders(people=(ADA,))),
        (["Bob", "#2", "BOB"], Responders(people=(ADA, BOB))),
        (["#4"], Responders(people=(BOB,))),
        (["#10"], Responders(people=(EVE,))),
        (["anyone"], Responders(anyone=True)),
        (["Anyone", "Bob"], Responders(anyone=True, people=(BOB,))),
        (["admins"], Responders()),
        (["admins", "Bob"], Responders(people=(BOB,))),
    ],
)
def test_people_are_named_as_they_are_shown(names: list[str], meant: Responders) -> None:
    assert resolve(names, SEEN, hears=True) == meant


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Carol", "you have seen nobody called “Carol”"),
        ("", "you have seen nobody called “”"),
        ("  ", "you have seen nobody"),
        ("#3", "no message “#3”"),
        ("#999999999999999999", "you have seen nobody"),
        ("#-2", "you have seen nobody"),
        ("#²", "you have seen nobody"),
        ("2", "you have seen nobody"),
        ("test:1", "looks like an id of a platform"),
        ("test:2", "looks like an id of a platform"),
        ("telegram:12345", "looks like an id of a platform"),
        ("@ada:example.org", "you have seen nobody"),
        ("Bob\u202e\n\x1b[2J", "nobody called “Bob [2J”"),
        ("\u0412\u043eb", "you have seen nobody"),
        ("%", "you have seen nobody"),
        ("x" * 200, "…”"),
    ],
)
def test_who_is_not_known_is_nobody_and_the_agent_is_told_how_to_name_them(name: str, why: str) -> None:
    found = resolve(["Bob", name], SEEN, hears=True)
    assert isinstance(found, Unknown)
    assert why in found.why
    assert resolve([ANYONE, name], SEEN, hears=True) == found, "nobody else makes up for it"


def test_whoever_calls_themselves_like_somebody_else_is_not_taken_for_them() -> None:
    found = resolve(["bob"], BOBS, hears=True)
    assert found == Unknown("2 people there are called “bob”: say whom by a message of theirs, #6 or #18")
    assert resolve(["#6"], BOBS, hears=True) == Responders(people=(BOB,))


def test_where_nobody_can_speak_to_the_agent_none_but_admins_can_answer() -> None:
    for names in (["Bob"], [ANYONE], [ADMINS, "Bob"]):
        assert isinstance(resolve(names, SEEN, hears=False), Unknown)
        assert isinstance(resolve(names, SEEN, hears=True, programs=True), Unknown)
    assert resolve([ADMINS], SEEN, hears=False) == Responders()


NAMES = st.text(max_size=12) | st.sampled_from(["anyone", "admins", "Bob", "#2", "test:1", "ADA"])
MESSAGES = st.builds(
    Seen,
    number=st.integers(1, 20),
    name=st.text(max_size=6) | st.sampled_from(["Bob", "Ada", "#2", "test:1", "anyone"]),
    person=st.sampled_from([ADA, BOB, EVE]),
)


@given(
    st.lists(NAMES, min_size=1, max_size=4),
    st.lists(MESSAGES, max_size=6, unique_by=lambda one: one.number),
    st.booleans(),
)
def test_nobody_is_ever_meant_whom_the_agent_has_not_seen_and_nobody_answers_who_may_not_speak(
    names: list[str], seen: list[Seen], hears: bool
) -> None:
    found = resolve(names, seen, hears=hears)
    assert found == resolve([*names, *names[::-1]], seen[::-1], hears=hears), "order and repetition mean nothing"
    if isinstance(found, Unknown):
        assert "\n" not in found.why
        return
    assert set(found.people) <= {one.person for one in seen}
    assert found.anyone == (ANYONE in {" ".join(name.split()).casefold() for name in names})
    for person in (ADA, BOB, EVE):
        assert not is_among(found, person, speaks=False)
        assert is_among(found, person, speaks=True) == (found.anyone or person in found.people)
