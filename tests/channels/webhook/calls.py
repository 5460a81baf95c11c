"""Calls as their senders make them: signed by their documentation, and recorded from its examples, with names changed.

GitHub: "Webhook events and payloads", "Validating webhook deliveries". Linear: "Webhooks" for developers. Generic:
the specification of Standard Webhooks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from nanoclaw.channels.webhook.sources import parse_sources
from tests.support.central import NOW

SECRET = "It's_a_Secret_to_Everybody"  # noqa: S105 - so does everybody know
WHSEC = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
SETTING = f"repo github {SECRET}; plan linear {SECRET} ; ci generic {WHSEC}"
SOURCES = parse_sources(SETTING)
REPO, PLAN, CI = (SOURCES[f"/hooks/{name}"] for name in ("repo", "plan", "ci"))
JSON = {"content-type": "application/json"}

REPOSITORY = {"full_name": "octo/hello", "html_url": "https://github.com/octo/hello"}
SENDER = {"login": "octocat", "id": 1}
ISSUE = {
    "number": 7,
    "title": "It rains in",
    "html_url": "https://github.com/octo/hello/issues/7",
    "body": "A lot.\nReally.",
}
PULL = {
    "number": 8,
    "title": "A roof",
    "html_url": "https://github.com/octo/hello/pull/8",
    "body": "Fixes #7",
    "merged": False,
}
COMMENT = {"body": "Me too", "html_url": "https://github.com/octo/hello/issues/7#issuecomment-1", "path": "roof.py"}


def github(action: str | None = None, **parts: Any) -> dict[str, Any]:
    """A call of GitHub's."""
    said = {} if action is None else {"action": action}
    return {**said, **parts, "repository": REPOSITORY, "sender": SENDER}


def linear(action: str, kind: str, data: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A call of Linear's, sent now."""
    return {
        "action": action,
        "type": kind,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "actor": {"id": "u1", "name": "Ada", "type": "user"},
        "data": dict(data),
        "url": "https://linear.app/octo/issue/OCT-1",
        "webhookTimestamp": int(NOW.timestamp() * 1000),
        "webhookId": "w1",
        **more,
    }


def written(call: object) -> bytes:
    """As it is sent."""
    return json.dumps(call).encode()


def by_github(body: bytes, event: str = "issues", secret: str = SECRET) -> dict[str, str]:
    """GitHub's headers for *body*."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {**JSON, "x-github-event": event, "x-github-delivery": "1-2-3", "x-hub-signature-256": f"sha256={mac}"}


def by_linear(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Linear's headers for *body*."""
    return {**JSON, "linear-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def by_standard(body: bytes, name: str = "msg_1", seconds: float | None = None, secret: str = WHSEC) -> dict[str, str]:
    """The headers of a sender that signs as Standard Webhooks says."""
    at = int(NOW.timestamp() if seconds is None else seconds)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
    return {**JSON, "webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": f"v1,{mac}"}
