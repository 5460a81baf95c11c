"""`nanoclaw why`: the way of a message through the house, with the first hop that failed and what mends it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from nanoclaw.admin import references
from nanoclaw.cli import exits
from nanoclaw.cli.client import NotRunningError, ask
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.core.holds_gateway import CUTS_OFF
from nanoclaw.core.holds_words import Reason
from nanoclaw.core.why import first_fault, tell
from nanoclaw.core.why_hops import Hop, Mark
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.ids import ChannelName, MessagingGroupId, SessionId
from nanoclaw.model.stories import Live, Story
from nanoclaw.store import stories
from schema import sqlite
from schema.sqlite import Connection
from schema.times import write_time

SIGNS = {Mark.GOOD: ("✓", "green"), Mark.NOTE: ("·", "dim"), Mark.WAITS: ("…", "yellow"), Mark.BAD: ("✗", "red")}
STUCK = "stuck"


def why(config: Config, what: str | None, *, most: int, as_json: bool) -> int:
    """Print it; returns the exit code: whether anything failed.

    Args:
      config: The home, with or without a running host.
      what: A message, by any of its ids; a chat; a session; None: the latest there is.
      most: How many of a chat or of a session.
      as_json: One JSON object a message.

    Raises:
      UsageError: nothing is known by that name.
    """
    if not config.database.exists():
        raise UsageError(f"there is nothing in {config.home} yet: start it once with `nanoclaw up`")
    live, now = _live(config), SystemClock().now()
    conn = sqlite.open_read_only(config.database)
    try:
        with sqlite.snapshot(conn):
            found = [stories.story(conn, of, live=live, now=now) for of in _meant(conn, what, most)]
    finally:
        conn.close()
    told = [(story, tell(story)) for story in found if story is not None]
    if as_json:
        for story, hops in told:
            click.echo(json.dumps(_line(story, hops), ensure_ascii=False))
    elif not told:
        Console().print("nothing was said yet" if what is None else f"nothing was said in {what} yet")
    else:
        _print(told)
    return exits.REFUSED if any(_failed(hops) for _, hops in told[:1]) else exits.OK


def _meant(conn: Connection, what: str | None, most: int) -> Sequence[stories.Of]:
    """Which messages are asked about. Raises `UsageError`."""
    if what is None:
        return stories.latest(conn, chat=None, session=None, most=1)
    if found := stories.find(conn, what):
        return found[:1]
    chat: MessagingGroupId | None = None
    session: SessionId | None = None
    try:
        session = references.session(conn, what).id
    except UsageError:
        try:
            chat = references.chat(conn, what).id
        except UsageError:
            raise UsageError(
                f"no message, no chat and no session is called {what!r}: nanoclaw chats list and nanoclaw sessions list"
                " show those there are. Of what no agent listens to, and what does not address us, nothing is kept"
            ) from None
    return stories.latest(conn, chat=chat, session=session, most=most)


def _live(config: Config) -> Live | None:
    """What the running host says now; None: none runs."""
    try:
        status, tree = ask(config.admin_socket, "status"), ask(config.admin_socket, "tree")
    except NotRunningError:
        return None
    parts = {node["name"]: node for node in tree["children"]}
    actors: list[Mapping[str, Any]] = parts["sessions"]["children"]
    seen = {SessionId(signals["session"]): signals["progress"] for signals in status["sandboxes"]["signals"]}
    return Live(
        doing={SessionId(node["name"]): node["doing"] for node in actors if node["doing"]},
        parked={
            SessionId(node["name"]): node["last_error"] or "the log says how"
            for node in actors
            if node["state"] == "parked"
        },
        progress={session: f"{one['state']} {one['detail']}".rstrip() for session, one in seen.items()},
        stuck=frozenset(session for session, one in seen.items() if one["state"] == STUCK),
        channels=frozenset(ChannelName(node["name"]) for node in parts["channels"]["children"]),
        way_out=held["why"] if Reason((held := parts["gateway"]["hold"])["reason"]) in CUTS_OFF else "",
    )


def _failed(hops: Sequence[Hop]) -> bool:
    return any(hop.mark is Mark.BAD for hop in hops)


def _print(told: Sequence[tuple[Story, Sequence[Hop]]]) -> None:
    console = Console(highlight=False)
    if len(told) > 1:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("", "came", "message", "how it stands"):
            table.add_column(column, overflow="fold")
        for story, hops in told:
            fault = first_fault(hops)
            sign, colour = SIGNS[Mark.GOOD if fault is None else fault.mark]
            stands = fault.words if fault is not None else hops[-1].words
            table.add_row(f"[{colour}]{sign}[/{colour}]", _time(hops[0]), printable(_name(story)), printable(stands))
        console.print(table)
    story, hops = next(((one, its) for one, its in told if first_fault(its) is not None), told[0])
    table = Table(
        title=printable(_name(story), "bold"), title_justify="left", box=box.SIMPLE, show_header=False, pad_edge=False
    )
    for _ in range(4):
        table.add_column(overflow="fold")
    for hop in hops:
        sign, colour = SIGNS[hop.mark]
        table.add_row(f"[{colour}]{sign}[/{colour}]", _time(hop), hop.name, printable(hop.words))
    console.print(table)
    for line in _verdict(story, hops):
        console.print(line, soft_wrap=True)


def _verdict(story: Story, hops: Sequence[Hop]) -> Iterator[str]:
    fault = first_fault(hops)
    if fault is None:
        yield "[green]all is well with it[/green]"
        return
    word = "it failed here:" if fault.mark is Mark.BAD else "it waits here:"
    yield f"[bold]{word}[/bold] {printable(fault.words).markup}"
    if fault.mend:
        yield f"[bold]what to do:[/bold] {printable(fault.mend).markup}"
    if story.live is None:
        yield "[dim]no host runs: this is what was written down[/dim]"


def _line(story: Story, hops: Sequence[Hop]) -> dict[str, object]:
    fault = first_fault(hops)
    return {
        "message": _name(story),
        "fault": None if fault is None else _hop(fault),
        "hops": [_hop(hop) for hop in hops],
    }


def _hop(hop: Hop) -> dict[str, object]:
    at = None if hop.at is None else write_time(hop.at)
    return {"name": hop.name, "mark": hop.mark.value, "at": at, "what": hop.words, "mend": hop.mend}


def _name(story: Story) -> str:
    return story.turns[0].row.id if story.arrival is None else story.arrival.event


def _time(hop: Hop) -> str:
    return "" if hop.at is None else f"{hop.at:%m-%d %H:%M:%S}"
