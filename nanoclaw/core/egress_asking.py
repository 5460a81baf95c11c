"""What people are shown of a request of a sandbox that was refused, where its agent group has it so. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from nanoclaw.core.approvals import REJECT, field
from nanoclaw.model.approvals import Shown
from schema.payloads import Option

ONCE = Option(label="Once", value="once")
ALWAYS = Option(label="Always", value="always")
OPTIONS = (ONCE, ALWAYS, REJECT)
ONCE_LASTS = timedelta(minutes=10)
"""One connection is never enough: programs make several, and try again."""
LASTS = timedelta(hours=12)
"""How long people may think about it."""
MOST_AN_HOUR = 5
"""Cards about one agent group: people must not be worn out by asking."""
TITLE = "An agent wants to reach a host"


def subject_of(agent: str, said: str) -> str:
    """What a card is about: while one is open, there is no second."""
    return f"egress/{agent}/{said}"


def shown(agent: str, payload: Mapping[str, object]) -> Shown:
    """The card. The rule on it is the rule that is made."""
    minutes = ONCE_LASTS.seconds // 60
    return Shown(
        TITLE,
        (
            field("Agent", agent),
            field("Host and port", str(payload["said"])),
            f"Once: everything there is allowed for {minutes} minutes from then on.",
            "Always: everything there is allowed, until nanoclaw egress deny takes it back.",
            "What an agent sends to a host that is allowed, it has sent.",
        ),
    )
