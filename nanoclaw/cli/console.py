"""`nanoclaw console`: the debug console. It looks at the running host and at the truth; what acts is the admin's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from time import sleep
from typing import Any

from attrs import frozen
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from nanoclaw.cli import exits
from nanoclaw.cli.client import NotRunningError, ask
from nanoclaw.cli.console_acts import ACTS, act, words_of
from nanoclaw.cli.console_sql import CLAIMS, EPOCHS, LANES, print_rows
from nanoclaw.cli.console_typed import below, typed
from nanoclaw.cli.look import MARK_COLOURS, branch
from nanoclaw.cli.top_screen import cell
from nanoclaw.cli.top_state import State, rows_of
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.errors import UsageError

WATCH_SECONDS = 1.0
OF_ACTORS = frozenset({"tree", "actor", "tasks", "stack", "mail"})
"""Commands behind which the path of an actor stands."""
NO_TASK = "[dim]no task keeps it just now[/dim]"
HOW = """[dim]A path is made of names, as in sessions/ses-01m8; a name may be cut short.
What acts, from wake on, is nanoclaw sessions …: recorded, and with --help. All else looks, and never touches.[/dim]"""


@frozen(kw_only=True)
class Command:
    """A word of the console."""

    usage: str
    what: str
    run: Callable[[Config, Console, Sequence[str]], None]


def tree(config: Config, console: Console, words: Sequence[str]) -> None:
    """The actors below a path."""
    console.print(branch(_actor(config, words)["actor"]))


def actor(config: Config, console: Console, words: Sequence[str]) -> None:
    """One actor, with what its own task waits for."""
    found = _actor(config, words)
    console.print(branch({**found["actor"], "children": []}))
    if found["task"] is None:
        console.print(NO_TASK)
        return
    console.print(_task({**found["task"], "children": []}, whole=True))


def stack(config: Config, console: Console, words: Sequence[str]) -> None:
    """Every task below an actor, with its await chain: what waits for what."""
    _print_tasks(config, console, words, whole=True)


def tasks(config: Config, console: Console, words: Sequence[str]) -> None:
    """Every task below an actor, with where it waits: its own code's last line."""
    _print_tasks(config, console, words, whole=False)


def mail(config: Config, console: Console, words: Sequence[str]) -> None:
    """The letters that lie unread, actor by actor."""
    found = {path: letters for path, letters in _actor(config, words)["mail"].items() if letters}
    for path, letters in found.items():
        console.print(printable(path, "bold"), printable(", ".join(letters)))
    if not found:
        console.print("[dim]every letter is read: nobody is behind[/dim]")


def watch(config: Config, console: Console, words: Sequence[str]) -> None:
    """Another command, again every second until Ctrl-C; none that acts."""
    if words and words[0] in ACTS:
        raise UsageError(f"{words[0]} acts, and is not done again every second")
    try:
        while True:
            console.clear()
            run(config, console, words)
            sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        console.print()


def show_help(_: Config, console: Console, __: Sequence[str]) -> None:
    """What can be asked."""
    for command in COMMANDS.values():
        console.print(f"  {command.usage:20} [dim]{command.what}[/dim]")
    console.print("  quit                 [dim]or Ctrl-D[/dim]")
    console.print(HOW)


def sessions(config: Config, console: Console, words: Sequence[str]) -> None:
    """Every session of which anything is open, the worst first."""
    _print_view(config, console, "sessions", words)


def channels(config: Config, console: Console, words: Sequence[str]) -> None:
    """Every channel, the worst first."""
    _print_view(config, console, "channels", words)


def _live(view: str, query: str) -> Callable[[Config, Console, Sequence[str]], None]:
    """As a running host has it; without one, as the truth does."""

    def look(config: Config, console: Console, words: Sequence[str]) -> None:
        try:
            _print_view(config, console, view, words)
        except NotRunningError:
            print_rows(config, console, query)

    return look


def _print_view(config: Config, console: Console, view: str, words: Sequence[str]) -> None:
    state = State(view=view, filter=" ".join(words))
    rows = rows_of(state, ask(config.console_socket, "overview"))
    columns = [*state.columns, *(["mend"] if "why" in state.columns else [])]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        colour = MARK_COLOURS.get(row.get("mark", ""), "")
        table.add_row(*(printable(cell(name, row[name]), colour if name == "reason" else "") for name in columns))
    console.print(table if rows else "[dim]nothing[/dim]")


def _sql(query: str) -> Callable[[Config, Console, Sequence[str]], None]:
    def ask_truth(config: Config, console: Console, words: Sequence[str]) -> None:
        text = query or " ".join(words)
        if not text:
            raise UsageError("say what to ask: sql SELECT count(*) FROM events")
        print_rows(config, console, text)

    return ask_truth


def _acting(name: str) -> Callable[[Config, Console, Sequence[str]], None]:
    return lambda config, console, words: act(config, console, [name, *words])


COMMANDS: dict[str, Command] = {
    "tree": Command(usage="tree [PATH]", what="the actors: state, age, restarts, mail, what each is doing", run=tree),
    "actor": Command(usage="actor PATH", what="one actor, its deadlines, and what it waits for", run=actor),
    "sessions": Command(usage="sessions [WORDS]", what="what each is at, or what holds it up", run=sessions),
    "channels": Command(usage="channels", what="how each channel is", run=channels),
    "tasks": Command(usage="tasks [PATH]", what="all tasks below an actor, and where each waits", run=tasks),
    "stack": Command(usage="stack [PATH]", what="the same, with whole await chains", run=stack),
    "mail": Command(usage="mail [PATH]", what="letters that actors have not read yet", run=mail),
    "claims": Command(usage="claims", what="what sandboxes are at, for how much longer", run=_live("claims", CLAIMS)),
    "lanes": Command(usage="lanes", what="what waits to be sent, lane by lane, and why", run=_live("lanes", LANES)),
    "epochs": Command(usage="epochs", what="the latest lives of sandboxes", run=_sql(EPOCHS)),
    "sql": Command(usage="sql QUERY", what="ask the truth; nothing can be changed", run=_sql("")),
    "watch": Command(usage="watch COMMAND", what="another command, again every second until Ctrl-C", run=watch),
    "wake": Command(usage="wake SESSION", what="have it looked at now, and tried again at once", run=_acting("wake")),
    "stop": Command(usage="stop SESSION", what="end its sandbox", run=_acting("stop")),
    "restart": Command(
        usage="restart SESSION", what="the same, and a new one takes up what is left", run=_acting("restart")
    ),
    "cancel": Command(usage="cancel SESSION [WHY]", what="end the turn under way, for good", run=_acting("cancel")),
    "park": Command(usage="park SESSION WHY", what="nothing is done there until it is unparked", run=_acting("park")),
    "unpark": Command(usage="unpark SESSION", what="it goes on", run=_acting("unpark")),
    "help": Command(usage="help", what="this list", run=show_help),
}


def one(config: Config, words: Sequence[str]) -> int:
    """Answer one command; returns the exit code. Raises `UsageError` and `NotRunningError`."""
    run(config, Console(highlight=False, soft_wrap=True), words)
    return exits.OK


def interactive(config: Config) -> int:
    """Answer what is typed, line by line, until the end of it; returns the exit code."""
    console = Console(highlight=False, soft_wrap=True)
    for line in typed([*COMMANDS, "quit"], partial(_choices, config)):
        if line.split()[:1] in (["quit"], ["exit"]):
            break
        try:
            if words := words_of(line):
                run(config, console, words)
        except NotRunningError:
            console.print("[red]nanoclaw is not running;[/red] claims, lanes, epochs and sql work all the same")
        except UsageError as exc:
            console.print("[red]?[/red]", printable(exc))
    return exits.OK


def run(config: Config, console: Console, words: Sequence[str]) -> None:
    """Do what *words* say. Raises `UsageError` and `NotRunningError`."""
    command = COMMANDS.get(words[0] if words else "help")
    if command is None:
        raise UsageError(f"there is no command {words[0]!r}: type help")
    command.run(config, console, words[1:])


def _choices(config: Config, command: str) -> Iterable[str]:
    """What can stand behind *command*: actors' paths, or sessions; none where no host runs."""
    try:
        if command in ACTS:
            return [str(row["session"]) for row in ask(config.console_socket, "overview")["sessions"]]
        return list(below(ask(config.console_socket, "tree"))) if command in OF_ACTORS else ()
    except (NotRunningError, UsageError):
        return ()


def _actor(config: Config, words: Sequence[str]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = ask(config.console_socket, "actor", {"path": " ".join(words)})
    return found


def _print_tasks(config: Config, console: Console, words: Sequence[str], *, whole: bool) -> None:
    task = _actor(config, words)["task"]
    console.print(NO_TASK if task is None else _task(task, whole=whole))


def _task(found: Mapping[str, Any], *, whole: bool) -> Tree:
    """A task and those below it, each with its scopes and what it waits in."""
    made = Tree(Text.assemble((_name(found["name"]), "bold"), _scopes(found["scopes"])))
    ours = [step for step in found["steps"] if step["ours"]]
    for step in found["steps"] if whole else ours[-1:]:
        made.add(Text.assemble((step["function"], "" if step["ours"] else "dim"), (f"  {step['where']}", "dim")))
    for child in found["children"]:
        made.add(_task(child, whole=whole))
    return made


def _name(name: str) -> str:
    return name.removeprefix("nanoclaw.")


def _scopes(scopes: Sequence[Mapping[str, Any]]) -> Text:
    """The deadlines that hold for a task, the nearest first, and whether it is cancelled."""
    said = Text()
    deadlines = sorted(scope["left"] for scope in scopes if scope["left"] is not None)
    if deadlines:
        said.append(f"  deadline in {deadlines[0]:.1f} s", "cyan")
    if any(scope["cancelled"] for scope in scopes):
        said.append("  cancelled", "yellow")
    if scopes and scopes[-1]["shield"]:
        said.append("  shielded", "dim")
    return said
