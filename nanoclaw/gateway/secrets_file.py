"""The keys of models' APIs, and of OneCLI: files in the home that nobody but their owner can read, and no sandbox sees.

A key belongs to a place (scheme, host and port) and goes to no other.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from attrs import frozen

from nanoclaw.core.endpoints import BadEndpoint, read_endpoint
from nanoclaw.core.model_requests import BadKey, Key, read_key
from nanoclaw.errors import UsageError
from schema.strict_json import JsonError, read
from schema.times import read_time, write_time

ANTHROPIC_KEYS = "anthropic.json"
ONECLI_KEYS = "onecli.json"
FOLDER = "secrets"
MOST_BYTES = 1 << 20


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

    def all(self) -> tuple[Secret, ...]:
        """All there are, by place."""
        found = self._read()
        return tuple(self._secret(origin, said) for origin, said in sorted(found.items()))

    def set(self, origin: str, key: Key, *, now: datetime) -> None:
        """Keep *key* for that place, instead of what was there. Whole or not at all. Raises `OSError` too."""
        self._write({**self._read(), origin: {"key": key.value, "set_at": write_time(now)}})

    def remove(self, origin: str) -> bool:
        """Forget the key of that place; says whether there was one. Raises `OSError` too."""
        found = dict(self._read())
        if found.pop(origin, None) is None:
            return False
        self._write(found)
        return True

    def _read(self) -> Mapping[str, object]:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        except OSError as exc:
            raise UsageError(f"{self.path} cannot be read: {exc.strerror}") from exc
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise UsageError(f"{self.path} is not a file of yours: nothing in it is used")
            if status.st_mode & 0o077:
                raise UsageError(f"{self.path} can be read by others: chmod 600 {self.path}")
            content = file.read(MOST_BYTES)
        try:
            found = read(content.decode())
        except (JsonError, UnicodeDecodeError) as exc:
            raise UsageError(f"{self.path}: {exc}") from None
        if not isinstance(found, dict):
            raise UsageError(f"{self.path}: not a JSON object")
        return found

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

    def _write(self, secrets: Mapping[str, object]) -> None:
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(secrets, file, indent=2)
            file.flush()
            os.fsync(descriptor)
        new.replace(self.path)
