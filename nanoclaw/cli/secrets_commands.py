"""`nanoclaw secrets`: its commands. What they do is imported when they run."""

from __future__ import annotations

import sys

import click

from nanoclaw import config
from nanoclaw.cli.joined import JoinedGroup

URL_HELP = "Where that answers which the key is for; by default https://api.anthropic.com, or what [onecli] says."


@click.group(cls=JoinedGroup)
def secrets() -> None:
    """Those of the table of verbs stand beside these; see `nanoclaw.cli.main`."""


@secrets.command("set")
@click.argument("name")
@click.option("--url", help=URL_HELP)
def secrets_set(name: str, url: str | None) -> None:
    """Keep a key or another secret, instead of the one that is there.

    NAME is anthropic, the API that Claude and others speak; onecli, a server that keeps agents' credentials; or a name
    in capital letters, such as GITHUB_TOKEN, which nanoclaw secrets bind then lets go to a host.

    Asks for it, or reads it from standard input; never from the command line, which others can see.
    Holds from the next request on.
    """
    from nanoclaw.cli import other_secrets, secrets

    settings = config.load(config.home_folder())
    if name in secrets.FILES:
        secrets.keep(settings, name, url)
    else:
        other_secrets.keep(settings, name, url)


@secrets.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a key, for programs.")
def secrets_list(as_json: bool) -> None:
    """Which keys and secrets there are, for whom and since when. None is shown."""
    from nanoclaw.cli import secrets

    secrets.show(config.load(config.home_folder()), as_json=as_json)


@secrets.command("remove")
@click.argument("name")
@click.option("--url", help=URL_HELP)
def secrets_remove(name: str, url: str | None) -> None:
    """Forget a key or another secret. Holds from the next request on."""
    from nanoclaw.cli import other_secrets, secrets

    settings = config.load(config.home_folder())
    if name in secrets.FILES:
        secrets.forget(settings, name, url)
    else:
        other_secrets.forget(settings, name, url)


@secrets.command("test")
@click.argument("name")
@click.option("--path", default="/", show_default=True, help="What to ask of each host, by GET.")
def secrets_test(name: str, path: str) -> None:
    """Ask each host that a secret is bound to, with it, and say what is wrong. Ends with 1 if anything is.

    NAME is a secret's, such as GITHUB_TOKEN.
    """
    from nanoclaw.cli import other_secrets

    sys.exit(other_secrets.test(config.load(config.home_folder()), name, path))
