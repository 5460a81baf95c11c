"""The secrets of channels: a file in the home that nobody but its owner can read, and no sandbox sees."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from nanoclaw.errors import UsageError
from nanoclaw.kit.private_file import read_private, write_private
from nanoclaw.model.ids import ChannelName


@frozen
class ChannelSecrets:
    """The file. Every method blocks, and raises `UsageError` if it cannot be trusted or makes no sense."""

    home: Path

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.home / "secrets" / "channels.json"

    def of(self, channel: ChannelName) -> Mapping[str, str]:
        """The secrets of *channel*, by the names of its settings."""
        found = read_private(self.path).get(channel, {})
        if isinstance(found, dict):
            secrets = {str(name): value for name, value in found.items() if isinstance(value, str)}
            if len(secrets) == len(found):
                return secrets
        # What it says there is not shown: it may be a secret.
        raise UsageError(f"{self.path}: what it says of {channel!r} makes no sense")

    def set(self, channel: ChannelName, secrets: Mapping[str, str]) -> None:
        """Keep these of *channel*, instead of what was there. Whole or not at all. Raises `OSError` too."""
        found = {name: kept for name, kept in read_private(self.path).items() if name != channel}
        write_private(self.path, {**found, channel: dict(secrets)} if secrets else found)

    def remove(self, channel: ChannelName) -> None:
        """Forget those of *channel*. Raises `OSError` too."""
        if channel in read_private(self.path):
            self.set(channel, {})
