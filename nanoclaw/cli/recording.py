"""What the command line does itself, without a verb of the host's, is in the audit as well: with a host or without."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from attrs import define
from rich.console import Console

from nanoclaw.admin.server import NOTE
from nanoclaw.backups.before_upgrade import is_older
from nanoclaw.cli.client import NotRunningError, ask
from nanoclaw.cli.words import printable
from nanoclaw.cli.writing import written
from nanoclaw.config import Config
from nanoclaw.errors import HomeInUseError, NanoclawError, UsageError
from nanoclaw.kit.failures import one_line
from nanoclaw.store import audit
from nanoclaw.store.audit import Outcome

LOOK_SECONDS = 0.2


@define
class Ending:
    """How the block ended, for the record, if it says so."""

    outcome: Outcome = Outcome.DONE
    detail: str | None = None


@contextmanager
def recorded(
    config: Config,
    what: str,
    *,
    on: str,
    given: Mapping[str, object] | None = None,
    needed: bool = True,
    patience: float = 0.0,
) -> Iterator[Ending]:
    """Record that the block begins, and how it ends. What cannot be recorded is not begun, if that is *needed*.

    Args:
      config: The home.
      what: The act, in the same few words each time.
      on: What it is about. Never a secret.
      given: All that the act was given, for its digest. No secret: a short one can be guessed.
      needed: False: it must work where nothing can be recorded, such as a backup of a disk that is full. People are
        told, and it is done. A home without a database has no audit yet.
      patience: Seconds to wait at the end for a host that this has begin or end.

    Raises:
      UsageError, StoreError: it cannot be recorded, and has to be.
    """
    digest = audit.digest({"on": on, **(given or {})})

    def say(ending: Ending, wait: float = 0.0) -> None:
        def add() -> None:
            note(config, what, on=on, outcome=ending.outcome, digest=digest, detail=ending.detail)

        if needed:
            _patiently(add, wait)
        elif config.database.exists():
            _if_possible(config, add, wait)

    say(Ending(Outcome.BEGUN))
    ending = Ending()
    try:
        yield ending
    except Exception as exc:
        say(Ending(Outcome.FAILED, str(exc) if isinstance(exc, NanoclawError) else one_line(exc)), patience)
        raise
    say(ending, patience)


def note(
    config: Config, what: str, *, on: str, outcome: Outcome, digest: str | None = None, detail: str | None = None
) -> None:
    """Add one record: by the host that runs, which writes alone, or else in its place. Raises as `recorded` does."""
    said = {"what": what, "on": on, "outcome": outcome.value, "digest": digest, "detail": detail}
    try:
        ask(config.admin_socket, NOTE, said)
        return
    except NotRunningError:
        pass
    try:
        with written(config) as (conn, now):
            audit.record(
                conn, who=audit.OPERATOR, what=what, on=on, outcome=outcome, digest=digest, detail=detail, at=now
            )
    except HomeInUseError as exc:
        raise UsageError(f"{exc}, and does not answer yet, so that this cannot be recorded: try again") from exc


def note_refused(config: Config, what: str, *, on: str, why: str) -> None:
    """Record that something was not done, if that can be recorded; otherwise people are told."""
    if config.database.exists():
        _if_possible(config, lambda: note(config, what, on=on, outcome=Outcome.REFUSED, detail=why), 0.0)


def _if_possible(config: Config, add: Callable[[], None], patience: float) -> None:
    try:
        if is_older(config.database):
            raise UsageError("the database is of an older nanoclaw, and stays so until a host is started")
        _patiently(add, patience)
    except (NanoclawError, OSError) as exc:
        Console(stderr=True).print(printable(f"this is not in the audit: {exc}", "yellow"), soft_wrap=True)


def _patiently(add: Callable[[], None], patience: float) -> None:
    """A host that holds the home and does not answer is one that starts or ends."""
    until = time.monotonic() + patience
    while True:
        try:
            add()
            return
        except UsageError as exc:
            if not isinstance(exc.__cause__, HomeInUseError) or time.monotonic() >= until:
                raise
        time.sleep(LOOK_SECONDS)
