"""What is said to a source, on its way to a program of the operator's: a call of our own, to an address of theirs.

It is signed as Standard Webhooks says, with a secret that no source has: else what we say could come back as a call.
Its `webhook-id` is the same for every attempt; whoever takes it drops what they have, as that specification has it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from attrs import field, frozen

from nanoclaw.channels.base import Outgoing
from nanoclaw.channels.webhook.sources import parse_secret
from nanoclaw.core.parts import Limits
from nanoclaw.errors import UsageError
from schema.times import write_time

LIMITS = Limits(text=50_000, files=0)


@frozen(kw_only=True)
class Replies:
    """Where they go."""

    url: str = field(repr=False)
    key: bytes = field(repr=False)


def parse_replies(url: str, secret: str) -> Replies | None:
    """Where replies go; None: nowhere, as nothing is set.

    Raises:
      UsageError: they cannot go there; neither of the two is repeated.
    """
    if not url and not secret:
        return None
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        sound = is_address and "@" not in parts.netloc
    except ValueError:
        sound = False
    if not sound:
        raise UsageError("the reply_url is no address that can be called, such as https://example.org/replies")
    return Replies(url=url, key=parse_secret("the reply_secret", secret))


def body_of(message: Outgoing, now: datetime) -> bytes:
    """What is called: JSON in UTF-8."""
    data = {
        "source": message.to.platform_id,
        "text": message.text,
        "speaker": message.speaker,
        "answers": message.answers,
        "part": message.part,
        "parts": message.parts,
    }
    return json.dumps({"type": "message", "timestamp": write_time(now), "data": data}, ensure_ascii=False).encode()


def signed(key: bytes, name: str, body: bytes, now: datetime) -> Mapping[str, str]:
    """The headers of a call with that *name* and *body*."""
    seconds = int(now.timestamp())
    mac = hmac.digest(key, f"{name}.{seconds}.".encode() + body, hashlib.sha256)
    return {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
