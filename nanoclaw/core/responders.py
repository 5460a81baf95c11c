"""Whom does an agent mean that lets others than usual answer a question? Pure.

An agent names people as its prompt shows them: by what they call themselves, which anybody may imitate, or by a message
of theirs, which nobody can. What a name meant is settled when the question is asked, by whom the platform vouches for;
ids of platforms are nobody's names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.notices import plain
from nanoclaw.model.ids import UserId

ANYONE = "anyone"
"""Everybody who may speak to the agent in the chat of the question."""
ADMINS = "admins"
"""Nobody besides admins, who may answer in any case."""
MOST_CALLED = 80
"""Characters of a name in a sentence."""
MOST_MESSAGES = 3
"""Of people of one name, who are told apart by a message each."""

_MESSAGE = re.compile(r"#([0-9]{1,15})")
_PLATFORMS_ID = re.compile(r"[\w.+-]+:\S+")


@frozen(kw_only=True)
class Seen:
    """A message that the agent was shown, from the chat of its question."""

    number: int
    """Its id in the agent's prompt."""
    name: str
    """What its sender called themselves."""
    person: UserId


@frozen(kw_only=True)
class Responders:
    """Who may answer besides admins."""

    anyone: bool = False
    """Whoever may speak to the agent in the chat."""
    people: tuple[UserId, ...] = ()
    """These, as long as they may."""


@frozen
class Unknown:
    """The question is not asked; *why* is half a sentence for the agent."""

    why: str


Resolved: TypeAlias = Responders | Unknown


def resolve(names: Sequence[str], seen: Sequence[Seen], *, hears: bool, programs: bool = False) -> Resolved:
    """Who is meant by *names*.

    Args:
      names: As the agent gave them, at least one.
      seen: What it was shown from the chat of the question.
      hears: Is it wired to that chat? Where nobody can speak to it, only admins can answer.
      programs: Do programs speak there, and not people?
    """
    folded = [_folded(name) for name in names]
    if set(folded) == {ADMINS}:
        return Responders()
    if not hears:
        return Unknown("nobody there can speak to you, so none but admins can answer")
    if programs:
        return Unknown("programs speak there, and none of them may answer")
    people: dict[UserId, None] = {}
    for given, name in zip(names, folded, strict=True):
        if name in (ANYONE, ADMINS):
            continue
        found = _person(given, name, seen)
        if isinstance(found, Unknown):
            return found
        people[found] = None
    return Responders(anyone=ANYONE in folded, people=tuple(sorted(people)))


def is_among(responders: Responders, sender: UserId, *, speaks: bool) -> bool:
    """May *sender* answer, who *speaks* to the agent in that chat or may not?"""
    return speaks and (responders.anyone or sender in responders.people)


def _person(given: str, name: str, seen: Sequence[Seen]) -> UserId | Unknown:
    called = f"“{plain(given, MOST_CALLED)}”"
    if (number := _MESSAGE.fullmatch(name)) is not None:
        for one in seen:
            if one.number == int(number[1]):
                return one.person
        return Unknown(f"you were shown no message {called} of a person in that chat")
    if _PLATFORMS_ID.fullmatch(name):
        return Unknown(f"{called} looks like an id of a platform, which names nobody: {HOW}")
    # The latest message of each, as those are what the agent still knows.
    those = {one.person: one.number for one in sorted(seen, key=lambda one: one.number) if _folded(one.name) == name}
    if not those or not name:
        return Unknown(f"you have seen nobody called {called} in that chat: {HOW}")
    if len(those) > 1:
        numbers = " or ".join(f"#{number}" for number in sorted(those.values())[-MOST_MESSAGES:])
        return Unknown(f"{len(those)} people there are called {called}: say whom by a message of theirs, {numbers}")
    return next(iter(those))


HOW = f"say a sender's name as it was shown to you, a message of theirs as #12, {ANYONE} or {ADMINS}"


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
