"""Is a call from whom it says that it is from? Judged by its head, and then by its body as it came, unread. Pure.

- generic: Standard Webhooks (its specification, "Verifying signatures"): `webhook-id`, `webhook-timestamp` and
  `webhook-signature` with one or more `v1,<base64>`, the HMAC-SHA256 of `<id>.<timestamp>.<body>`.
- GitHub ("Validating webhook deliveries"): `X-Hub-Signature-256`, the HMAC-SHA256 of the body. The id of a delivery is
  not signed, and there is no time. So the same body is the same delivery, however often and late it comes.
- Linear ("Webhooks", "Securing webhooks"): `Linear-Signature`, the same; the body says in `webhookTimestamp` when it
  was sent, which `codec` looks at.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from attrs import frozen

from nanoclaw.channels.webhook.sources import Source, Sources, Template

MOST_BODY = 1 << 20
WINDOW = timedelta(minutes=5)
"""How far a call's time may be from ours."""

SIGNATURE = {
    Template.GENERIC: "webhook-signature",
    Template.GITHUB: "x-hub-signature-256",
    Template.LINEAR: "linear-signature",
}
"""The header with it."""
_ID, _TIMESTAMP = "webhook-id", "webhook-timestamp"
_FORMS = {
    Template.GENERIC: re.compile(r"v1[a-z]?,[A-Za-z0-9+/=]{1,200}(?: v1[a-z]?,[A-Za-z0-9+/=]{1,200}){0,9}"),
    Template.GITHUB: re.compile(r"sha256=[0-9a-f]{64}"),
    Template.LINEAR: re.compile(r"[0-9a-f]{64}"),
}
_AN_ID = re.compile(r"[!-~]{1,200}")
_SECONDS = re.compile(r"[0-9]{1,12}")

Headers: TypeAlias = Mapping[str, str]
"""By names in small letters; one that was said twice is not there."""


@frozen(kw_only=True)
class Refused:
    """Nothing comes of it."""

    status: int
    why: str


@frozen(kw_only=True)
class Head:
    """The first that is known of a call."""

    method: str
    path: str
    headers: Headers


def judge_head(head: Head, sources: Sources, now: datetime) -> Source | Refused:
    """Whose call it is, as it says; nothing of its body has been looked at."""
    source = sources.get(head.path)
    if source is None:
        return Refused(status=404, why="nobody is called here")
    if head.method != "POST":
        return Refused(status=405, why="a call is a POST")
    if head.headers.get("content-encoding", "identity").lower() != "identity" or not _is_json(head.headers):
        return Refused(status=415, why="a call is JSON, and not compressed: choose the content type application/json")
    # What is no number was refused by who reads HTTP.
    if int(head.headers.get("content-length", "0")) > MOST_BODY:
        return too_large()
    said = head.headers.get(SIGNATURE[source.template], "")
    if not _FORMS[source.template].fullmatch(said):
        return Refused(status=401, why="it is not signed")
    if source.template is Template.GENERIC:
        if not _AN_ID.fullmatch(head.headers.get(_ID, "")):
            return Refused(status=401, why="it has no id")
        seconds = head.headers.get(_TIMESTAMP, "")
        if not _SECONDS.fullmatch(seconds) or not is_timely(float(seconds), now):
            return untimely()
    return source


def too_large() -> Refused:
    """It has more bytes than are read."""
    return Refused(status=413, why=f"a call has {MOST_BODY:,} bytes at most")


def untimely() -> Refused:
    """It is old, or from the future."""
    return Refused(status=401, why="its time is not now: is the clock right?")


def is_timely(seconds: float, now: datetime) -> bool:
    """Is a moment, in seconds of Unix, within `WINDOW` of *now*?"""
    return abs(seconds - now.timestamp()) <= WINDOW.total_seconds()


def verify(source: Source, headers: Headers, body: bytes) -> str | None:
    """The id of a call, the same for the same call again, if its signature is right; None: it is not."""
    said = headers.get(SIGNATURE[source.template], "")
    match source.template:
        case Template.GENERIC:
            name = headers.get(_ID, "")
            signed = f"{name}.{headers.get(_TIMESTAMP, '')}.".encode() + body
            mac = base64.b64encode(hmac.digest(source.key, signed, hashlib.sha256)).decode()
            right = [hmac.compare_digest(f"v1,{mac}", one) for one in said.split(" ")]
            return name if any(right) else None
        case Template.GITHUB | Template.LINEAR:
            mac = hmac.digest(source.key, body, hashlib.sha256).hex()
            right_one = hmac.compare_digest(mac, said.removeprefix("sha256="))
            return hashlib.sha256(body).hexdigest() if right_one else None
        case _:
            assert_never(source.template)


def _is_json(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
