"""From what somebody typed to the one thing that is meant, or a sentence that says how to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from nanoclaw.core.names import Ambiguous, Found, Named, Nobody, find
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Approval
from nanoclaw.model.entities import AgentGroup, MessagingGroup, Session, Wiring
from nanoclaw.model.ids import UserId
from nanoclaw.model.rights import User
from nanoclaw.model.tasks import Task
from nanoclaw.store.approvals import approvals
from nanoclaw.store.dead import Dead, dead_letters
from nanoclaw.store.entities import agent_groups, messaging_groups
from nanoclaw.store.people import users
from nanoclaw.store.sessions import sessions
from nanoclaw.store.tasks import tasks
from nanoclaw.store.wirings import wirings
from schema.sqlite import Connection

T = TypeVar("T")
MOST_NAMED = 5
MOST_LETTERS = 10_000


def agent_group(conn: Connection, typed: str) -> AgentGroup:
    """An agent group by its id, its name, its folder, or how only one of those begins. Raises `UsageError`."""
    return _one(typed, agent_groups(conn), lambda one: Named(one.id, (one.name, one.folder)), "agent group", "groups")


def chat(conn: Connection, typed: str) -> MessagingGroup:
    """A chat by its id, its name, or `<channel>/<what its platform calls it>`. Raises `UsageError`."""
    return _one(typed, messaging_groups(conn), lambda one: Named(one.id, chat_names(one)), "chat", "chats")


def user(conn: Connection, typed: str) -> User:
    """A user by their id or their name. Raises `UsageError`."""
    unless = f"name them first with nanoclaw users create {typed} NAME; " if ":" in typed else ""
    return _one(typed, users(conn), lambda one: Named(one.id, (one.display_name,)), "user", "users", unless=unless)


def wiring(conn: Connection, typed: str) -> Wiring:
    """A wiring by its id, or `<agent group>@<chat>` in whole names. Raises `UsageError`."""
    groups = {one.id: one for one in agent_groups(conn)}
    chats = {one.id: one for one in messaging_groups(conn)}

    def named(one: Wiring) -> Named:
        group = groups[one.agent_group_id]
        places = chat_names(chats[one.messaging_group_id])
        return Named(one.id, tuple(f"{who}@{where}" for who in (group.folder, group.name) for where in places))

    return _one(typed, wirings(conn), named, "wiring", "wirings")


def session(conn: Connection, typed: str) -> Session:
    """A session by its id, or how only its id begins. Raises `UsageError`."""
    return _one(typed, sessions(conn), lambda one: Named(one.id, ()), "session", "sessions")


def session_or_chat(conn: Connection, typed: str) -> Session:
    """A session by its id, or how that begins; or the one session of a chat, by what that is called.

    Raises:
      UsageError: nothing is called so, or several could be meant.
    """
    known = sessions(conn)
    if isinstance(find(typed, [Named(one.id, ()) for one in known]), Found):
        return session(conn, typed)
    try:
        of = chat(conn, typed)
    except UsageError as exc:
        raise UsageError(f"no session and no chat is called {typed!r}: {exc}") from None
    there = [one for one in known if one.messaging_group_id == of.id]
    if len(there) == 1:
        return there[0]
    listing = f"nanoclaw sessions list --chat {of.id} shows them"
    raise UsageError(f"{of.name} has {len(there) or 'no'} sessions: say which; {listing}")


def approval(conn: Connection, typed: str) -> Approval:
    """An approval by its id, or how only its id begins. Raises `UsageError`."""
    return _one(typed, approvals(conn), lambda one: Named(one.id, ()), "approval", "approvals")


def task(conn: Connection, typed: str) -> Task:
    """A task by its id, or how only its id begins. Raises `UsageError`."""
    return _one(typed, tasks(conn), lambda one: Named(one.id, ()), "task", "tasks")


def dead_letter(conn: Connection, typed: str) -> Dead:
    """A message that failed, by its id, or how only its id begins. Raises `UsageError`."""
    return _one(typed, dead_letters(conn, MOST_LETTERS), lambda one: Named(one.id, ()), "dead letter", "dead")


def chat_names(one: MessagingGroup) -> tuple[str, ...]:
    """What a chat can be called."""
    return (one.name, f"{one.channel}/{one.platform_id}")


def user_id(typed: str) -> UserId:
    """*typed* as a user's id. Raises `UsageError`."""
    channel, colon, who = typed.partition(":")
    if not (colon and channel and who) or any(sign.isspace() for sign in channel):
        raise UsageError(
            f"{typed!r} is no user id: it is <channel>:<what the platform calls them for good>, such as telegram:4711"
        )
    return UserId(typed)


def _one(
    typed: str, known: Sequence[T], named: Callable[[T], Named], what: str, resource: str, *, unless: str = ""
) -> T:
    """The one of *known* that *typed* means. *unless*: what else to do if it is none of them."""
    by_id = {named(one).id: one for one in known}
    listing = f"`nanoclaw {resource} list` shows them all"
    match find(typed, map(named, known)):
        case Found(one):
            return by_id[one]
        case Ambiguous(among):
            some = ", ".join(_say(one) for one in among[:MOST_NAMED])
            more = f" and {len(among) - MOST_NAMED} more" if len(among) > MOST_NAMED else ""
            raise UsageError(f"{typed!r} could be {some}{more}: say more of the name, or the id; {listing}")
        case Nobody(close):
            meant = f"did you mean {' or '.join(close)}? " if close else ""
            raise UsageError(f"there is no {what} {typed!r}: {meant}{unless}{listing}")


def _say(one: Named) -> str:
    return f"{one.names[0]} ({one.id})" if one.names else one.id
