"""What the truth says about one event: everything that `core.routing` judges it by, read in one look."""

from __future__ import annotations

from nanoclaw.core.routing import Facts
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.store.entities import messaging_group
from nanoclaw.store.people import rights_of
from nanoclaw.store.sessions import sessions_near
from nanoclaw.store.wirings import wirings_of
from schema.sqlite import Connection, fetch


def gather(conn: Connection, event: InboundEvent, *, threaded: bool) -> Facts:
    """The facts about *event*. *threaded*: does its channel have threads?"""
    chat = messaging_group(conn, event.channel, event.platform_id)
    wirings = () if chat is None else tuple(wirings_of(conn, chat.id))
    if chat is None or not wirings:
        return Facts(threaded=threaded, chat=chat)
    thread = (event.thread_id or None) if threaded else None
    return Facts(
        threaded=threaded,
        chat=chat,
        wirings=wirings,
        rights=rights_of(conn, event.sender_id),
        engaged=frozenset() if thread is None else engaged_in(conn, chat.id, thread),
        sessions=sessions_near(conn, chat.id, thread, wirings),
    )


def engaged_in(conn: Connection, chat: MessagingGroupId, thread: str) -> frozenset[AgentGroupId]:
    """Who has taken up something in this thread."""
    rows = fetch(
        conn, "SELECT agent_group_id FROM engagements WHERE messaging_group_id = ? AND thread_id = ?", (chat, thread)
    )
    return frozenset(AgentGroupId(str(row["agent_group_id"])) for row in rows)
