"""`nanoclaw secrets`: its commands. What they do is imported when they run."""

from __future__ import annotations

import click

from nanoclaw import config

URL_HELP = "Where that answers which the key is for; by default https://api.anthropic.com, or what [onecli] says."


@click.group()
def secrets() -> None:
    """The keys of models and of OneCLI. They stay on the host: no sandbox sees one. Works without a host too."""


@secrets.command("set")
@click.argument("name", type=click.Choice(["anthropic", "onecli"]), metavar="NAME")
@click.option("--url", help=URL_HELP)
def secrets_set(name: str, url: str | None) -> None:
    """Keep a key, instead of the one that is there.

    NAME is anthropic, the API that Claude and others speak; or onecli, a server that keeps agents' credentials.

    Asks for it, or reads it from standard input; never from the command line, which others can see.
    Holds from the next request on.
    """
    from nanoclaw.cli import secrets

    secrets.keep(config.load(config.home_folder()), name, url)


@secrets.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a key, for programs.")
def secrets_list(as_json: bool) -> None:
    """Which keys there are, for whom and since when. None is shown."""
    from nanoclaw.cli import secrets

    secrets.show(config.load(config.home_folder()), as_json=as_json)


@secrets.command("remove")
@click.argument("name", type=click.Choice(["anthropic", "onecli"]), metavar="NAME")
@click.option("--url", help=URL_HELP)
def secrets_remove(name: str, url: str | None) -> None:
    """Forget a key. Holds from the next request on."""
    from nanoclaw.cli import secrets

    secrets.forget(config.load(config.home_folder()), name, url)
