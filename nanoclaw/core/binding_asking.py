"""What people are shown of a request that would go on with a secret, and what tells it from others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from nanoclaw.core.approvals import field
from nanoclaw.core.digests import canonical, digest_of
from nanoclaw.model.approvals import Shown
from nanoclaw.model.bindings import Asks, Binding, BoundRequest

PASS_LASTS = timedelta(minutes=10)
"""How long a request that was let through can be put again."""
LASTS = timedelta(hours=12)
"""How long people may think about it."""
MOST_AN_HOUR = 30
"""Cards about requests of one agent group: people must not be worn out by asking."""
TITLE = "An agent asks a host for something, with a secret of yours"


def payload_of(binding: Binding, request: BoundRequest) -> dict[str, object]:
    """All of what people are asked to let through."""
    return {
        "agent": binding.agent_group_id,
        "binding": binding.name,
        "secret": binding.secret,
        "place": binding.place,
        "header": binding.header,
        "asks": binding.asks.value,
        "method": request.method,
        "path": request.path,
        "size": request.size,
        "body": request.digest,
    }


def request_digest(binding: Binding, request: BoundRequest) -> str:
    """What tells one request by a binding from another."""
    return digest_of(canonical(payload_of(binding, request)))


def subject_of(binding: Binding, request: BoundRequest) -> str:
    """What an approval is about: the binding, where people are asked once; else this very request."""
    about = f"secret/{binding.agent_group_id}/{binding.name}"
    return about if binding.asks is Asks.FIRST else f"{about}/{request_digest(binding, request)}"


def shown(agent: str, payload: Mapping[str, object]) -> Shown:
    """The card."""
    once = payload["asks"] == Asks.ALWAYS.value
    size = payload["size"]
    body = "no body" if not size else f"{size:,} bytes, SHA-256 {payload['body']}"
    lines = (
        field("Agent", agent),
        field("Method", str(payload["method"])),
        field("Host", str(payload["place"])),
        field("Path", str(payload["path"])),
        f"Body: {body}",
        f"Binding: {payload['binding']}, which adds {payload['secret']} as {payload['header']}",
        "Approved: this very request goes on, once."
        if once
        else "Approved: this agent's requests by this binding go on, this one and all later ones, unasked.",
    )
    return Shown(TITLE, lines)
