"""Reads container.json: made by the host, read-only here, the only setting a runner has besides its arguments."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from runner.errors import ConfigError
from runner.logs import log
from runner.model import Container, Zone
from schema.strict_json import JsonError, read

T = TypeVar("T")


def read_container(text: str) -> Container:
    """The settings in *text*. What is left out, or null, has its default; fields of later versions are ignored.

    Raises:
      ConfigError: it is not JSON, or a field is not of its type.
    """
    try:
        found = read(text)
    except JsonError as exc:
        raise ConfigError(f"container.json: {exc}") from None
    if not isinstance(found, dict):
        raise ConfigError("container.json: not a JSON object")
    default = Container()
    try:
        return Container(
            provider=_get(found, "provider", str) or default.provider,
            assistant_name=_get(found, "assistantName", str) or default.assistant_name,
            max_messages_per_prompt=_or(_get(found, "maxMessagesPerPrompt", int), default.max_messages_per_prompt),
            timezone=_get(found, "timezone", str),
        )
    except ValueError:
        raise ConfigError("container.json: maxMessagesPerPrompt: less than 1") from None


def load_container(path: Path | None) -> Container:
    """`read_container` of a file; the defaults for None. Raises `ConfigError`, also for a file that is not there."""
    if path is None:
        return Container()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"container.json: {exc}") from exc
    return read_container(text)


def zone(name: str) -> Zone:
    """The zone called *name*, or UTC where it is not known: a sandbox may lack the time zone database."""
    try:
        return Zone(name=name, rules=ZoneInfo(name))
    except (OSError, ValueError, KeyError):
        # Not known, not a name at all, or the name of a folder; UTC as itself needs no database.
        if name != "UTC":
            log("unknown_timezone", timezone=name, used="UTC")
        return Zone(name="UTC", rules=UTC)


def _get(found: dict[str, object], key: str, cls: type[T]) -> T | None:
    value = found.get(key)
    if value is None:
        return None
    # Not isinstance: true is no number here.
    if type(value) is not cls:
        raise ConfigError(f"container.json: {key}: not {'text' if cls is str else 'a whole number'}")
    return value


def _or(value: T | None, default: T) -> T:
    return default if value is None else value
