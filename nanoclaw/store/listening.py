"""How chats are listened to, in nanoclaw.db; and being told, on the writer's connection, when that may have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.listening import Listening, Way, listening
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy
from nanoclaw.model.ids import ChannelName, MessagingGroupId
from nanoclaw.store import approval_cards, questions
from nanoclaw.store.entities import messaging_group
from schema.sqlite import Connection, Row, Value, execute, fetch, scalar

Place: TypeAlias = tuple[ChannelName, str]
"""A chat, by its channel and the platform's id."""

_MODES = {mode.value: mode for mode in EngageMode}
_POLICIES = {policy.value: policy for policy in IgnoredMessagePolicy}
_CHAT = (
    "(SELECT channel FROM messaging_groups WHERE id = {0}.messaging_group_id),"
    " (SELECT platform_id FROM messaging_groups WHERE id = {0}.messaging_group_id)"
)
_WATCHED = {
    "wirings": _CHAT,
    "questions": "{0}.channel, {0}.platform_id",
    "approval_cards": "{0}.channel, {0}.platform_id",
}
"""For each table that matters, how a row says which chat it is about."""
_WATCH_THREADS = (
    "CREATE TEMP TRIGGER IF NOT EXISTS listening_engagements AFTER INSERT ON main.engagements WHEN EXISTS"  # noqa: S608 - our own
    " (SELECT 1 FROM wirings WHERE messaging_group_id = NEW.messaging_group_id AND engage_mode = 'mention-sticky')"
    f" BEGIN SELECT listening_in_thread({_CHAT.format('NEW')}, NEW.thread_id); END"
)


@frozen(kw_only=True)
class Heard:
    """How a chat is listened to."""

    how: Listening
    threads: frozenset[str] = frozenset()
    """Those in which an agent has engaged, if that matters."""


def watch(conn: Connection, changed: Callable[[Place], None], engaged: Callable[[Place, str], None]) -> None:
    """Have *changed* called for each chat of which a wiring, a question or a card changes, and *engaged* for each
    thread that an agent engages in, in the middle of the transaction that does it, on its thread.

    Whatever is undone was called all the same. It lasts as long as the connection, or until another watches it.
    """

    def tell_changed(*said: Value) -> None:
        channel, platform_id = said
        changed((ChannelName(str(channel)), str(platform_id)))

    def tell_engaged(*said: Value) -> None:
        channel, platform_id, thread = said
        engaged((ChannelName(str(channel)), str(platform_id)), str(thread))

    conn.create_scalar_function("listening_changed", tell_changed, 2)
    conn.create_scalar_function("listening_in_thread", tell_engaged, 3)
    for table, place in _WATCHED.items():
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            execute(
                conn,
                f"CREATE TEMP TRIGGER IF NOT EXISTS listening_{table}_{event.lower()} AFTER {event} ON main.{table}"
                f" BEGIN SELECT listening_changed({place.format(row)}); END",
            )
    execute(conn, _WATCH_THREADS)


def heard_everywhere(conn: Connection) -> dict[Place, Heard]:
    """How every chat is listened to that may be."""
    waiting = {
        _place(row)
        for row in fetch(
            conn,
            "SELECT channel, platform_id FROM questions INDEXED BY questions_open WHERE state = 'open'"
            " UNION SELECT channel, platform_id FROM approval_cards INDEXED BY approval_cards_open"
            " WHERE state = 'open'",
        )
    }
    ways: dict[Place, list[Way]] = {place: [] for place in waiting}
    chats: dict[Place, MessagingGroupId] = {}
    for row in fetch(
        conn,
        "SELECT channel, platform_id, chat.id, engage_mode, ignored_message_policy"
        " FROM wirings JOIN messaging_groups chat ON chat.id = messaging_group_id",
    ):
        ways.setdefault(_place(row), []).append(_way(row))
        chats[_place(row)] = MessagingGroupId(str(row["id"]))
    return {place: _heard(conn, chats.get(place), found, waits=place in waiting) for place, found in ways.items()}


def heard_in(conn: Connection, place: Place) -> Heard:
    """How that chat is listened to."""
    channel, platform_id = place
    chat = messaging_group(conn, channel, platform_id)
    bound = {"channel": channel, "platform_id": platform_id}
    waits = bool(scalar(conn, f"SELECT {approval_cards.IS_ONE_OPEN} OR {questions.IS_ONE_OPEN}", bound))
    if chat is None:
        return _heard(conn, None, (), waits=waits)
    sql = "SELECT engage_mode, ignored_message_policy FROM wirings WHERE messaging_group_id = ?"
    return _heard(conn, chat.id, map(_way, fetch(conn, sql, (chat.id,))), waits=waits)


def _heard(conn: Connection, chat: MessagingGroupId | None, ways: Iterable[Way], *, waits: bool) -> Heard:
    how = listening(ways, waits=waits)
    if chat is None or how.always or not how.in_threads:
        return Heard(how=how)
    rows = fetch(conn, "SELECT DISTINCT thread_id FROM engagements WHERE messaging_group_id = ?", (chat,))
    return Heard(how=how, threads=frozenset(str(row["thread_id"]) for row in rows))


def _place(row: Row) -> Place:
    return ChannelName(str(row["channel"])), str(row["platform_id"])


def _way(row: Row) -> Way:
    return _MODES[str(row["engage_mode"])], _POLICIES[str(row["ignored_message_policy"])]
