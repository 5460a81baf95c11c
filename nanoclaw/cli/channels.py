"""`nanoclaw channels` and `nanoclaw send`: asks what a channel has to be told, and shows what the host says."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from nanoclaw.cli.client import ask
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.errors import UsageError

PATIENCE = 32.0
"""Seconds: platforms are asked meanwhile."""
DELIVERED = "delivered"


def add(config: Config, kind: str, name: str | None, said: Sequence[str], *, as_json: bool) -> None:
    """Ask for what a channel of *kind* has to be told, and add it. Raises `UsageError`."""
    kinds = {one["kind"]: one for one in ask(config.admin_socket, "channels kinds")}
    if kind not in kinds:
        raise UsageError(f"there is no kind of channel called {kind!r}; there are: {', '.join(kinds) or 'none'}")
    if kinds[kind]["why_not"]:
        raise UsageError(kinds[kind]["why_not"])
    settings = _settings(kinds[kind]["asks"], said)
    arguments = {"kind": kind, "name": name, "settings": settings}
    added = ask(config.admin_socket, "channels add", arguments, seconds=PATIENCE)
    if as_json:
        click.echo(json.dumps(added, ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(printable(f"{added['channel']} is added, and is {added['account']} there"))
    for note in added["notes"]:
        console.print(printable(f"- {note}"))
    console.print(
        printable(f"see how it is: nanoclaw channels list; try it: nanoclaw channels test {added['channel']}")
    )


def show(config: Config, *, as_json: bool) -> None:
    """Print the channels there are, and how each is."""
    found: list[dict[str, Any]] = ask(config.admin_socket, "channels list")
    if as_json:
        for one in found:
            click.echo(json.dumps(one, ensure_ascii=False))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("channel", "kind", "state", "last heard", "why"):
        table.add_column(column, overflow="fold")
    for one in found:
        heard = "-" if one["heard_seconds_ago"] is None else f"{one['heard_seconds_ago']:g} s ago"
        cells = (one["channel"], one["kind"] or "-", one["state"], heard, one["why"] or "-")
        table.add_row(*(printable(cell) for cell in cells))
    Console(highlight=False).print(table)


def show_kinds(config: Config, *, as_json: bool) -> None:
    """Print the kinds there are, and what each asks."""
    found: list[dict[str, Any]] = ask(config.admin_socket, "channels kinds")
    if as_json:
        for one in found:
            click.echo(json.dumps(one, ensure_ascii=False))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("kind", "platform", "asks"):
        table.add_column(column, overflow="fold")
    for one in found:
        asks = "\n".join(f"{each['name']}: {each['question']}" for each in one["asks"])
        table.add_row(printable(one["kind"]), printable(one["title"]), printable(one["why_not"] or asks or "nothing"))
    Console(highlight=False).print(table)


def remove(config: Config, name: str, *, yes: bool) -> None:
    """Have a channel forgotten, once somebody has said yes. Raises `UsageError`."""
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{name} and its secrets would be forgotten. Nobody is here to say so: add --yes")
        if not click.confirm(f"Forget {name}, with its secrets and what it remembers? Its chats stay"):
            raise UsageError("left as it was")
    ask(config.admin_socket, "channels remove", {"channel": name})
    Console(highlight=False).print(printable(f"{name} is removed; what agents say there waits"))


def switch(config: Config, name: str, *, enabled: bool) -> None:
    """Have a channel heard, or not, from now on. Raises `UsageError`."""
    ask(config.admin_socket, "channels enable" if enabled else "channels disable", {"channel": name})
    what = "is enabled" if enabled else f"is disabled; what agents say there waits: nanoclaw channels enable {name}"
    Console(highlight=False, soft_wrap=True).print(printable(f"{name} {what}"))


def say(config: Config, verb: str, arguments: Mapping[str, object], *, as_json: bool) -> None:
    """Have the host say something to a chat, and print what became of it. Raises `UsageError` if it did not arrive."""
    became = ask(config.admin_socket, verb, arguments, seconds=PATIENCE)
    if as_json:
        click.echo(json.dumps(became, ensure_ascii=False))
    if became["state"] == DELIVERED:
        if not as_json:
            Console(highlight=False).print(printable(f"delivered to {became['chat']}"))
        return
    still = "it is still tried" if became["state"] in {"pending", "sending"} else f"it is {became['state']}"
    raise UsageError(
        f"{became['message']} has not arrived at {became['chat']}: {became['why'] or 'no answer'}; {still}"
    )


def text_from(words: Sequence[str]) -> str:
    """What is to be said: the *words*, or, of `-` and of none, what is piped in."""
    if list(words) in ([], ["-"]):
        if sys.stdin.isatty():
            raise UsageError("what shall be said? Give it as TEXT, or pipe it in")
        return sys.stdin.read()
    return " ".join(words)


def _settings(asks: Sequence[Mapping[str, Any]], said: Sequence[str]) -> dict[str, str]:
    """What was said as `name=value`, or `name=-` for a line of standard input; of the rest, what a person answers."""
    settings: dict[str, str] = {}
    for word in said:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"--set {word}: it is spelt name=value, or name=- for a line of standard input")
        settings[name] = sys.stdin.readline().rstrip("\r\n") if value == "-" else value
    for one in asks:
        if one["name"] in settings or (said and one["default"] is not None):
            continue
        if not sys.stdin.isatty():
            if one["default"] is None:
                raise UsageError(f"it has to be told {one['name']}: --set {one['name']}=-, which reads a line")
            continue
        settings[one["name"]] = str(
            click.prompt(
                one["question"],
                default=one["default"] if one["default"] is not None else None,
                hide_input=one["secret"],
                show_default=not one["secret"],
                err=True,
            )
        )
    return settings
