"""outbound.db: what this runner says. Its only writer, with every answer on the disk before anybody is told.

What it says of itself meanwhile, a claim above all, does not wait for the disk. Every process of this machine sees it
at once; and when the machine itself dies, the epoch dies with it, and its claims mean nothing any more. The next
answer's commit syncs the whole file.

Commits are made on the loop: there is one conversation here and nothing that could use the time, and so a SIGTERM finds
no statement half done. The memory beside the file changes only after a commit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from attrs import define, evolve, field

from runner.core.text import storable
from runner.model import Ack, Ask, ContainerState, Posting, Reply, SavedState
from runner.staging import Staging
from schema import payloads, sqlite
from schema.files import OUTBOX
from schema.payloads import OUT_CLASSES, ChatOut, SystemOut
from schema.progress import MOST_USAGE, Draft, Usage
from schema.rows import AckStatus, MessageOut, OutKind, Phase, bindings, insert_sql, select
from schema.seq import next_odd
from schema.sqlite import Connection, Journal, Synchronous, execute, fetch, transaction

MOST_NAME = 200
MOST_ERROR = 1_000
"""Characters."""

_KINDS = {cls: kind for kind, cls in OUT_CLASSES.items()}
_ACK_SQL = insert_sql("processing_ack", Ack, replace=True)
_MESSAGE_SQL = insert_sql("messages_out", MessageOut)
_SAVED_SQL = insert_sql("session_state", SavedState, replace=True)
_DRAFT_SQL = insert_sql("drafts", Draft, replace=True)
_USAGE_SQL = insert_sql("usage", Usage)
_STATE_SQL = insert_sql("container_state", ContainerState, replace=True, single=True)


@define(eq=False)
class Outbox:
    """An open outbound.db."""

    _conn: Connection
    staging: Staging
    """The files of its messages."""
    _acks: dict[str, AckStatus] = field(init=False)
    _messages: dict[str, int] = field(init=False)
    """Our messages that are still in the file, with their numbers, the lowest first."""
    _highest: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        acks = fetch(self._conn, "SELECT message_id, status FROM processing_ack")
        self._acks = {str(row["message_id"]): AckStatus(row["status"]) for row in acks}
        messages: list[tuple[str, int]] = list(self._conn.execute("SELECT id, seq FROM messages_out ORDER BY seq"))
        self._messages = dict(messages)
        self._highest = max(self._messages.values(), default=0)

    @classmethod
    def open(cls, path: Path) -> Outbox:
        """Open the file the host has made. Raises `SqliteError` if it has not."""
        conn = sqlite.open_read_write(path, Journal.DELETE, Synchronous.FULL)
        try:
            return cls(conn, Staging(path.with_name(OUTBOX)))
        except BaseException:
            conn.close()
            raise

    @property
    def acked(self) -> Collection[str]:
        """The inbound rows this runner has claimed, finished or not."""
        return self._acks.keys()

    @property
    def finished(self) -> list[str]:
        """The inbound rows it has finished and the host may not have settled yet."""
        return [message_id for message_id, status in self._acks.items() if status is not AckStatus.PROCESSING]

    @property
    def messages(self) -> Collection[str]:
        """Its own messages that are still in the file."""
        return self._messages.keys()

    def message(self, seq: int) -> MessageOut | None:
        """Its message of that number, if it is still in the file."""
        found = select(self._conn, MessageOut, "SELECT * FROM messages_out WHERE seq = ?", (seq,))
        return found[0] if found else None

    def say(self, what: Reply | Posting | Ask, *, above: int, now: datetime) -> MessageOut:
        """Say something in the middle of a turn; one commit. Returns what it became.

        Args:
          what: What is said.
          above: The highest number the host knows; the message is numbered above it.
          now: The time.
        """
        (row,) = self._numbered([what], above, now)
        with transaction(self._conn):
            self._write(_MESSAGE_SQL, [row])
        self._messages[row.id] = self._highest = row.seq
        return row

    def claim(
        self,
        ids: Sequence[str],
        *,
        now: datetime,
        state: ContainerState | None = None,
        settled: Iterable[str] = (),
        delivered: Iterable[str] = (),
    ) -> None:
        """Claim *ids*; one commit.

        Args:
          ids: What to work on from now on.
          now: The time.
          state: What the runner is doing; None: a turn begins.
          settled: Finished rows that the host has settled: nothing more has to be said of them.
          delivered: Our messages whose delivery has ended: the host shows them itself.
        """
        acks = [Ack(message_id=message_id, status=AckStatus.PROCESSING, status_changed=now) for message_id in ids]
        # The host remembers how far it has read by SQLite's own row number, which starts again in an empty table.
        newest = next(reversed(self._messages), None)
        gone = [message_id for message_id in delivered if message_id != newest]
        over = list(settled)
        with self._unsynced(), transaction(self._conn):
            for message_id in gone:
                execute(self._conn, "DELETE FROM messages_out WHERE id = ?", (message_id,))
            for message_id in over:
                execute(self._conn, "DELETE FROM processing_ack WHERE message_id = ?", (message_id,))
            self._write(_ACK_SQL, acks)
            self._write(_STATE_SQL, [state or ContainerState(phase=Phase.TURN, updated_at=now)])
        for message_id in gone:
            self._messages.pop(message_id, None)
            self.staging.remove(message_id)
        for message_id in over:
            self._acks.pop(message_id, None)
        self._acks |= dict.fromkeys(ids, AckStatus.PROCESSING)

    def settle(
        self,
        replies: Sequence[Reply | Ask] = (),
        *,
        completed: Iterable[str] = (),
        failed: Mapping[str, str] | None = None,
        skipped: Mapping[str, str] | None = None,
        state: ContainerState | None = None,
        usage: Sequence[Usage] = (),
        states: Mapping[str, str] | None = None,
        keep_drafts: bool = False,
        above: int,
        now: datetime,
    ) -> None:
        """Say how something ended, all of it in one commit.

        Args:
          replies: What was said, in order.
          completed: The inbound rows that are done.
          failed: Those that failed, and why.
          skipped: Those that are done without the agent, and why.
          state: What the runner does from now on; None: nothing.
          usage: What it took.
          states: What to be given again in the next life, by key, if that has changed.
          keep_drafts: Is it nothing that replaces what is being written?
          above: The highest number the host knows; replies are numbered above it.
          now: The time.
        """
        rows = self._numbered(replies, above, now)
        errors: dict[str, str | None] = {**dict.fromkeys(completed), **(failed or {})}
        acks = [_ack(message_id, error, now) for message_id, error in errors.items()]
        for message_id, why in (skipped or {}).items():
            acks.append(evolve(_ack(message_id, why, now), status=AckStatus.COMPLETED))
        with transaction(self._conn):
            self._write(_MESSAGE_SQL, rows)
            self._write(_ACK_SQL, acks)
            self._write(_USAGE_SQL, usage)
            if usage:
                execute(self._conn, "DELETE FROM usage WHERE seq <= ?", (usage[-1].seq - MOST_USAGE,))
            self._write(_SAVED_SQL, _saved(states or {}, now))
            if not keep_drafts:
                execute(self._conn, "DELETE FROM drafts")
            self._write(_STATE_SQL, [state or ContainerState(phase=Phase.IDLE, updated_at=now)])
        for row in rows:
            self._messages[row.id] = self._highest = row.seq
        self._acks |= {ack.message_id: ack.status for ack in acks}

    def show(self, state: ContainerState) -> None:
        """Say what the runner is doing; one commit."""
        with self._unsynced(), transaction(self._conn):
            self._write(_STATE_SQL, [state])

    def save(self, states: Mapping[str, str], *, now: datetime) -> None:
        """Say what to be given again in the next life, by key; one commit."""
        with self._unsynced(), transaction(self._conn):
            self._write(_SAVED_SQL, _saved(states, now))

    def draft(self, draft: Draft) -> None:
        """Say what a reply that is under way begins with; one commit."""
        with self._unsynced(), transaction(self._conn):
            self._write(_DRAFT_SQL, [draft])

    def close(self) -> None:
        """Let go of the file. May be repeated."""
        self._conn.close()

    @contextmanager
    def _unsynced(self) -> Iterator[None]:
        """Let the commit of the block be atomic for processes, and not wait for the disk."""
        execute(self._conn, "PRAGMA synchronous = OFF")
        try:
            yield
        finally:
            execute(self._conn, "PRAGMA synchronous = FULL")

    def _numbered(self, replies: Sequence[Reply | Posting | Ask], above: int, now: datetime) -> list[MessageOut]:
        rows = []
        highest = max(above, self._highest)
        for reply in replies:
            highest = next_odd(highest)
            message_id = f"out-{highest}"
            if not isinstance(reply, Reply):
                rows.append(_no_chat(reply, message_id, highest, now))
                continue
            # Before the row that names them is committed, its files are there for good.
            names = self.staging.place(message_id, reply.files) if reply.files else ()
            rows.append(
                MessageOut(
                    id=message_id,
                    seq=highest,
                    in_reply_to=reply.in_reply_to,
                    timestamp=now,
                    kind=OutKind.CHAT,
                    destination=reply.destination,
                    content=payloads.write(ChatOut(text=reply.text, files=names)),
                )
            )
        return rows

    def _write(self, sql: str, rows: Sequence[object]) -> None:
        for row in rows:
            execute(self._conn, sql, bindings(row))


def _no_chat(said: Posting | Ask, message_id: str, seq: int, now: datetime) -> MessageOut:
    payload = SystemOut(action=said.action, arguments=said.arguments) if isinstance(said, Ask) else said.payload
    return MessageOut(
        id=message_id,
        seq=seq,
        in_reply_to=said.in_reply_to,
        timestamp=now,
        kind=_KINDS[type(payload)],
        destination=None if isinstance(said, Ask) else said.destination,
        content=payloads.write(payload),
    )


def _saved(states: Mapping[str, str], now: datetime) -> list[SavedState]:
    return [SavedState(key=key, value=storable(value), updated_at=now) for key, value in states.items()]


def _ack(message_id: str, error: str | None, now: datetime) -> Ack:
    status = AckStatus.COMPLETED if error is None else AckStatus.FAILED
    why = None if error is None else storable(error)[:MOST_ERROR]
    return Ack(message_id=message_id, status=status, status_changed=now, error=why)
