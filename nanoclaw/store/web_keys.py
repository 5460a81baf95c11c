"""Who may open the web page, in nanoclaw.db: links that let in once, and browsers that were let in.

Only digests are here. A digest is looked up as a whole, so how long that takes says nothing about the secret.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import frozen

from nanoclaw.core.conversations import Person
from schema.rows import select
from schema.sqlite import Connection, execute
from schema.times import write_time


class KeyKind(Enum):
    """What a secret is for."""

    LINK = "link"
    LOGIN = "login"


@frozen(kw_only=True)
class _Row:
    handle: str
    name: str


def add(conn: Connection, digest: str, kind: KeyKind, person: Person, *, expires_at: datetime, now: datetime) -> None:
    """Keep the *digest* of a secret of *person*'s; what has expired goes. A new link takes the place of the last."""
    execute(conn, "DELETE FROM web_keys WHERE expires_at <= ?", (write_time(now),))
    if kind is KeyKind.LINK:
        execute(conn, "DELETE FROM web_keys WHERE kind = 'link' AND handle = ?", (person.handle,))
    execute(
        conn,
        "INSERT INTO web_keys (digest, kind, handle, name, expires_at) VALUES (?, ?, ?, ?, ?)",
        (digest, kind.value, person.handle, person.name, write_time(expires_at)),
    )


def exchange(conn: Connection, link: str, login: str, *, expires_at: datetime, now: datetime) -> Person | None:
    """Use up the link of that digest for a login of the other; None: there is no such link any more."""
    person = _of(conn, link, KeyKind.LINK, now)
    if person is not None:
        execute(conn, "DELETE FROM web_keys WHERE digest = ?", (link,))
        add(conn, login, KeyKind.LOGIN, person, expires_at=expires_at, now=now)
    return person


def person_of(conn: Connection, login: str, *, now: datetime) -> Person | None:
    """Who was let in with the login of that digest, if it still holds."""
    return _of(conn, login, KeyKind.LOGIN, now)


def end(conn: Connection, login: str) -> None:
    """The login of that digest holds no more."""
    execute(conn, "DELETE FROM web_keys WHERE digest = ? AND kind = 'login'", (login,))


def end_all(conn: Connection, handle: str) -> int:
    """No link and no login of that person's holds any more; says how many did."""
    return execute(conn, "DELETE FROM web_keys WHERE handle = ?", (handle,))


def _of(conn: Connection, digest: str, kind: KeyKind, now: datetime) -> Person | None:
    found = select(
        conn,
        _Row,
        "SELECT handle, name FROM web_keys WHERE digest = ? AND kind = ? AND expires_at > ?",
        (digest, kind.value, write_time(now)),
    )
    return Person(handle=found[0].handle, name=found[0].name) if found else None
