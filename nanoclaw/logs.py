"""What a log line looks like: one JSON object, without secrets, controls escaped, fields of bounded length."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from nanoclaw.kit.known_secrets import known_forms
from nanoclaw.kit.striking import strike

MOST_FIELD = 2_000
MOST_BYTES = 10 << 20
KEPT_FILES = 3
TELL_ADDRESSES = ("httpx2", "httpcore2", "trio-websocket", "docker", "urllib3", "imapclient")
"""Loggers of libraries that write down what is asked of whom: some platforms want their tokens in addresses."""


def log_to_file(path: Path, *, debug: bool = False) -> None:
    """Send every log line of this process to *path*, which is rotated at 10 MiB."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _log_to(RotatingFileHandler(path, maxBytes=MOST_BYTES, backupCount=KEPT_FILES, encoding="utf-8"), debug=debug)


def log_to_stream(stream: TextIO, *, debug: bool = False) -> None:
    """Send every log line of this process to *stream*, which the host reads."""
    _log_to(logging.StreamHandler(stream), debug=debug)


def _log_to(handler: logging.Handler, *, debug: bool) -> None:
    # Whoever works on a session, an epoch, a lane or an event has bound that: every line of theirs says so.
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Here rather than in `configure`, so that a library's lines go the same way as ours.
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=first,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                # Before it is cut: half a secret is not known any more.
                _struck_fields,
                _bound,
                # JSON escapes what could forge a second line or drive a terminal.
                structlog.processors.JSONRenderer(default=str, ensure_ascii=True),
                _struck,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for library in TELL_ADDRESSES:
        logging.getLogger(library).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*first, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if debug else logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _struck_fields(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    known = known_forms()
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = strike(value, known)
    return event


def _struck(_: WrappedLogger, __: str, line: Any) -> Any:
    """The same once more for the whole line: values that are no texts have become some by now."""
    return strike(str(line), known_forms())


def _bound(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if isinstance(value, str) and len(value) > MOST_FIELD and key != "exception":
            event[key] = value[:MOST_FIELD] + "…"
    return event
