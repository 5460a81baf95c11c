"""What becomes of a request that OneCLI holds until somebody decides: what people are shown, or why nobody is asked.

Whoever approves sees all that will be sent. What cannot be shown whole is not asked about, and so is not allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.approvals import YES_OR_NO, escaped, fault, field
from nanoclaw.core.onecli import PendingRequest
from nanoclaw.model.approvals import Shown

MOST_WAITING = 3
"""Requests of one agent group that wait at a time: people must not be worn out by asking."""
MARGIN = timedelta(seconds=5)
"""So long before OneCLI itself says no it is too late for us: a decision has to get there."""
MOST_PREVIEW = 4096
"""Bytes of a body that older servers show; one of that length may go on."""

_SAYS_NOTHING = frozenset(
    {
        *("host", "user-agent", "accept", "accept-encoding", "accept-language", "connection", "content-length"),
        *("content-type", "proxy-connection", "transfer-encoding", "cache-control", "pragma", "date"),
    }
)
"""Headers that change nothing of what is done. All others are shown: one may say that a POST is a DELETE."""


@frozen(kw_only=True)
class Ask:
    """People are asked."""

    payload: Mapping[str, object]
    """Exactly what would be allowed."""
    shown: Shown
    until: datetime


@frozen
class Deny:
    """It is not allowed, and nobody is asked."""

    why: str


@frozen
class Leave:
    """It is not ours to decide, or too late."""

    why: str


Judged: TypeAlias = Ask | Deny | Leave


def judge(request: PendingRequest, *, ours: bool, waiting: int, now: datetime) -> Judged:
    """What becomes of *request*.

    Args:
      request: As OneCLI has it.
      ours: Is its agent one of this home's?
      waiting: How many of that agent group wait for a decision already.
      now: The time.
    """
    if not ours:
        return Leave("no agent of ours asks")
    until = request.expires_at - MARGIN
    if until <= now:
        return Leave("its time is over")
    if waiting >= MOST_WAITING:
        return Deny(f"{MOST_WAITING} of its requests wait for a decision already")
    body = _body(request)
    if isinstance(body, Deny):
        return body
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _SAYS_NOTHING}
    shown = Shown("Use of a credential", tuple(_lines(request, headers, body)))
    if (why := fault(shown, YES_OR_NO)) is not None:
        return Deny(why)
    payload = {
        "request": request.id,
        "method": request.method,
        "address": _address(request),
        "headers": headers,
        "body": body,
        "agent": request.agent.external_id,
    }
    return Ask(payload=payload, shown=shown, until=until)


def _lines(request: PendingRequest, headers: Mapping[str, str], body: str | None) -> list[str]:
    masked = request.raw_body is not None and request.raw_body.redacted
    return [
        field("Agent", request.agent.name),
        field("Wants to send", f"{request.method} {_address(request)}"),
        *(field(f"Header “{escaped(name)}”", value) for name, value in sorted(headers.items())),
        "Without a body" if body is None else field("Body", body),
        *(["OneCLI has put *** in the place of secrets in the body"] if masked else ()),
        "OneCLI adds the credential if somebody approves, and sends it once",
    ]


def _address(request: PendingRequest) -> str:
    return request.url or f"{request.host}{request.path}"


def _body(request: PendingRequest) -> str | Deny | None:
    """All of the body; None: it has none."""
    whole = request.raw_body
    if whole is None:
        preview = request.body_preview or None
        if preview is not None and len(preview.encode()) >= MOST_PREVIEW:
            return Deny("its body is longer than OneCLI shows")
        return preview
    if whole.binary:
        return Deny("its body is not text, so nobody could read it")
    if whole.truncated:
        return Deny("its body is longer than OneCLI shows")
    return whole.text or None
