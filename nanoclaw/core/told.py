"""What an agent group is told of itself, from what is set for the home and for the group. Pure.

The settings of a group hold JSON that an operator, an import or, one day, an agent's approved request wrote. Whatever
in them makes no sense is left out with its reason; what is left can be used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from attrs import field, frozen
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.v import format_exception

from nanoclaw.core.endpoints import BadEndpoint, read_endpoint
from nanoclaw.core.limits import limits_of
from nanoclaw.core.notices import plain
from nanoclaw.model.bindings import Binding
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.sandbox import ExtraMount, Limits, Network
from nanoclaw.model.settings import ContainerSettings
from schema.strict_json import JsonError, read

OUR_SERVER = "nanoclaw"
"""The name of the MCP server that the runner itself is."""
MOST_SERVERS = 50

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
NO_NAME = f"not a name for a server: letters, digits, - and _, and not {OUR_SERVER!r}"

T = TypeVar("T")


@frozen(kw_only=True)
class HomeSettings:
    """What holds for every agent group that says nothing else."""

    provider: str
    timezone: str
    compact_window: int | None = None
    """Tokens of a conversation after which a model shortens its memory; None leaves it to the provider."""


@frozen(kw_only=True)
class McpServer:
    """A program that gives a model tools. Runs in the sandbox."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(factory=dict[str, str])
    instructions: str | None = None
    """How to use them, in the words of whoever made it."""
    kept: tuple[str, ...] | None = None
    """The copies that it is started with, each as its digest, `/`, and its name. It begins in the folder of all copies;
    None: in the agent's, as those begin that nobody was asked about."""


@frozen(kw_only=True)
class Told:
    """Everything container.json says, and what of the settings could not be used."""

    provider: str
    model: str | None = None
    effort: str | None = None
    base_url: str | None = None
    """Where its model answers; None: where the provider's usually does."""
    group_name: str
    assistant_name: str
    agent_group_id: str
    max_messages_per_prompt: int | None = None
    mcp_servers: Mapping[str, McpServer] = field(factory=dict[str, McpServer])
    packages: Mapping[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])
    skills: tuple[str, ...] | None = None
    """None: all there are."""
    additional_mounts: tuple[ExtraMount, ...] = ()
    """What was granted; added by whoever starts the sandbox. An agent is told where each is, not where it is from."""
    image_tag: str | None = None
    compact_window: int | None = None
    timezone: str
    first_memory: str | None = None
    """What its memory begins with; not in container.json."""
    bindings: tuple[Binding, ...] = ()
    """Hosts that it asks with a secret; added by whoever starts the sandbox, and not in container.json."""
    network: Network = Network.NONE
    limits: Limits = field(factory=Limits)
    left_out: tuple[str, ...] = ()
    """A sentence for each thing in the settings that makes no sense."""


def tell(home: HomeSettings, group: AgentGroup, own: ContainerSettings | None) -> Told:
    """What *group* is told: its *own* settings before those of the *home*."""
    told = Told(
        provider=home.provider,
        group_name=group.name,
        assistant_name=group.name,
        agent_group_id=group.id,
        compact_window=home.compact_window,
        timezone=home.timezone,
    )
    if own is None:
        return told
    limits, bad = limits_of(own.limits)
    left = list(bad)
    return Told(
        provider=own.provider or told.provider,
        model=own.model,
        effort=own.effort,
        base_url=_base_url(own.base_url, left),
        group_name=told.group_name,
        assistant_name=own.assistant_name or told.assistant_name,
        agent_group_id=told.agent_group_id,
        max_messages_per_prompt=own.max_messages_per_prompt,
        mcp_servers=dict(_servers(own.mcp_servers, left)),
        packages=dict(_packages(own.packages, left)),
        skills=_skills(own.skills, left),
        image_tag=own.image_tag,
        compact_window=told.compact_window,
        timezone=told.timezone,
        first_memory=own.first_memory,
        network=own.network,
        limits=limits,
        left_out=tuple(left),
    )


def container_json(told: Told) -> dict[str, object]:
    """The content of container.json. What is not set is not in it: the runner has its own defaults."""
    named = {
        "provider": told.provider,
        "model": told.model,
        "effort": told.effort,
        "baseUrl": told.base_url,
        "groupName": told.group_name,
        "assistantName": told.assistant_name,
        "agentGroupId": told.agent_group_id,
        "maxMessagesPerPrompt": told.max_messages_per_prompt,
        "mcpServers": {name: _server_json(server) for name, server in told.mcp_servers.items()},
        "packages": {kind: list(names) for kind, names in told.packages.items()},
        "skills": "all" if told.skills is None else list(told.skills),
        "additionalMounts": [
            {"containerPath": mount.target, "readonly": not mount.read_write} for mount in told.additional_mounts
        ],
        "imageTag": told.image_tag,
        "compactWindow": told.compact_window,
        "timezone": told.timezone,
        "limits": {
            "memory": told.limits.memory_bytes,
            "cpus": told.limits.cpus,
            "pids": told.limits.processes,
        },
    }
    return {name: value for name, value in named.items() if value is not None}


def is_server_name(name: str) -> bool:
    """May an MCP server be called that?"""
    return _NAME.fullmatch(name) is not None and name != OUR_SERVER


def _base_url(text: str | None, left: list[str]) -> str | None:
    """The address, if it is one; else none is told, and the gateway, which reads the same, leads nowhere."""
    if text is None:
        return None
    found = read_endpoint(text)
    if isinstance(found, BadEndpoint):
        left.append(f"base_url: {plain(text)}: {plain(found.why)}")
        return None
    return str(found)


def _server_json(server: McpServer) -> dict[str, object]:
    said: dict[str, object] = {"command": server.command, "args": list(server.args), "env": dict(server.env)}
    if server.instructions is not None:
        said["instructions"] = server.instructions
    if server.kept is not None:
        said["kept"] = list(server.kept)
    return said


def _servers(text: str, left: list[str]) -> Iterator[tuple[str, McpServer]]:
    found = _parsed(text, "mcp_servers", dict, left) or {}
    for number, (name, said) in enumerate(sorted(found.items())):
        where = f"mcp_servers: {plain(name, 64)}"
        if number >= MOST_SERVERS:
            left.append(f"{where}: more than {MOST_SERVERS} servers")
        elif not is_server_name(name):
            left.append(f"{where}: {NO_NAME}")
        elif not isinstance(said, dict):
            left.append(f"{where}: not an object")
        elif (server := _read(said, McpServer, where, left)) is not None:
            yield name, server


def _packages(text: str, left: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind, said in sorted((_parsed(text, "packages", dict, left) or {}).items()):
        where = f"packages: {plain(kind, 64)}"
        if kind not in {"apt", "npm", "pip"}:
            left.append(f"{where}: not a kind of packages: apt, npm, pip")
        elif (names := _read(said, tuple[str, ...], where, left)) is not None:
            yield kind, names


def _skills(text: str, left: list[str]) -> tuple[str, ...] | None:
    """The names that are set; None for all. What cannot be read is none: nobody is given more than was meant."""
    found = _parsed(text, "skills", (str, list), left)
    if found == "all":
        return None
    names = None if found is None else _read(found, tuple[str, ...], "skills", left)
    return tuple(sorted(set(names or ())))


def _parsed(text: str, where: str, kind: type | tuple[type, ...], left: list[str]) -> Any:
    try:
        found = read(text)
    except JsonError as exc:
        left.append(f"{where}: {exc}")
        return None
    if not isinstance(found, kind):
        left.append(f"{where}: not of the right form")
        return None
    return found


def _read(said: object, cls: type[T], where: str, left: list[str]) -> T | None:
    try:
        return _converter.structure(said, cls)
    except BaseValidationError as exc:
        left.append(f"{where}: {plain('; '.join(transform_error(exc, '', _describe)))}")
    except ValueError as exc:
        left.append(f"{where}: {plain(str(exc))}")
    return None


def _describe(exc: BaseException, cls: type | None) -> str:
    return str(exc) if type(exc) is ValueError else format_exception(exc, cls)


def _text(value: object, _: object) -> str:
    if type(value) is not str:
        raise ValueError(f"not text: {value!r}")
    return value


def _texts(value: object, _: object) -> tuple[str, ...]:
    if type(value) is not list:
        raise ValueError(f"not a list: {value!r}")
    return tuple(_text(one, str) for one in value)


_converter = Converter(forbid_extra_keys=True)
_converter.register_structure_hook(str, _text)
_converter.register_structure_hook_func(lambda cls: cls == tuple[str, ...], _texts)
