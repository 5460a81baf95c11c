"""What a person may do to a session, and what follows: wake, stop, restart, cancel, park, unpark. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Literal, TypeAlias, assert_never

from attrs import frozen

CANCELLED = "cancelled by "
"""How the note of a message begins that somebody cancelled."""


class Act(Enum):
    """What somebody wants done."""

    WAKE = "wake"
    STOP = "stop"
    RESTART = "restart"
    CANCEL = "cancel"
    PARK = "park"
    UNPARK = "unpark"


@frozen(kw_only=True)
class Standing:
    """How a session stands at that moment."""

    parked: str | None
    """Who has parked it and why, in words; None: nobody has."""
    running: bool
    """Has it a sandbox, or is one being started?"""
    at: int
    """Messages that its sandbox is at; if it is at none, those that it is being shown."""


@frozen
class Refused:
    """It is not done, and *why* says how to go on."""

    why: str


@frozen
class AskFirst:
    """It is done once somebody has said yes to *question*."""

    question: str


@frozen
class Go:
    """It is done; *words* say what follows."""

    words: str


Verdict: TypeAlias = Refused | AskFirst | Go


def decide(act: Act, session: str, standing: Standing, *, confirmed: bool) -> Verdict:
    """Judge what somebody wants to do to *session*, which is only its name here."""
    match act:
        case Act.PARK | Act.UNPARK:
            return _set_aside(act, session, standing)
        case Act.WAKE | Act.RESTART:
            return _go_on(act, session, standing)
        case Act.STOP:
            return _stop(session, standing, confirmed=confirmed)
        case Act.CANCEL:
            return _cancel(session, standing, confirmed=confirmed)
        case _:
            assert_never(act)


def parked_words(who: str, because: str) -> str:
    """How it is said that somebody has parked a session."""
    return f"parked by {who}, because: {because}"


def cancelled_words(who: str, because: str) -> str:
    """The note of a message that somebody cancelled."""
    return f"{CANCELLED}{who}{f', because: {because}' if because else ''}"


def _set_aside(act: Literal[Act.PARK, Act.UNPARK], session: str, standing: Standing) -> Verdict:
    if act is Act.UNPARK:
        if standing.parked is None:
            return Refused(f"nobody has parked {session}; if it keeps failing: nanoclaw sessions wake {session}")
        return Go(f"{session} is parked no more: what waits there is taken up")
    if standing.parked is not None:
        return Refused(f"{session} is {standing.parked} already: nanoclaw sessions unpark {session}")
    ends = "; its sandbox ends, and what it is at waits" if standing.running else ""
    return Go(f"{session} is parked{ends}. It goes on with: nanoclaw sessions unpark {session}")


def _go_on(act: Literal[Act.WAKE, Act.RESTART], session: str, standing: Standing) -> Verdict:
    if standing.parked is not None:
        return Refused(f"{session} is {standing.parked}: nanoclaw sessions unpark {session}")
    if act is Act.WAKE:
        return Go(f"{session} is looked at now")
    if standing.running:
        return Go(f"the sandbox of {session} ends, and a new one takes up what is left")
    return Go(f"{session} has no sandbox to end; it is looked at now")


def _stop(session: str, standing: Standing, *, confirmed: bool) -> Verdict:
    if not standing.running:
        return Refused(f"{session} has no sandbox: there is nothing to stop")
    if standing.at and standing.parked is None and not confirmed:
        return AskFirst(
            f"{session} is at {_messages(standing.at)}, which a new sandbox would take up at once; to end them:"
            f" nanoclaw sessions cancel, to have them wait: nanoclaw sessions park. Stop it all the same?"
        )
    return Go(f"the sandbox of {session} ends; the next one starts when there is something to do")


def _cancel(session: str, standing: Standing, *, confirmed: bool) -> Verdict:
    if not standing.running or not standing.at:
        return Refused(f"{session} is at nothing: its turn has ended, or has not begun")
    if not confirmed:
        return AskFirst(f"End {_messages(standing.at)} of {session} without an answer, for good?")
    return Go(f"{session} is told to let go of {_messages(standing.at)}: unless it is answered first, its chat is told")


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
