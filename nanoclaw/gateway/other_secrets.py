"""Secrets that are bound to hosts: one file in the home that nobody but its owner can read, and no sandbox sees."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from attrs import field, frozen

from nanoclaw.core.bindings import secret_fault, value_fault
from nanoclaw.errors import UsageError
from nanoclaw.kit.private_file import read_private, write_private
from schema.times import read_time, write_time

FOLDER = "secrets"
NAME = "others.json"


@frozen(kw_only=True)
class OtherSecret:
    """One of them, and since when it is here."""

    name: str
    value: str = field(repr=False)
    set_at: datetime


@frozen
class OtherSecrets:
    """The file. Every method blocks, and raises `UsageError` if it cannot be trusted or makes no sense."""

    home: Path

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.home / FOLDER / NAME

    def value_of(self, name: str) -> str | None:
        """What the secret of that name says, if there is one."""
        return next((one.value for one in self.all() if one.name == name), None)

    def all(self) -> tuple[OtherSecret, ...]:
        """All there are, by name."""
        return tuple(self._secret(name, said) for name, said in sorted(read_private(self.path).items()))

    def set(self, name: str, value: str, *, now: datetime) -> None:
        """Keep it, instead of what was there. Whole or not at all. Raises `OSError` too."""
        write_private(self.path, {**read_private(self.path), name: {"value": value, "set_at": write_time(now)}})

    def remove(self, name: str) -> bool:
        """Forget it; says whether there was one. Raises `OSError` too."""
        found = dict(read_private(self.path))
        if found.pop(name, None) is None:
            return False
        write_private(self.path, found)
        return True

    def _secret(self, name: str, said: object) -> OtherSecret:
        match said:
            case {"value": str(value), "set_at": str(when)} if not (secret_fault(name) or value_fault(value)):
                try:
                    return OtherSecret(name=name, value=value, set_at=read_time(when))
                except ValueError:
                    pass
        # What it says there is not shown: it may be a secret.
        raise UsageError(f"{self.path}: what it says of {name!r} makes no sense")
