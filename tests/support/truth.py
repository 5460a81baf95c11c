"""What a home's database says, for tests that look at a host from outside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schema import sqlite


def rows(home: Path, sql: str, *values: str) -> list[Mapping[str, Any]]:
    """The rows of one question, on a connection that cannot write."""
    conn = sqlite.open_read_only(home / "nanoclaw.db")
    try:
        return [dict(row) for row in sqlite.fetch(conn, sql, values)]
    finally:
        conn.close()
