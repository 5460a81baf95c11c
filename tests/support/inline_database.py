"""The central database without a thread, for tests on the mock clock: same rules, same answers, nothing at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

import trio

from nanoclaw.store.opening import open_writer
from nanoclaw.store.writer import Failed, Writer
from schema.sqlite import IN_MEMORY, Connection, execute, snapshot
from tests.support.central import fresh

P = ParamSpec("P")
T = TypeVar("T")


class InlineDatabase:
    """A `nanoclaw.store.db.Store` in memory, or in a file. Not for `Database`'s life on a thread: see test_db.py."""

    def __init__(self, path: str | Path = IN_MEMORY, *, migrations: Sequence[str] | None = None) -> None:
        # Migrating takes longer than most of what is tested.
        usual = path == IN_MEMORY and migrations is None
        self._writer = Writer(fresh()) if usual else open_writer(path, migrations=migrations)
        self.conn = self._writer.conn
        """For tests that look or prepare without awaiting."""

    async def transact(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Database.transact`. Cancelled at the worst moment: after the commit, the caller may not hear of it."""
        await trio.lowlevel.checkpoint()
        (outcome,) = self._writer.run([lambda conn: query(conn, *args, **kwargs)])
        await trio.lowlevel.checkpoint()
        if isinstance(outcome, Failed):
            raise outcome.error
        return cast("T", outcome.value)

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Database.read`; on the one connection there is, which cannot write meanwhile."""
        await trio.lowlevel.checkpoint()
        execute(self.conn, "PRAGMA query_only = ON")
        try:
            with snapshot(self.conn):
                return query(self.conn, *args, **kwargs)
        finally:
            execute(self.conn, "PRAGMA query_only = OFF")

    def close(self) -> None:
        """Close the connection; what was in memory is gone."""
        self._writer.close()
