"""`nanoclaw users`: people, by what their platform vouches for."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.dependants import count
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb, plain_cell
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.rights import User
from nanoclaw.store import people
from nanoclaw.store.dependants import dependants, forget_in_records
from schema.sqlite import Connection


@frozen(kw_only=True)
class List:
    """Which ones."""

    channel: Annotated[str | None, Says("only those of this channel")] = None


@frozen(kw_only=True)
class Get:
    """Which one."""

    user: Annotated[str, Says("their id, CHANNEL:PLATFORM-ID, or their name", positional=True)]


@frozen(kw_only=True)
class Create:
    """Somebody who has not written yet."""

    user: Annotated[str, Says("CHANNEL:PLATFORM-ID, such as telegram:4711", positional=True)]
    name: Annotated[str, Says("what people call them", positional=True)]


def list_users(conn: Connection, asked: List, _: Request) -> Answer:
    """Everybody who spoke to us, or was named here."""
    rows = tuple(
        _line(conn, user)
        for user in people.users(conn)
        if asked.channel is None or user.id.startswith(f"{asked.channel}:")
    )
    return Answer(rows=rows, said=None if rows else "nobody has spoken to an agent yet")


def get(conn: Connection, asked: Get, _: Request) -> Answer:
    """One person, and what they are."""
    return Answer(rows=(_line(conn, references.user(conn, asked.user)),), one=True)


def create(conn: Connection, asked: Create, request: Request) -> Answer:
    """Name somebody before they have written, to give them a role or a membership."""
    user = references.user_id(asked.user)
    if not asked.name.strip():
        raise UsageError("a user needs a name")
    if any(known.id == user for known in people.users(conn)):
        raise UsageError(f"{user} is known already: change the name with nanoclaw users update {user} NAME")
    people.note_user(conn, user, asked.name.strip(), now=request.now)
    channel = ChannelName(user.partition(":")[0])
    absent = "" if channel in request.threaded else f"; there is no channel {channel} in this host yet"
    return Answer(rows=(_named(conn, user),), one=True, said=f"{user} is known from now on{absent}")


def update(conn: Connection, asked: Create, request: Request) -> Answer:
    """Call somebody something else, until their platform says otherwise."""
    user = references.user(conn, asked.user)
    if not asked.name.strip():
        raise UsageError("a user needs a name")
    people.note_user(conn, user.id, asked.name.strip(), now=request.now)
    return Answer(rows=(_named(conn, user.id),), one=True, said=f"changed {user.id}")


def delete(conn: Connection, asked: Get, request: Request) -> Answer:
    """Forget somebody who has no role and no membership."""
    user = references.user(conn, asked.user)
    if found := dependants(conn, "users", user.id):
        raise UsageError(
            f"{user.display_name} ({user.id}) has or gave {count(found)}: "
            "nanoclaw roles revoke and nanoclaw members remove take them away"
        )
    request.confirm(f"Forget {user.display_name} ({user.id})?")
    forget_in_records(conn, "users", user.id)
    people.delete_user(conn, user.id)
    return Answer(one=True, said=f"forgot {user.id}")


def _named(conn: Connection, user: str) -> Line:
    return _line(conn, references.user(conn, user))


def _line(conn: Connection, user: User) -> Line:
    rights = people.rights_of(conn, user.id)
    if rights.owner:
        standing = "owner"
    elif rights.global_admin:
        standing = "admin of all"
    else:
        standing = ", ".join(
            f"{what} of {len(where)}"
            for what, where in (("admin", rights.admin_of), ("member", rights.member_of))
            if where
        )
    return {
        "id": user.id,
        "name": user.display_name,
        "rights": standing or "none",
        "first_seen": plain_cell(user.first_seen),
    }


VERBS = (
    Verb("users", "list", List, list_users),
    Verb("users", "get", Get, get),
    Verb("users", "create", Create, create, writes=True),
    Verb("users", "update", Create, update, writes=True),
    Verb("users", "delete", Get, delete, writes=True, destroys=True),
)
