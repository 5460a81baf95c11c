"""Links let in once and for a while, logins for longer; whoever is shut out stays out."""

from __future__ import annotations

from datetime import timedelta

from nanoclaw.core.conversations import Person
from nanoclaw.store import web_keys
from nanoclaw.store.web_keys import KeyKind
from schema.sqlite import scalar
from tests.support.central import NOW, fresh

ADA, EVE = Person(handle="ada", name="Ada"), Person(handle="eve", name="Eve")
HOUR = timedelta(hours=1)


def test_a_link_is_exchanged_once_and_within_its_time() -> None:
    conn = fresh()
    web_keys.add(conn, "link", KeyKind.LINK, ADA, expires_at=NOW + HOUR, now=NOW)
    assert web_keys.exchange(conn, "link", "late", expires_at=NOW + 2 * HOUR, now=NOW + HOUR) is None
    assert web_keys.exchange(conn, "other", "login", expires_at=NOW + HOUR, now=NOW) is None
    assert web_keys.exchange(conn, "link", "login", expires_at=NOW + HOUR, now=NOW) == ADA
    assert web_keys.exchange(conn, "link", "again", expires_at=NOW + HOUR, now=NOW) is None
    assert web_keys.person_of(conn, "login", now=NOW) == ADA
    assert web_keys.person_of(conn, "login", now=NOW + HOUR) is None
    assert web_keys.person_of(conn, "again", now=NOW) is None


def test_neither_is_the_other() -> None:
    conn = fresh()
    web_keys.add(conn, "link", KeyKind.LINK, ADA, expires_at=NOW + HOUR, now=NOW)
    web_keys.add(conn, "login", KeyKind.LOGIN, ADA, expires_at=NOW + HOUR, now=NOW)
    assert web_keys.person_of(conn, "link", now=NOW) is None
    assert web_keys.exchange(conn, "login", "more", expires_at=NOW + HOUR, now=NOW) is None


def test_a_new_link_takes_the_place_of_its_persons_last_and_what_has_expired_goes() -> None:
    conn = fresh()
    for number, person in enumerate((ADA, ADA, EVE)):
        web_keys.add(conn, f"link-{number}", KeyKind.LINK, person, expires_at=NOW + HOUR, now=NOW)
    assert web_keys.exchange(conn, "link-0", "x", expires_at=NOW + HOUR, now=NOW) is None
    assert web_keys.exchange(conn, "link-2", "eve", expires_at=NOW + HOUR, now=NOW) == EVE
    web_keys.add(conn, "new", KeyKind.LOGIN, ADA, expires_at=NOW + 3 * HOUR, now=NOW + 2 * HOUR)
    assert scalar(conn, "SELECT group_concat(digest) FROM web_keys") == "new"


def test_a_login_is_ended_and_all_of_a_persons_are() -> None:
    conn = fresh()
    for digest, person in (("one", ADA), ("two", ADA), ("three", EVE)):
        web_keys.add(conn, digest, KeyKind.LOGIN, person, expires_at=NOW + HOUR, now=NOW)
    web_keys.end(conn, "one")
    assert web_keys.person_of(conn, "one", now=NOW) is None
    assert web_keys.end_all(conn, "ada") == 1
    assert web_keys.person_of(conn, "two", now=NOW) is None
    assert web_keys.person_of(conn, "three", now=NOW) == EVE
