"""`nanoclaw egress`: what agents' sandboxes may reach besides their model, and what they asked for."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb, plain_cell
from nanoclaw.core.egress import (
    HTTP,
    MEANS,
    MOST_RULES,
    Asked,
    BadRule,
    Denied,
    Policy,
    Preset,
    judge_addresses,
    judge_name,
    read_rule,
)
from nanoclaw.core.host_names import BadHost, HostAddress, read_place
from nanoclaw.errors import UsageError
from nanoclaw.model.egress import EgressRule, Outcome
from nanoclaw.store import egress
from nanoclaw.store.entities import agent_groups
from schema.sqlite import Connection

MOST_SHOWN = 10_000
GROUP = Says("its name, its folder or its id", positional=True)
WHAT = Says("a host, host:port, *.suffix, or one of web, packages, github, open", positional=True)
_PRESETS = {preset.value: preset for preset in Preset}


@frozen(kw_only=True)
class Allow:
    """What."""

    group: Annotated[str, GROUP]
    what: Annotated[str, WHAT]
    methods: Annotated[str | None, Says("for plain HTTP: only these, such as GET,HEAD")] = None
    path: Annotated[str | None, Says("for plain HTTP: only what begins with this, such as /pool")] = None
    near: Annotated[bool, Says("also where the host is this machine or one of its own network")] = False


@frozen(kw_only=True)
class Deny:
    """What."""

    group: Annotated[str, GROUP]
    what: Annotated[str, Says("what is allowed now, as the list says it", positional=True)]


@frozen(kw_only=True)
class ListRules:
    """Whose."""

    group: Annotated[str | None, Says("only this agent group's; by name, folder or id")] = None


@frozen(kw_only=True)
class Test:
    """What."""

    group: Annotated[str, GROUP]
    place: Annotated[str, Says("a host, or host:port; by HTTPS unless a method is said", positional=True)]
    method: Annotated[str | None, Says("by plain HTTP, with this method")] = None
    path: Annotated[str, Says("of this path")] = "/"


@frozen(kw_only=True)
class Log:
    """Which entries."""

    group: Annotated[str | None, Says("only this agent group's; by name, folder or id")] = None
    outcome: Annotated[Outcome | None, Says("only what was allowed, refused or failed")] = None
    most: Annotated[int, Says("how many, the newest first")] = 50


@frozen(kw_only=True)
class AskPeople:
    """Whose."""

    group: Annotated[str, GROUP]
    off: Annotated[bool, Says("no longer")] = False


def allow(conn: Connection, asked: Allow, request: Request) -> Answer:
    """Let an agent's sandboxes reach a host, or all that a preset stands for. Holds from the next request on."""
    group = references.agent_group(conn, asked.group)
    methods = [] if asked.methods is None else asked.methods.upper().split(",")
    preset = _PRESETS.get(asked.what)
    if preset is not None and (methods or asked.path or asked.near):
        raise UsageError(f"{asked.what} is a preset, which has no methods, path or --near")
    said = asked.what
    if preset is None:
        rule = read_rule(asked.what, methods=methods, path=asked.path or "", near=asked.near)
        if isinstance(rule, BadRule):
            raise UsageError(f"{asked.what}: {rule.why}")
        said, methods = str(rule), list(rule.methods)
    egress.forget_over(conn, now=request.now)
    had = egress.rules(conn, group.id)
    if len(had) >= MOST_RULES and all(row.said != said for row in had):
        raise UsageError(f"{group.name} has {MOST_RULES} rules already; nanoclaw egress deny takes one away")
    egress.allow(
        conn,
        EgressRule(
            agent_group_id=group.id,
            said=said,
            methods=",".join(methods),
            path=(asked.path or "").rstrip("/"),
            near=asked.near,
            added_at=request.now,
        ),
    )
    what = f"{said} ({MEANS[preset]})" if preset is not None else said
    return Answer(one=True, said=f"{group.name} may reach {what}, from its next request on")


def deny(conn: Connection, asked: Deny, _: Request) -> Answer:
    """Take back what was allowed. Holds from the next request on; connections that are there stay."""
    group = references.agent_group(conn, asked.group)
    rule = read_rule(asked.what)
    said = asked.what if asked.what in _PRESETS or isinstance(rule, BadRule) else str(rule)
    if not egress.deny(conn, group.id, said):
        raise UsageError(
            f"{group.name} has no rule {said!r}: nanoclaw egress list --group {group.folder} shows those there are"
        )
    return Answer(one=True, said=f"{group.name} may no longer reach {said} by a rule of its own")


def list_rules(conn: Connection, asked: ListRules, request: Request) -> Answer:
    """What is allowed, agent by agent. Their models are reached in any case."""
    group = None if asked.group is None else references.agent_group(conn, asked.group).id
    names = {one.id: one.name for one in agent_groups(conn)}
    rows: tuple[Line, ...] = tuple(
        {
            "group": names[rule.agent_group_id],
            "group_id": rule.agent_group_id,
            "what": rule.said,
            "methods": rule.methods or None,
            "path": rule.path or None,
            "near": rule.near,
            "added": plain_cell(rule.added_at),
            "until": plain_cell(rule.until),
        }
        for rule in egress.rules(conn, group)
        if rule.until is None or rule.until > request.now
    )
    return Answer(rows=rows, said=None if rows else "nothing is allowed: sandboxes reach their models and no more")


def ask_people(conn: Connection, asked: AskPeople, request: Request) -> Answer:
    """Ask people, on a card, whether a host that was refused is to be allowed: once, always or no. Off at first."""
    group = references.agent_group(conn, asked.group)
    egress.set_asking(conn, group.id, on=not asked.off, now=request.now)
    what = "nobody is asked" if asked.off else "those who manage it are asked"
    return Answer(one=True, said=f"{what} about hosts that are refused to {group.name}")


def test(conn: Connection, asked: Test, request: Request) -> Answer:
    """Say whether something would be let through, and by which rule. Nobody is asked; names are not looked up."""
    group = references.agent_group(conn, asked.group)
    place = read_place(asked.place, HTTP if asked.method else 443)
    if isinstance(place, BadHost):
        raise UsageError(f"{asked.place}: {place.why}")
    method = None if asked.method is None else asked.method.upper()
    policy: Policy = egress.policy_of(conn, group.id, now=request.now)
    verdict = judge_name(policy, Asked(place=place, method=method, path=asked.path))
    if not isinstance(verdict, Denied) and isinstance(place.host, HostAddress):
        judged = judge_addresses(verdict, [place.host.address])
        verdict = judged if isinstance(judged, Denied) else verdict
    row: Line = {"group": group.name, "place": str(place), "method": method or "CONNECT"}
    if isinstance(verdict, Denied):
        return Answer(one=True, rows=({**row, "allowed": False, "by": None},), said=verdict.why)
    said = "its addresses are judged when it is asked for"
    return Answer(one=True, rows=({**row, "allowed": True, "by": verdict.by},), said=said)


def log(conn: Connection, asked: Log, _: Request) -> Answer:
    """What sandboxes asked for, and what became of it."""
    if not 1 <= asked.most <= MOST_SHOWN:
        raise UsageError(f"--most: between 1 and {MOST_SHOWN:,}")
    group = None if asked.group is None else references.agent_group(conn, asked.group).id
    names = {one.id: one.name for one in agent_groups(conn)}
    rows: tuple[Line, ...] = tuple(
        {
            "at": plain_cell(entry.at),
            "group": names.get(entry.agent_group_id, entry.agent_group_id),
            "session": entry.session_id,
            "method": entry.method,
            "place": entry.place,
            "outcome": entry.outcome.value,
            "why": entry.why,
            "sent": entry.sent,
            "received": entry.received,
            "milliseconds": entry.milliseconds,
        }
        for entry in egress.log_of(conn, group, asked.outcome, most=asked.most)
    )
    return Answer(rows=rows, hidden=("session",), said=None if rows else "no sandbox has asked for anything")


VERBS = (
    Verb("egress", "list", ListRules, list_rules),
    Verb("egress", "allow", Allow, allow, writes=True),
    Verb("egress", "deny", Deny, deny, writes=True),
    Verb("egress", "ask", AskPeople, ask_people, writes=True),
    Verb("egress", "test", Test, test),
    Verb("egress", "log", Log, log),
)
