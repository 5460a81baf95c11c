"""The commands that are made from the host's table of verbs: `nanoclaw groups list` and all like it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

import click
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from nanoclaw.admin.table import BY_NAME, RESOURCES, VERBS
from nanoclaw.admin.verb import Parameter, Verb
from nanoclaw.cli import exits
from nanoclaw.cli.client import NeedsYesError, ask
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.core.notices import visible
from nanoclaw.errors import UsageError

NAMES = (*RESOURCES, *(name for name in BY_NAME if " " not in name))
"""What can stand behind `nanoclaw`, besides the commands of its own."""
BETWEEN = 3
"""Columns of a terminal between two of a table."""
EDGES = 2
"""And those around all of them."""


class Resource(click.Group):
    """The commands of one resource; options alone are those of its `list`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what was typed behind it."""
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names and "list" in self.commands:
            args = ["list", *args]
        return super().parse_args(ctx, args)


def command(name: str, settings: Callable[[], Config]) -> click.Command | None:
    """The command of that name, if the table has one; *settings* is asked when it runs."""
    if name in RESOURCES:
        group = Resource(name, help=RESOURCES[name])
        for verb in VERBS:
            if verb.resource == name:
                group.add_command(_command(verb, verb.action, settings))
        return group
    return _command(BY_NAME[name], name, settings) if name in BY_NAME else None


def _command(verb: Verb, name: str, settings: Callable[[], Config]) -> click.Command:
    parameters = verb.parameters()

    def run(as_json: bool, yes: bool = False, **said: Any) -> None:
        arguments = {key: value for key, value in said.items() if value is not None}
        if arguments.get("rebuild"):
            _rebuild(settings(), str(arguments["group"]))
        show(_ask(settings(), verb.name, arguments, yes=yes), as_json=as_json)

    params: list[click.Parameter] = [_param(parameter) for parameter in parameters]
    if verb.destroys:
        params.append(click.Option(["--yes"], is_flag=True, help="Do not ask."))
    params.append(click.Option(["--json", "as_json"], is_flag=True, help="JSON, for programs."))
    words = "\n".join(f"{p.name.replace('_', '-').upper()}: {p.help}" for p in parameters if p.positional)
    text = f"{verb.help}\n\n\b\n{words}" if words else verb.help
    return click.Command(name, callback=run, params=params, help=text, short_help=verb.help.split(".")[0] + ".")


def _rebuild(config: Config, group: str) -> None:
    """Build the image of an agent group before its verb is asked for. Raises `UsageError` if that does not work."""
    from nanoclaw.cli import image

    found = ask(config.admin_socket, "groups get", {"group": group})["rows"][0]
    if image.build_own(config, str(found["id"])) != exits.OK:
        raise UsageError(f"{found['name']} goes on as it is: its image could not be built")


def _param(parameter: Parameter) -> click.Parameter:
    kind: click.ParamType[Any]
    if issubclass(parameter.kind, Enum):
        kind = click.Choice([str(member.value) for member in parameter.kind])
    else:
        kind = click.INT if parameter.kind is int else click.STRING
    if parameter.positional:
        return click.Argument([parameter.name], type=kind, metavar=parameter.name.replace("_", "-").upper())
    default = parameter.default.value if isinstance(parameter.default, Enum) else parameter.default
    if parameter.kind is bool:
        spelt = parameter.option if default is False else f"{parameter.option}/--no-{parameter.option[2:]}"
        return click.Option([spelt, parameter.name], is_flag=True, default=default, help=_sentence(parameter.help))
    return click.Option(
        [parameter.option, parameter.name],
        type=kind,
        default=default,
        show_default=default is not None,
        required=parameter.required,
        help=_sentence(parameter.help),
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _ask(config: Config, verb: str, arguments: dict[str, object], *, yes: bool) -> dict[str, Any]:
    """The host's answer, after a yes if it wants one. Raises `UsageError` where nobody can be asked."""
    try:
        answer: dict[str, Any] = ask(config.admin_socket, verb, arguments, confirmed=yes)
    except NeedsYesError as exc:
        if not sys.stdin.isatty():
            raise UsageError(f"{exc} Nobody is here to say so: add --yes if you mean it") from None
        if not click.confirm(visible(str(exc))):
            raise UsageError("left as it was") from None
        answer = ask(config.admin_socket, verb, arguments, confirmed=True)
    return answer


def show(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print what a verb answered: a table of many, or one after the other where it is too narrow; a sentence."""
    rows, said = answer["rows"], answer["said"]
    if as_json:
        found = rows if not answer["one"] else rows[0] if rows else {"said": said}
        if answer["together"]:
            found = {answer["together"]: rows, "said": str(said or "").splitlines()}
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=False)
    if rows and answer["one"]:
        console.print(_one(list(rows[0]), rows[0]))
    elif rows:
        names = rows[0].keys() - set(answer["hidden"])
        keys = [key for key in rows[0] if key in names and not (key.endswith("_id") and key[: -len("_id")] in names)]
        table = _many(keys, rows)
        console.print(table if _fits(keys, rows, console.width) else Group(*_each(keys, rows)))
    if said:
        console.print(printable(said), soft_wrap=True)


def _many(keys: Sequence[str], rows: Sequence[Mapping[str, object]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for key in keys:
        narrow = all(_cell(row[key]).cell_len <= len(key) for row in rows) and "_" not in key
        table.add_column(_title(key), overflow="fold", no_wrap=narrow or key == "id")
    for row in rows:
        table.add_row(*(_cell(row[key]) for key in keys))
    return table


def _fits(keys: Sequence[str], rows: Sequence[Mapping[str, object]], width: int) -> bool:
    """Is there room for the words of all titles, and for ids, which are to be copied?"""
    needed = EDGES - BETWEEN + sum(max(map(len, _title(key).split())) + BETWEEN for key in keys if key != "id")
    if "id" in keys:
        needed += max(_cell(row["id"]).cell_len for row in rows) + BETWEEN
    return needed <= width


def _each(keys: Sequence[str], rows: Sequence[Mapping[str, object]]) -> Iterator[RenderableType]:
    for place, row in enumerate(rows):
        if place:
            yield ""
        yield _one(keys, row)


def _one(keys: Sequence[str], row: Mapping[str, object]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key in keys:
        table.add_row(_title(key), _cell(row[key]))
    return table


def _title(key: str) -> str:
    return key.replace("_", " ")


def _cell(value: object) -> Text:
    if value is None:
        return printable("-", "dim")
    if isinstance(value, bool):
        return printable("yes" if value else "no")
    return printable(value)
