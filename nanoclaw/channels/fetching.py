"""The files that came with a message, fetched into the spool; of one that cannot be had, words say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import structlog
import trio
from attrs import frozen

from nanoclaw.channels.http import Platform
from nanoclaw.core.attachments import size_in_words
from nanoclaw.core.notices import plain
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.spool import FileTooLargeError, Spool
from nanoclaw.model.files import NewAttachment
from nanoclaw.model.messages import InboundEvent
from schema.files import MOST_FILE_BYTES, MOST_FILES

log = structlog.get_logger()

TRIES = 3
PAUSE_SECONDS = 1.0
MOST_PAUSE = 30.0
MOST_NAME = 80


@frozen(kw_only=True)
class Wanted:
    """A file of a message, as its platform tells of it."""

    name: str
    size: int = 0
    """In bytes; 0: that is not known."""
    url: str = attrs.field(repr=False)
    """As `Platform.download` takes it."""
    mime_type: str | None = None


async def with_files(
    event: InboundEvent, files: Sequence[Wanted], platform: Platform, spool: Spool, *, trusted: Callable[[str], bool]
) -> InboundEvent:
    """*event* with its *files*, or with a line for each that is not there.

    Args:
      event: What was said.
      files: What came with it.
      platform: Where they are.
      spool: Where they go.
      trusted: Is that an address of the platform's own? Nothing else is fetched.

    Raises `OSError` where the disk would not. Cancellation: what was fetched is nobody's, and swept.
    """
    found, lines = list[NewAttachment](), list[str]()
    for number, file in enumerate(files):
        why = _why_not(number, file, trusted)
        if why is None:
            why = await _fetch(file, platform, spool, found)
        if why is not None:
            lines.append(f"[file {plain(file.name, MOST_NAME)!r} is not here: {why}]")
    if not files:
        await trio.lowlevel.checkpoint()
        return event
    text = "\n".join(one for one in (event.text, *lines) if one)
    return attrs.evolve(event, text=text, attachments=tuple(found))


def _why_not(number: int, file: Wanted, trusted: Callable[[str], bool]) -> str | None:
    if number >= MOST_FILES:
        return f"more than {MOST_FILES} came at once"
    if file.size > MOST_FILE_BYTES:
        return f"it is larger than {size_in_words(MOST_FILE_BYTES)}"
    if not trusted(file.url):
        return "it is not on the platform's own servers"
    return None


async def _fetch(file: Wanted, platform: Platform, spool: Spool, found: list[NewAttachment]) -> str | None:
    """Add *file* to those that were *found*; says why not."""
    why = ""
    for again in range(1, TRIES + 1):
        try:
            whole = await platform.download(file.url, spool)
        except FileTooLargeError:
            return f"it is larger than {size_in_words(MOST_FILE_BYTES)}"
        except DeliveryError as exc:
            log.warning("file_not_fetched", channel=platform.channel, why=exc.why, again=again)
            why = "it could not be fetched"
            if not exc.retryable or again == TRIES:
                return why
            await trio.sleep(min(exc.retry_after or PAUSE_SECONDS * again, MOST_PAUSE))
        else:
            found.append(NewAttachment(name=file.name, mime_type=file.mime_type, file=whole))
            return None
    return why
