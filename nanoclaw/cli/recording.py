"""What the command line does itself, without a verb of the host's, is in the audit as well: with a host or without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nanoclaw.admin.server import NOTE
from nanoclaw.cli.client import NotRunningError, ask
from nanoclaw.config import Config
from nanoclaw.errors import HomeInUseError, NanoclawError, UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.store import audit
from nanoclaw.store.audit import Outcome
from nanoclaw.store.home import held, make_folders
from nanoclaw.store.opening import open_writer
from schema.sqlite import transaction


@contextmanager
def recorded(config: Config, what: str, *, on: str) -> Iterator[None]:
    """Record that the block begins, and how it ends. What cannot be recorded is not begun.

    Args:
      config: The home.
      what: The act, in the same few words each time.
      on: What it is about. Never a secret.

    Raises:
      UsageError, StoreError: it cannot be recorded.
    """
    note(config, what, on=on, outcome=Outcome.BEGUN)
    try:
        yield
    except NanoclawError as exc:
        note(config, what, on=on, outcome=Outcome.FAILED, detail=str(exc))
        raise
    note(config, what, on=on, outcome=Outcome.DONE)


def note(config: Config, what: str, *, on: str, outcome: Outcome, detail: str | None = None) -> None:
    """Add one record: by the host that runs, which writes alone, or else in its place. Raises as `recorded` does."""
    said = {"what": what, "on": on, "outcome": outcome.value, "detail": detail}
    try:
        ask(config.admin_socket, NOTE, said)
        return
    except NotRunningError:
        now = SystemClock().now()
    try:
        with held(config.home, now=now):
            make_folders(config.home)
            writer = open_writer(config.database)
            try:
                with transaction(writer.conn):
                    audit.record(
                        writer.conn, who=audit.OPERATOR, what=what, on=on, outcome=outcome, detail=detail, at=now
                    )
            finally:
                writer.close()
    except HomeInUseError as exc:
        raise UsageError(f"{exc}, and does not answer yet, so that this cannot be recorded: try again") from exc
