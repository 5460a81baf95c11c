"""`nanoclaw mounts`: which folders of this machine an agent's sandboxes shall see, and whether they do."""

from __future__ import annotations

from typing import Annotated

import attrs
from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb
from nanoclaw.core.mounts import Allowed, Verdict
from nanoclaw.core.wanted_mounts import Refused, add_mount, read_mounts, remove_mount, wanted_mount
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.settings import ContainerSettings, GroupMounts
from nanoclaw.store.settings import all_mounts, own_settings, set_settings
from schema.sqlite import Connection


@frozen(kw_only=True)
class Some:
    """Of which agent groups."""

    group: Annotated[str | None, Says("only this agent group's; by name, folder or id")] = None


@frozen(kw_only=True)
class Add:
    """A new one."""

    group: Annotated[str, Says("its name, its folder or its id", positional=True)]
    path: Annotated[str, Says("a folder or file of this machine: absolute, or beginning with ~/", positional=True)]
    name: Annotated[str | None, Says("what it is called in /workspace/extra/; by default as here")] = None
    read_write: Annotated[bool, Says("let the agent change what is in it, where the allow-list does too")] = False


@frozen(kw_only=True)
class Remove:
    """Which one."""

    group: Annotated[str, Says("its name, its folder or its id", positional=True)]
    name: Annotated[str, Says("what it is called in /workspace/extra/", positional=True)]


def list_mounts(conn: Connection, asked: Some, _: Request) -> Answer:
    """What is set. Whether it is granted is decided anew at each start of a sandbox."""
    rows: list[Line] = []
    for one in _of(conn, asked):
        for wanted in read_mounts(one.additional_mounts):
            if isinstance(wanted, Refused):
                rows.append({"group": one.name, "name": None, "path": wanted.what, "read_write": None})
            else:
                rows.append(
                    {
                        "group": one.name,
                        "name": wanted.name,
                        "path": wanted.host_path,
                        "read_write": wanted.read_write,
                    }
                )
    return Answer(rows=tuple(rows), said=None if rows else _NONE)


def check(conn: Connection, asked: Some, request: Request) -> Answer:
    """What would be granted now, and why the rest would not."""
    everything = all_mounts(conn)
    rows: list[Line] = []
    for one in _of(conn, asked):
        rows += [_judged(one.name, verdict) for verdict in request.check_mounts(one.agent_group_id, everything)]
    return Answer(rows=tuple(rows), said=None if rows else _NONE)


def add(conn: Connection, asked: Add, request: Request) -> Answer:
    """Let an agent's sandboxes see a folder, as far as the allow-list goes."""
    group = references.agent_group(conn, asked.group)
    wanted = wanted_mount(asked.path, asked.name, read_write=asked.read_write)
    if isinstance(wanted, Refused):
        raise UsageError(f"{wanted.what}: {wanted}")
    had = _settings(conn, group, request)
    text = add_mount(had.additional_mounts, wanted)
    if isinstance(text, Refused):
        raise UsageError(f"{text.what}: {text}; nanoclaw mounts list --group {group.folder} shows what there is")
    set_settings(conn, attrs.evolve(had, additional_mounts=text, updated_at=request.now))
    return Answer(
        one=True,
        said=f"set {wanted.host_path} as {wanted.target} for {group.name}, from its next sandbox on; "
        f"see whether it is granted with: nanoclaw mounts check --group {group.folder}",
    )


def remove(conn: Connection, asked: Remove, request: Request) -> Answer:
    """Let an agent's next sandbox no longer see it."""
    group = references.agent_group(conn, asked.group)
    had = _settings(conn, group, request)
    text = remove_mount(had.additional_mounts, asked.name)
    if text is None:
        raise UsageError(
            f"{group.name} has no mount called {asked.name!r}: nanoclaw mounts list --group {group.folder} shows them"
        )
    request.confirm(f"Take the mount {asked.name} away from {group.name}?")
    set_settings(conn, attrs.evolve(had, additional_mounts=text, updated_at=request.now))
    return Answer(one=True, said=f"{group.name} has no mount {asked.name} any more; a sandbox that runs still has it")


def _judged(group: str, verdict: Verdict) -> Line:
    what: Line
    match verdict:
        case Allowed(wanted=wanted, source=source):
            what = {"path": source, "granted": True, "place": wanted.target}
        case Refused(what=path):
            what = {"path": path, "granted": False, "place": None}
    return {"group": group, **what, "why": str(verdict)}


_NONE = "no folders of this machine are set for anybody: see nanoclaw mounts add --help"


def _of(conn: Connection, asked: Some) -> tuple[GroupMounts, ...]:
    found = all_mounts(conn)
    if asked.group is None:
        return found
    group = references.agent_group(conn, asked.group)
    return tuple(one for one in found if one.agent_group_id == group.id)


def _settings(conn: Connection, group: AgentGroup, request: Request) -> ContainerSettings:
    return own_settings(conn, group.id, now=request.now)


VERBS = (
    Verb("mounts", "list", Some, list_mounts),
    Verb("mounts", "check", Some, check),
    Verb("mounts", "add", Add, add, writes=True),
    Verb("mounts", "remove", Remove, remove, writes=True, destroys=True),
)
