"""Fetching the files that came with an update; of one that is not there, a line says so."""

from __future__ import annotations

import structlog
from attrs import define, evolve, field

from nanoclaw.channels.registry import Means
from nanoclaw.channels.telegram.api import MOST_FETCHED_BYTES, Api
from nanoclaw.channels.telegram.hearing import Wanted
from nanoclaw.core.attachments import safe_name, size_in_words
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.spool import FileTooLargeError
from nanoclaw.model.files import NewAttachment
from nanoclaw.model.messages import InboundEvent

log = structlog.get_logger()

MOST_TRIES = 3
"""How often the files of one message are tried before it is told without them: others wait behind it."""


@define(eq=False)
class Fetching:
    """The files of one bot's updates."""

    _means: Means
    _tries: tuple[int, int] = field(default=(0, 0), init=False)
    """The update whose files failed last, and how often they did."""

    async def with_files(self, api: Api, told: InboundEvent, files: tuple[Wanted, ...], number: int) -> InboundEvent:
        """*told*, with its *files*, as update *number* has it. Raises `DeliveryError` where they may come later."""
        came, missing = [], []
        self._tries = (number, self._tries[1] + 1 if self._tries[0] == number else 1)
        for file in files:
            name = safe_name(file.name)
            if (file.size or 0) > MOST_FETCHED_BYTES:
                missing.append(f"[{name}, {size_in_words(file.size or 0)}: larger than what Telegram gives to bots]")
                continue
            try:
                spooled = await api.fetch(file.file_id, self._means.spool)
            except FileTooLargeError:
                missing.append(f"[{name}: larger than what is taken here]")
            except DeliveryError as exc:
                if exc.retryable and self._tries[1] < MOST_TRIES:
                    raise
                log.warning("file_not_fetched", channel=self._means.name, why=str(exc))
                missing.append(f"[{name}: it could not be fetched]")
            else:
                came.append(NewAttachment(name=file.name, mime_type=file.mime_type, file=spooled))
        return evolve(told, attachments=tuple(came), text="\n".join(part for part in (told.text, *missing) if part))
