"""`nanoclaw web`: its commands. What they do is imported when they run."""

from __future__ import annotations

import click

from nanoclaw import config


@click.group()
def web() -> None:
    """The web page: who is let in. Needs a running host."""


USER_HELP = "Somebody else than you: what the page calls them for good, such as anna."


@web.command("link")
@click.option("--user", help=USER_HELP)
@click.option("--name", help="What people and agents call them; by default the same.")
def web_link(user: str | None, name: str | None) -> None:
    """Print a link that lets you into the page, once and within an hour; or somebody else.

    Whoever is let in is not heard for that: agents hear those whom an owner or admin lets speak.
    """
    from nanoclaw.cli.client import ask

    click.echo(ask(config.load(config.home_folder()).admin_socket, "web link", {"user": user, "name": name}))


@web.command("logout")
@click.option("--user", help=USER_HELP)
def web_logout(user: str | None) -> None:
    """Let no link and no browser of yours in any more, or of somebody else's; open pages close."""
    from nanoclaw.cli.client import ask

    ended = ask(config.load(config.home_folder()).admin_socket, "web logout", {"user": user})
    click.echo(f"{ended} links and logins let nobody in any more")
