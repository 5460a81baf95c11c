"""`nanoclaw secrets bind` and its like: which secret goes with what which agent asks of which host."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb, plain_cell
from nanoclaw.core.bindings import Bad, read_binding
from nanoclaw.errors import UsageError
from nanoclaw.model.bindings import GATEWAY, Asks, Binding
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import bindings
from nanoclaw.store.entities import agent_groups
from schema.sqlite import Connection

RESOURCE = "The keys of models and of OneCLI, and secrets that go to hosts. They stay here: no sandbox sees one."
ALL = "all"
MOST_BINDINGS = 50
"""Of one agent group: each is a line of its instructions."""
SECRET = Says("its name, such as GITHUB_TOKEN", positional=True)


@frozen(kw_only=True)
class Bind:
    """What."""

    secret: Annotated[str, SECRET]
    host: Annotated[str, Says("the host that it is for, or host:port; it is asked by HTTPS")]
    agents: Annotated[str, Says("who may ask with it: names, folders or ids with commas between, or all there are")]
    header: Annotated[str, Says("the header that it goes into")] = "Authorization"
    template: Annotated[str | None, Says("what stands there, {} being the secret, such as 'token {}'")] = None
    as_: Annotated[str | None, Says("how agents call it: http://gw/NAME/…; by default as the secret")] = None
    ask: Annotated[Asks, Says("when people are asked to let a request go on")] = Asks.FIRST
    near: Annotated[bool, Says("also where the host is this machine or one of its own network")] = False


@frozen(kw_only=True)
class Unbind:
    """What."""

    name: Annotated[str, Says("how agents call it", positional=True)]
    agents: Annotated[str, Says("whose: names, folders or ids with commas between, or all")] = ALL


@frozen(kw_only=True)
class Bindings:
    """Whose."""

    group: Annotated[str | None, Says("only this agent group's; by name, folder or id")] = None


def bind(conn: Connection, asked: Bind, request: Request) -> Answer:
    """Let a secret go with what agents ask of one host. Its value is not said here, but by nanoclaw secrets set.

    Agents ask http://gw/NAME/PATH, without it; the host adds it, and asks that host and no other.
    """
    found = read_binding(asked.secret, host=asked.host, header=asked.header, template=asked.template, name=asked.as_)
    if isinstance(found, Bad):
        raise UsageError(found.why)
    groups = _groups(conn, asked.agents)
    for group, name in groups.items():
        had = bindings.all_of(conn, group)
        if len(had) >= MOST_BINDINGS and all(one.name != found.name for one in had):
            raise UsageError(f"{name} has {MOST_BINDINGS} bindings already; nanoclaw secrets unbind takes one away")
        bindings.bind(
            conn,
            Binding(
                agent_group_id=group,
                name=found.name,
                secret=found.secret,
                place=found.place.authority,
                header=found.header,
                template=found.template,
                asks=asked.ask,
                near=asked.near,
                added_at=request.now,
            ),
        )
    who = ", ".join(groups.values())
    where = f"http://{GATEWAY}/{found.name}/… is {found.place} with {found.secret} in {found.header}"
    return Answer(one=True, said=f"{who}: {where}, from now on; agents are told when a sandbox of theirs starts")


def unbind(conn: Connection, asked: Unbind, _: Request) -> Answer:
    """Let it go with nothing any more. Holds from the next request on; the secret itself stays here."""
    gone = [name for group, name in _groups(conn, asked.agents).items() if bindings.unbind(conn, group, asked.name)]
    if not gone:
        raise UsageError(f"there is no binding {asked.name!r}: nanoclaw secrets bindings shows those there are")
    return Answer(one=True, said=f"{', '.join(gone)}: {asked.name} is bound to nothing any more")


def list_bindings(conn: Connection, asked: Bindings, _: Request) -> Answer:
    """Which secrets go with what which agents ask of which hosts."""
    group = None if asked.group is None else references.agent_group(conn, asked.group).id
    names = {one.id: one.name for one in agent_groups(conn)}
    rows: tuple[Line, ...] = tuple(
        {
            "group": names[one.agent_group_id],
            "group_id": one.agent_group_id,
            "name": one.name,
            "secret": one.secret,
            "host": one.place,
            "header": one.header,
            "template": one.template,
            "ask": one.asks.value,
            "near": one.near,
            "added": plain_cell(one.added_at),
        }
        for one in bindings.all_of(conn, group)
    )
    return Answer(rows=rows, said=None if rows else "no secret is bound to anything: nanoclaw secrets bind does it")


def _groups(conn: Connection, said: str) -> dict[AgentGroupId, str]:
    """Who is meant, with their names. Raises `UsageError`."""
    if said == ALL:
        return {one.id: one.name for one in agent_groups(conn)}
    found = [references.agent_group(conn, one.strip()) for one in said.split(",")]
    return {one.id: one.name for one in found}


VERBS = (
    Verb("secrets", "bind", Bind, bind, writes=True),
    Verb("secrets", "unbind", Unbind, unbind, writes=True),
    Verb("secrets", "bindings", Bindings, list_bindings),
)
