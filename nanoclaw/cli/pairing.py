"""`nanoclaw channels pair`: shows a code to be sent on a channel."""

from __future__ import annotations

import json

import click

from nanoclaw.cli.client import ask
from nanoclaw.config import Config


def pair(config: Config, channel: str, *, as_json: bool) -> None:
    """Print a code for *channel*. Raises `NotRunningError`, and `UsageError` if there can be none."""
    made = ask(config.admin_socket, "channels pair", {"channel": channel})
    if as_json:
        click.echo(json.dumps(made))
        return
    click.echo(
        f"Send {made['code']} on {made['channel']}, in a private chat with the bot, within {made['minutes']:g} minutes."
    )
    click.echo("Whoever does that first owns this home there. Show it to nobody.")
