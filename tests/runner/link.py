"""A session's link in a folder: the host's side of it, for tests of the runner."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from attrs import define, field

from schema import payloads, sqlite
from schema.files import HEARTBEAT, INBOUND, OUTBOUND, inbound_ddl, outbound_ddl
from schema.payloads import ChatIn, InPayload
from schema.rows import (
    Delivered,
    DeliveredStatus,
    Destination,
    DestinationType,
    InKind,
    InStatus,
    MessageIn,
    Meta,
    OutKind,
    Routing,
    bindings,
    insert_sql,
)
from schema.seq import next_even
from schema.sqlite import Connection, Journal, Row, Synchronous, execute, fetch, transaction

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)


def destination(name: str) -> Destination:
    """A chat on the channel "c" whose platform id is its name."""
    return Destination(
        name=name, display_name=name.title(), type=DestinationType.CHANNEL, channel_type="c", platform_id=name
    )


def chat(text: str, sender: str = "Ada") -> ChatIn:
    """Somebody says *text*."""
    return ChatIn(text=text, sender=sender, sender_id="c:1")


@define(eq=False)
class Link:
    """What the host does with a link, and what it could read of it."""

    folder: Path
    _in: Connection = field(init=False)
    _seq: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.inside.mkdir()
        self.out.mkdir()
        self._in = sqlite.open_read_write(self.inside / INBOUND, Journal.DELETE, Synchronous.OFF)
        with transaction(self._in):
            execute(self._in, inbound_ddl())
            self._insert("session_routing", Routing(channel_type="c", platform_id="room"), single=True)
            self.set_meta()
        self.set_destinations("room")
        out = sqlite.open_read_write(self.out / OUTBOUND, Journal.DELETE, Synchronous.OFF)
        execute(out, outbound_ddl())
        out.close()
        (self.out / HEARTBEAT).touch()

    @property
    def inside(self) -> Path:
        """What the host writes."""
        return self.folder / "in"

    @property
    def out(self) -> Path:
        """What the runner writes."""
        return self.folder / "out"

    def set_meta(self, *, seq_floor: int = 0, provider_state: str = "{}", timezone: str = "Europe/Lisbon") -> None:
        """What the epoch starts from."""
        meta = Meta(epoch=7, seq_floor=seq_floor, provider_state=provider_state, timezone=timezone)
        with transaction(self._in):
            execute(self._in, "DELETE FROM meta")
            self._insert("meta", meta, single=True)

    def set_routing(self, platform_id: str | None) -> None:
        """Where a message goes that answers nothing; None: nowhere."""
        with transaction(self._in):
            execute(self._in, "DELETE FROM session_routing")
            place = Routing() if platform_id is None else Routing(channel_type="c", platform_id=platform_id)
            self._insert("session_routing", place, single=True)

    def set_destinations(self, *names: str) -> None:
        """Who the agent may write to."""
        with transaction(self._in):
            execute(self._in, "DELETE FROM destinations")
            for name in names:
                self._insert("destinations", destination(name))

    def say(
        self,
        payload: InPayload | str,
        *,
        kind: InKind = InKind.CHAT,
        trigger: bool = True,
        on_wake: bool = False,
        process_after: datetime | None = None,
        tries: int = 0,
        source: str = "room",
        thread: str | None = None,
        message_id: str | None = None,
    ) -> MessageIn:
        """Show a message from *source*; a string is its content as it is."""
        self._seq = next_even(self._seq)
        message = MessageIn(
            id=message_id or f"m{self._seq}",
            seq=self._seq,
            kind=kind,
            timestamp=NOW,
            status=InStatus.PENDING,
            process_after=process_after,
            tries=tries,
            trigger=trigger,
            platform_id=source,
            channel_type="c",
            thread_id=thread,
            content=payload if isinstance(payload, str) else payloads.write(payload),
            on_wake=on_wake,
        )
        with transaction(self._in):
            self._insert("messages_in", message)
        return message

    def numbered(self, payload: InPayload, *, seq: int) -> MessageIn:
        """What a message of that number from "room" is; it is not shown yet."""
        return MessageIn(
            id=f"m{seq}",
            seq=seq,
            kind=InKind.CHAT,
            timestamp=NOW,
            status=InStatus.PENDING,
            platform_id="room",
            channel_type="c",
            content=payloads.write(payload),
        )

    def show(self, message: MessageIn) -> None:
        """Show a message as it is."""
        with transaction(self._in):
            self._insert("messages_in", message)

    def settle(self, ids: Iterable[str]) -> None:
        """Take the runner's acks in: those rows are no longer pending."""
        with transaction(self._in):
            for message_id in ids:
                execute(self._in, "UPDATE messages_in SET status = 'completed' WHERE id = ?", (message_id,))

    def deliver(self, message_id: str, seq: int, status: DeliveredStatus = DeliveredStatus.DELIVERED) -> None:
        """Show that a message of the runner's has arrived, or what else became of it."""
        delivered = Delivered(
            message_out_id=message_id,
            seq=seq,
            platform_message_id=None,
            status=status,
            delivered_at=NOW,
            channel_type="c",
            platform_id="room",
            thread_id=None,
        )
        with transaction(self._in):
            self._insert("delivered", delivered)

    def lock(self) -> None:
        """Keep readers out, as in the moment of a commit."""
        execute(self._in, "BEGIN EXCLUSIVE")

    def unlock(self) -> None:
        """Let them in again."""
        execute(self._in, "ROLLBACK")

    def die_in_a_commit(self) -> Path:
        """What a host leaves that is killed while it writes; returns the journal, which whoever writes next undoes."""
        journal = self.inside / f"{INBOUND}-journal"
        execute(self._in, "BEGIN IMMEDIATE; UPDATE meta SET timezone = 'UTC'")
        left = journal.read_bytes()
        execute(self._in, "ROLLBACK")
        journal.write_bytes(left)
        return journal

    def messages(self) -> list[Row]:
        """What the runner said."""
        return self._read("SELECT * FROM messages_out ORDER BY seq")

    def texts(self) -> list[str]:
        """The words of it."""
        return [self.text(row) for row in self.messages()]

    @staticmethod
    def text(row: Row) -> str:
        """The words of one of its messages."""
        content = payloads.read_out(OutKind(row["kind"]), str(row["content"]))
        assert isinstance(content, payloads.ChatOut)
        return content.text

    def acks(self) -> dict[str, str]:
        """How the runner's claims stand."""
        rows = self._read("SELECT message_id, status FROM processing_ack ORDER BY message_id")
        return {str(row["message_id"]): str(row["status"]) for row in rows}

    def errors(self) -> dict[str, str | None]:
        """Why claims failed."""
        rows = self._read("SELECT message_id, error FROM processing_ack ORDER BY message_id")
        return {str(row["message_id"]): cast("str | None", row["error"]) for row in rows}

    def saved(self) -> dict[str, str]:
        """What the runner wants to be given again."""
        return {str(row["key"]): str(row["value"]) for row in self._read("SELECT key, value FROM session_state")}

    def drafts(self) -> list[Row]:
        """What it is writing."""
        return self._read("SELECT * FROM drafts")

    def usage(self) -> list[Row]:
        """What it has used."""
        return self._read("SELECT * FROM usage ORDER BY seq")

    def state(self) -> Row:
        """What the runner is doing."""
        (row,) = self._read("SELECT * FROM container_state")
        return row

    def close(self) -> None:
        """Let go of the files."""
        self._in.close()

    def _insert(self, table: str, value: object, *, single: bool = False) -> None:
        execute(self._in, insert_sql(table, type(value), single=single), bindings(value))

    def _read(self, sql: str) -> list[Row]:
        conn = sqlite.open_read_only(self.out / OUTBOUND)
        try:
            return fetch(conn, sql)
        finally:
            conn.close()
