"""`nanoclaw sessions wake|stop|restart|cancel|park|unpark`: what a person does to the work of one session."""

from __future__ import annotations

from typing import Annotated, assert_never

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.restart import MOST_MESSAGE
from nanoclaw.admin.verb import Answer, Request, Says, Verb
from nanoclaw.core.notices import plain
from nanoclaw.core.session_acts import Act, AskFirst, Go, Refused, decide
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import InboundId, SessionId
from nanoclaw.store import epochs, parkings
from nanoclaw.store.restarting import begin_anew
from schema.sqlite import Connection

SESSION = Says("its id or how that begins; or the chat, if only one agent is in it", positional=True)
MOST_REASON = 200
"""Characters."""


@frozen(kw_only=True)
class OneSession:
    """Which one."""

    session: Annotated[str, SESSION]


@frozen(kw_only=True)
class Restart:
    """Which one, and what its agent shall know."""

    session: Annotated[str, SESSION]
    message: Annotated[
        str | None, Says("what the new sandbox is told as it wakes; without it it begins with what is left")
    ] = None


@frozen(kw_only=True)
class Cancel:
    """Which one, and why."""

    session: Annotated[str, SESSION]
    because: Annotated[str | None, Says("what its chat and its agent are told")] = None


@frozen(kw_only=True)
class Park:
    """Which one, and why."""

    session: Annotated[str, SESSION]
    because: Annotated[str, Says("why, as everybody is told who waits for it or looks at it")]


def wake(conn: Connection, asked: OneSession, request: Request) -> Answer:
    """Have it looked at now: what waits for a time is due, and what keeps failing is tried again at once."""
    session, words = _judged(conn, Act.WAKE, asked.session, request)
    due = parkings.make_due(conn, session)
    return _done(session, f"{words}; {due} that waited for a time are due" if due else words)


def stop(conn: Connection, asked: OneSession, request: Request) -> Answer:
    """End its sandbox. The next one starts when there is something to do."""
    session, words = _judged(conn, Act.STOP, asked.session, request)
    epochs.tell_to_end(conn, session, f"stopped by {request.operator}")
    return _done(session, words)


def restart(conn: Connection, asked: Restart, request: Request) -> Answer:
    """End its sandbox, and have a new one take up what is left, now; of one that keeps failing as well."""
    if asked.message is not None and not 0 < len(asked.message.strip()) <= MOST_MESSAGE:
        raise UsageError(f"--message: 1 to {MOST_MESSAGE:,} characters")
    session, words = _judged(conn, Act.RESTART, asked.session, request)
    tells = asked.message and (InboundId(request.mint("wake")), plain(asked.message.strip()))
    epoch = begin_anew(conn, session, why=f"restarted by {request.operator}", tells=tells or None, now=request.now)
    if tells and epoch is None:
        raise UsageError(f"{session} has no sandbox to end, so nobody would be told that: say it in its chat")
    parkings.make_due(conn, session)
    return _done(session, words)


def cancel(conn: Connection, asked: Cancel, request: Request) -> Answer:
    """End the turn that is under way, and what it was to answer with it: nobody takes that up again."""
    session, words = _judged(conn, Act.CANCEL, asked.session, request)
    live = epochs.live(conn, session)
    assert live is not None
    parkings.cancel(conn, session, live.number, request.operator, _reason(asked.because or ""), now=request.now)
    return _done(session, words)


def park(conn: Connection, asked: Park, request: Request) -> Answer:
    """Set it aside: its sandbox ends, and nobody wakes it until it is unparked, whatever happens meanwhile."""
    because = _reason(asked.because)
    session, words = _judged(conn, Act.PARK, asked.session, request)
    if not because:
        raise UsageError("--because: say why, for whoever wonders")
    parkings.park(conn, session, request.operator, because, now=request.now)
    return _done(session, words)


def unpark(conn: Connection, asked: OneSession, request: Request) -> Answer:
    """Have it go on. What came meanwhile is taken up."""
    session, words = _judged(conn, Act.UNPARK, asked.session, request)
    parkings.unpark(conn, session)
    return _done(session, words)


def _judged(conn: Connection, act: Act, typed: str, request: Request) -> tuple[SessionId, str]:
    """The session that is meant, and what follows for it. Raises `UsageError` and `ConfirmationNeededError`."""
    session = references.session_or_chat(conn, typed).id
    standing = parkings.standing(conn, session, now=request.now)
    verdict = decide(act, session, standing, confirmed=request.confirmed)
    match verdict:
        case Refused(why):
            raise UsageError(why)
        case AskFirst(question):
            request.confirm(question)
            raise AssertionError("it was asked although somebody has said yes")
        case Go(words):
            return session, words
        case _:
            assert_never(verdict)


def _done(session: SessionId, words: str) -> Answer:
    return Answer(rows=({"session": session},), one=True, said=words, hurries=(session,))


def _reason(typed: str) -> str:
    if len(typed) > MOST_REASON:
        raise UsageError(f"--because: {MOST_REASON} characters at the most")
    return plain(typed.strip())


VERBS = (
    Verb("sessions", "wake", OneSession, wake, writes=True),
    Verb("sessions", "stop", OneSession, stop, writes=True, destroys=True),
    Verb("sessions", "restart", Restart, restart, writes=True),
    Verb("sessions", "cancel", Cancel, cancel, writes=True, destroys=True),
    Verb("sessions", "park", Park, park, writes=True),
    Verb("sessions", "unpark", OneSession, unpark, writes=True),
)
