"""The Bot API's methods over HTTP, each one request. The token is in every address, and in no error or log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from attrs import frozen

from nanoclaw.channels.base import OutgoingFile
from nanoclaw.channels.http import EVERYTHING, Answer, Platform
from nanoclaw.channels.http_bodies import Part, form_body
from nanoclaw.channels.telegram.wire import KINDS, Me, read_me
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.spool import Spool
from nanoclaw.model.files import Spooled

POLL_SECONDS = 50
"""How long Telegram may keep us waiting for an update."""
LATE_SECONDS = 15.0
MOST_FETCHED_BYTES = 20 << 20
"""What `getFile` gives out at most."""
SLOWEST = 128 << 10
"""Bytes of a file a second."""
MOST_PHOTO_BYTES = 10 << 20
PHOTOS = (".jpg", ".jpeg", ".png")
CONFLICT = 409
BAD_REQUEST = 400


@frozen(kw_only=True)
class Refused:
    """Telegram would not."""

    status: int
    words: str
    moved_to: int | None
    """The id of the supergroup that the group has become."""
    error: DeliveryError


Outcome: TypeAlias = Any | Refused
"""What a method returns; any JSON."""


@frozen
class Api:
    """One bot's."""

    _platform: Platform
    _token: str

    async def ask(
        self, method: str, body: Mapping[str, Any], *, route: str = EVERYTHING, seconds: float | None = None
    ) -> Outcome:
        """Call *method*; what it returns, or why it was refused.

        Raises:
          DeliveryError: there was no answer, or one that means that it may work later.
        """
        more: dict[str, Any] = {} if seconds is None else {"seconds": seconds}
        return self._judged(await self._platform.ask("POST", self._path(method), route=route, body=body, **more))

    async def call(self, method: str, body: Mapping[str, Any], *, route: str = EVERYTHING) -> Any:
        """The same; a refusal is raised, too."""
        outcome = await self.ask(method, body, route=route)
        if isinstance(outcome, Refused):
            raise outcome.error
        return outcome

    def error(self, why: str) -> DeliveryError:
        """A failure for good."""
        return self._platform.error(why, retryable=False)

    async def me(self) -> Me:
        """Who we are. Raises `DeliveryError`, and `BadUpdateError` if the platform is none."""
        return read_me(await self.call("getMe", {}))

    async def updates(self, after: int | None) -> list[Any]:
        """What happened since the update *after*; all up to it are acknowledged. Waits for something to happen."""
        body: dict[str, Any] = {"timeout": POLL_SECONDS, "allowed_updates": KINDS}
        if after is not None:
            body["offset"] = after + 1
        outcome = await self.ask("getUpdates", body, route="updates", seconds=POLL_SECONDS + LATE_SECONDS)
        if not isinstance(outcome, Refused):
            return outcome if isinstance(outcome, list) else []
        if outcome.status != CONFLICT:
            raise outcome.error
        webhook = "webhook" in outcome.words
        advice = (
            "a webhook is set for this bot: delete it (deleteWebhook), or use another bot"
            if webhook
            else "another program reads the messages of this bot: stop it, or use another bot"
        )
        # The last life's own request may still wait there: that passes.
        raise self._platform.error(f"{advice} ({outcome.words})", retryable=not webhook)

    async def send_file(self, fields: Mapping[str, Any], file: OutgoingFile, *, route: str) -> Outcome:
        """Send a file, small pictures as such. Raises as `ask` does."""
        is_photo = file.name.lower().endswith(PHOTOS) and file.size <= MOST_PHOTO_BYTES
        outcome = await self._upload("sendPhoto" if is_photo else "sendDocument", fields, file, route)
        if is_photo and isinstance(outcome, Refused) and outcome.status == BAD_REQUEST and outcome.moved_to is None:
            # It is called like a picture, and is none that Telegram can show.
            return await self._upload("sendDocument", fields, file, route)
        return outcome

    async def fetch(self, file_id: str, spool: Spool) -> Spooled:
        """The file of that id. Raises as `Platform.download` does."""
        found = await self.call("getFile", {"file_id": file_id})
        path = found.get("file_path") if isinstance(found, Mapping) else None
        if not isinstance(path, str):
            raise self._platform.error("a file without a path", retryable=False)
        return await self._platform.download(f"/file/bot{self._token}/{quote(path)}", spool, most=MOST_FETCHED_BYTES)

    async def _upload(self, method: str, fields: Mapping[str, Any], file: OutgoingFile, route: str) -> Outcome:
        part = Part(field=method.removeprefix("send").lower(), name=file.name, path=file.path, size=file.size)
        written = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        body, headers = form_body(written, [part])
        with body:
            answer = await self._platform.ask(
                *("POST", self._path(method)),
                route=route,
                content=body,
                headers=headers,
                seconds=LATE_SECONDS + file.size / SLOWEST,
            )
        return self._judged(answer)

    def _path(self, method: str) -> str:
        return f"/bot{self._token}/{method}"

    def _judged(self, answer: Answer) -> Outcome:
        said = answer.json
        error = self._platform.refusal(answer)
        if error is not None and error.retryable:
            raise error
        if error is None:
            if isinstance(said, Mapping) and said.get("ok") is True:
                return said.get("result")
            raise self._platform.error("an answer that is none of the Bot API's", retryable=True, reached=True)
        said = said if isinstance(said, Mapping) else {}
        more = said.get("parameters")
        moved = more.get("migrate_to_chat_id") if isinstance(more, Mapping) else None
        return Refused(
            status=answer.status,
            words=str(said.get("description", "")),
            moved_to=moved if type(moved) is int else None,
            error=error,
        )
