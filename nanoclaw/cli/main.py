"""The command line: the commands, and what they need of the world.

A command's own module is imported when it runs: a chat must not wait for the host's imports.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from nanoclaw import config
from nanoclaw.cli import (
    audit_commands,
    backup_commands,
    channel_commands,
    exits,
    image_commands,
    look_commands,
    secrets_commands,
    service_commands,
    session_commands,
    web_commands,
)
from nanoclaw.cli.client import NotRunningError
from nanoclaw.cli.joined import JoinedGroup
from nanoclaw.errors import HomeInUseError, NanoclawError
from schema.sqlite import OldSqliteError

START = "nanoclaw up"


class Commands(click.Group):
    """The commands of this file, and those that are made from the host's table of verbs, which is read when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them: those of this file first, as they stand in it."""
        from nanoclaw.cli import resources

        return [*self.commands, *(name for name in resources.NAMES if name not in self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The one of that name. What this file and the table both have commands of is one group."""
        own = self.commands.get(cmd_name)
        if own is not None and not isinstance(own, JoinedGroup):
            return own
        from nanoclaw.cli import resources

        found = resources.command(cmd_name, _config)
        if isinstance(found, click.Group) and isinstance(own, click.Group):
            for name, command in own.commands.items():
                found.add_command(command, name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Chat platforms on one side, sandboxed AI agents on the other, and nothing lost in between.

    The home is $NANOCLAW_HOME, or ~/.nanoclaw.
    """


@cli.command()
@click.option("--debug", is_flag=True, help="Write more into the log.")
@click.option("--no-pause", is_flag=True, help="Start at once, however often it ended badly lately.")
def up(debug: bool, no_pause: bool) -> None:
    """Be the host: start everything and stay. Ctrl-C drains and ends."""
    from nanoclaw.cli import host

    sys.exit(host.up(_config(), debug=debug, pause=not no_pause))


@cli.command()
def run() -> None:
    """Start a host if none runs, and open the chat; a host that was started here ends with the chat."""
    from nanoclaw.cli import host

    sys.exit(host.run(_config()))


@cli.command()
@click.argument("text", nargs=-1)
@click.option("--wait", "seconds", default=120.0, show_default=True, help="Seconds to wait for the reply to TEXT.")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file to send, with TEXT or without. May be given more than once.",
)
def chat(text: tuple[str, ...], seconds: float, files: tuple[Path, ...]) -> None:
    """Talk to the agent; with TEXT or a file, say that, print the reply, and end.

    Files that the agent sends are saved in the current folder. In a conversation, “/file PATH words” sends one.
    Ends with 0 after a reply, 3 when none came in time, 2 when no host runs.
    """
    from nanoclaw.cli import chat

    settings = _config()
    if text or files:
        sys.exit(chat.one_shot(settings.chat_socket, " ".join(text), seconds, files))
    sys.exit(chat.interactive(settings.chat_socket, settings.home / "chat_history"))


for look in look_commands.ALL:
    cli.add_command(look)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def doctor(as_json: bool) -> None:
    """What is wrong, and what mends it: the home, its database, its backups, this machine, and by real starts which
    sandboxes it can run. Ends with 1 if anything is wrong.

    Works with and without a running host, and changes nothing.
    """
    from nanoclaw.cli import doctor

    sys.exit(doctor.run(_config(), as_json=as_json))


@cli.command()
@click.argument("session", required=False)
@click.option("--epoch", type=click.INT, help="Of SESSION: which life of its sandbox; by default the last.")
@click.option(
    "--level",
    type=click.Choice(["debug", "info", "warning", "error", "critical"]),
    default="info",
    show_default=True,
    help="Of the host: lines of that level or worse.",
)
@click.option("--session", "of", help="Of the host: lines of what was done for that session, by its id.")
@click.option("--about", help="Of the host: lines in which this stands, such as a session or a channel.")
@click.option("--lines", default=50, show_default=True, type=click.IntRange(1), help="Of the host: how many.")
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
def logs(
    session: str | None, epoch: int | None, level: str, of: str | None, about: str | None, lines: int, follow: bool
) -> None:
    """What the host wrote into its log; with SESSION, by its id or the beginning of it, what its sandboxes said.

    Works without a host.
    """
    if session is None:
        from nanoclaw.cli import host_log

        host_log.show(_config(), level=level, session=of, about=about, lines=lines, follow=follow)
        return
    from nanoclaw.cli import logs

    logs.show(_config(), session, epoch=epoch, follow=follow)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem, for programs.")
def verify(as_json: bool) -> None:
    """Prove that nothing was lost and nothing is left over; ends with 1 if something is.

    Works with and without a running host, and changes nothing.
    """
    from nanoclaw.cli import look

    sys.exit(look.verify(_config(), as_json=as_json))


@cli.command()
@click.option("--apply", is_flag=True, help="Do it, after showing it and asking. No host may run on the home.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a step, for programs.")
def repair(apply: bool, yes: bool, as_json: bool) -> None:
    """Show what would be done about what verify finds; with --apply, do it. Ends with 1 if something is left to you.

    Nothing that may have been sent is sent again, and what is in the way is moved aside, not deleted.
    """
    from nanoclaw.cli import repair

    sys.exit(repair.run(_config(), apply=apply, yes=yes, as_json=as_json))


@cli.command()
@click.argument("what", required=False)
@click.option("--most", default=5, show_default=True, type=click.IntRange(1), help="How many of a chat or a session.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a message, for programs.")
def why(what: str | None, most: int, as_json: bool) -> None:
    """Why was a message not answered? Its way through the house, where it failed, and what mends that.

    WHAT is a message, by any id that it has here or on its platform; a chat; or a session. Without, the latest of all.
    Works with and without a running host. Ends with 1 if the latest of them failed.
    """
    from nanoclaw.cli import why

    sys.exit(why.why(_config(), what, most=most, as_json=as_json))


@cli.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only show what would come over.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def import_home(folder: Path, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Bring over a NanoClaw v2 home: agents, chats, wirings, people, tasks, and what agents keep in files.

    FOLDER has data/v2.db in it; nothing of it is changed. No host may run on the home here.
    """
    from nanoclaw.cli import import_home

    sys.exit(import_home.run(_config(), folder, dry_run=dry_run, yes=yes, as_json=as_json))


cli.add_command(audit_commands.audit)
cli.add_command(backup_commands.backup)
cli.add_command(channel_commands.channels)
cli.add_command(image_commands.image)
cli.add_command(channel_commands.send)
cli.add_command(secrets_commands.secrets)
cli.add_command(service_commands.service)
cli.add_command(session_commands.session)
cli.add_command(web_commands.web)


def _config() -> config.Config:
    return config.load(config.home_folder())


def main() -> None:
    """Run the command line; every expected failure is a sentence, and the command that mends it."""
    try:
        cli(standalone_mode=True)
    except HomeInUseError as exc:
        _fail(str(exc), exits.HOME_IN_USE)
    except NotRunningError:
        _fail(f"nanoclaw is not running. Start it with: {START}", exits.NOT_RUNNING)
    except (NanoclawError, OldSqliteError) as exc:
        _fail(str(exc), exits.REFUSED)


def _fail(why: str, code: int) -> None:
    from nanoclaw.cli.words import printable

    Console(stderr=True).print("[red]nanoclaw:[/red]", printable(why), highlight=False, soft_wrap=True)
    sys.exit(code)
