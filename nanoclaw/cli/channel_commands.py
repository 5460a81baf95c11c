"""`nanoclaw channels`: its commands. What they do is imported when they run."""

from __future__ import annotations

import click

from nanoclaw import config


@click.group()
def channels() -> None:
    """The platforms on which people write to agents."""


@channels.command("pair")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def channels_pair(name: str, as_json: bool) -> None:
    """Become an owner on the channel NAME: prints a code, and whoever sends it there in private first is one.

    Good for ten minutes, once, and for five wrong codes. Needs a running host.
    """
    from nanoclaw.cli import pairing

    pairing.pair(config.load(config.home_folder()), name, as_json=as_json)
