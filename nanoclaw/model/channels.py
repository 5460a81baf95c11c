"""A channel that somebody added."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import ChannelName


@frozen(kw_only=True)
class ConfiguredChannel:
    """A channel of the home, as it is stored."""

    name: ChannelName
    kind: str
    settings: str
    """JSON: an object of texts, without the secrets."""
    created_at: datetime
    enabled: bool
