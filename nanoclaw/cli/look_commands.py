"""`nanoclaw status`, `tree`, `top` and `console`: the commands. What they do is imported when they run."""

from __future__ import annotations

import sys

import click

from nanoclaw import config


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def status(as_json: bool) -> None:
    """What the host is doing, in figures."""
    from nanoclaw.cli import look

    look.status(config.load(config.home_folder()), as_json=as_json)


@click.command()
@click.argument("path", default="")
@click.option("--watch", is_flag=True, help="Again every second until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def tree(path: str, watch: bool, as_json: bool) -> None:
    """Every actor of the running host, or those below PATH: state, age, restarts, mail, what it is doing.

    PATH is made of names, such as sessions/ses-01m8; a name may be cut short.
    """
    from nanoclaw.cli import look

    look.tree(config.load(config.home_folder()), path, watch=watch, as_json=as_json)


@click.command()
def top() -> None:
    """The whole house on one screen: sessions, claims, lanes, channels, each with what holds it up. q ends it."""
    from nanoclaw.cli import top

    top.run(config.load(config.home_folder()))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1)
def console(words: tuple[str, ...]) -> None:
    """The debug console: actors, what each task waits for, claims, lanes, epochs, and SQL on the truth.

    With WORDS, answers those and ends; "help" says what can be asked. What acts, such as park, is on record.
    """
    from nanoclaw.cli import console

    sys.exit(
        console.one(config.load(config.home_folder()), words)
        if words
        else console.interactive(config.load(config.home_folder()))
    )


ALL = (status, tree, top, console)
