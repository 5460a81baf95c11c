"""Reads container.json: made by the host, read-only here, the only setting a runner has besides its arguments."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from datetime import UTC
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from runner.core.programs import with_copies
from runner.errors import ConfigError
from runner.logs import log
from runner.model import Container, McpServer, Zone
from schema.files import SANDBOX_PROGRAMS
from schema.strict_json import JsonError, read

T = TypeVar("T")

_KINDS: Mapping[type, str] = {str: "text", int: "a whole number", dict: "an object", list: "a list"}


def read_container(text: str, programs: str = SANDBOX_PROGRAMS) -> Container:
    """The settings in *text*. What is left out, or null, has its default; fields of later versions are ignored.

    Args:
      text: JSON.
      programs: Where the copies are that MCP servers are started with.

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
    assistant_name = _get(found, "assistantName", str) or default.assistant_name
    compact_window = _get(found, "compactWindow", int)
    if compact_window is not None and compact_window < 1:
        raise ConfigError("container.json: compactWindow: less than 1")
    try:
        return Container(
            provider=_get(found, "provider", str) or default.provider,
            model=_get(found, "model", str),
            effort=_get(found, "effort", str),
            base_url=_get(found, "baseUrl", str),
            group_name=_get(found, "groupName", str) or assistant_name,
            assistant_name=assistant_name,
            mcp_servers=_servers(_get(found, "mcpServers", dict) or {}, programs),
            max_messages_per_prompt=_or(_get(found, "maxMessagesPerPrompt", int), default.max_messages_per_prompt),
            compact_window=compact_window,
            timezone=_get(found, "timezone", str),
        )
    except ValueError:
        raise ConfigError("container.json: maxMessagesPerPrompt: less than 1") from None


def load_container(path: Path | None, programs: str = SANDBOX_PROGRAMS) -> Container:
    """`read_container` of a file; the defaults for None. Raises `ConfigError`, also for a file that is not there."""
    if path is None:
        return Container()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"container.json: {exc}") from exc
    return read_container(text, programs)


def zone(name: str) -> Zone:
    """The zone called *name*, or UTC where it is not known: a sandbox may lack the time zone database."""
    try:
        return Zone(name=name, rules=ZoneInfo(name))
    except (OSError, ValueError, KeyError):
        # Not known, not a name at all, or the name of a folder; UTC as itself needs no database.
        if name != "UTC":
            log("unknown_timezone", timezone=name, used="UTC")
        return Zone(name="UTC", rules=UTC)


def _servers(found: Mapping[str, object], programs: str) -> dict[str, McpServer]:
    servers = {}
    for name, said in found.items():
        where = f"mcpServers.{name}"
        if not isinstance(said, dict):
            raise ConfigError(f"container.json: {where}: not an object")
        command = _get(said, "command", str, where)
        if not command:
            raise ConfigError(f"container.json: {where}.command: has to be there")
        env: dict[str, object] = _get(said, "env", dict, where) or {}
        server = McpServer(
            command=command,
            args=tuple(_texts(_get(said, "args", list, where) or [], f"{where}.args")),
            env=dict(zip(env, _texts(env.values(), f"{where}.env"), strict=True)),
            instructions=_get(said, "instructions", str, where),
        )
        approved = _get(said, "kept", list, where) is not None
        servers[name] = with_copies(server, programs, sys.executable) if approved else server
    return servers


def _get(found: Mapping[str, object], key: str, cls: type[T], where: str = "") -> T | None:
    value = found.get(key)
    if value is None:
        return None
    # Not isinstance: true is no number here.
    if type(value) is not cls:
        raise ConfigError(f"container.json: {where}{'.' if where else ''}{key}: not {_KINDS[cls]}")
    return value


def _texts(found: Collection[object], where: str) -> list[str]:
    texts = [one for one in found if isinstance(one, str)]
    if len(texts) < len(found):
        raise ConfigError(f"container.json: {where}: not all of it is text")
    return texts


def _or(value: T | None, default: T) -> T:
    return default if value is None else value
