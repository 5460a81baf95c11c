"""The keys of models' APIs, and of OneCLI: files in the home that nobody but their owner can read, and no sandbox sees.

A key belongs to a place (scheme, host and port) and goes to no other.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

from attrs import frozen

from nanoclaw.core.endpoints import BadEndpoint, read_endpoint
from nanoclaw.core.model_requests import BadKey, Key, read_key
from nanoclaw.errors import UsageError
from nanoclaw.gateway.other_secrets import FOLDER, OtherSecrets
from nanoclaw.kit.private_file import read_private, write_private
from schema.times import read_time, write_time

ANTHROPIC_KEYS = "anthropic.json"
ONECLI_KEYS = "onecli.json"


@frozen(kw_only=True)
class Secret:
    """A key, for whom it is, and since when it is here."""

    origin: str
    key: Key
    set_at: datetime


@frozen
class SecretsFile:
    """The file. Every method blocks, and raises `UsageError` if it cannot be trusted or makes no sense."""

    home: Path
    name: str = ANTHROPIC_KEYS

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.home / FOLDER / self.name

    def key_for(self, origin: str) -> Key | None:
        """The key of that place, if there is one."""
        return next((secret.key for secret in self.all() if secret.origin == origin), None)

    def value_of(self, name: str) -> str | None:
        """What the secret of that name says that is bound to hosts, if there is one; it is in a file beside this."""
        return OtherSecrets(self.home).value_of(name)

    def all(self) -> tuple[Secret, ...]:
        """All there are, by place."""
        found = read_private(self.path)
        return tuple(self._secret(origin, said) for origin, said in sorted(found.items()))

    def set(self, origin: str, key: Key, *, now: datetime) -> None:
        """Keep *key* for that place, instead of what was there. Whole or not at all. Raises `OSError` too."""
        write_private(self.path, {**read_private(self.path), origin: {"key": key.value, "set_at": write_time(now)}})

    def remove(self, origin: str) -> bool:
        """Forget the key of that place; says whether there was one. Raises `OSError` too."""
        found = dict(read_private(self.path))
        if found.pop(origin, None) is None:
            return False
        write_private(self.path, found)
        return True

    def _secret(self, origin: str, said: object) -> Secret:
        endpoint = read_endpoint(origin)
        match said:
            case {"key": str(text), "set_at": str(when)} if not isinstance(endpoint, BadEndpoint):
                key = read_key(text)
                with contextlib.suppress(ValueError):
                    if not isinstance(key, BadKey):
                        return Secret(origin=endpoint.origin, key=key, set_at=read_time(when))
        # What it says there is not shown: it may be a key.
        raise UsageError(f"{self.path}: what it says of {origin!r} makes no sense")
