"""The commands `nanoclaw channels …`, and `nanoclaw send`."""

from __future__ import annotations

import click

from nanoclaw import config

JSON_LINES = "One JSON object a line, for programs."
JSON_OBJECT = "One JSON object, for programs."


@click.group()
def channels() -> None:
    """Where people are: the platforms that agents are reached on. Needs a running host."""


@channels.command("kinds")
@click.option("--json", "as_json", is_flag=True, help=JSON_LINES)
def channels_kinds(as_json: bool) -> None:
    """Which kinds of channels can be added, and what each asks."""
    from nanoclaw.cli import channels

    channels.show_kinds(config.load(config.home_folder()), as_json=as_json)


@channels.command("add")
@click.argument("kind")
@click.option("--name", help="What it is called; by default like its kind. Say it for a second one of a kind.")
@click.option("--set", "said", multiple=True, help="A setting, as name=value; name=- reads a line of standard input.")
@click.option("--json", "as_json", is_flag=True, help=JSON_OBJECT)
def channels_add(kind: str, name: str | None, said: tuple[str, ...], as_json: bool) -> None:
    """Add a channel of KIND: asks for what it needs, asks the platform, then keeps it and hears it at once.

    Secrets are not shown while they are typed, and kept in the home's secrets/channels.json, which only you can read.
    Give one by --set NAME=- and standard input, as others can see a command line.
    """
    from nanoclaw.cli import channels

    channels.add(config.load(config.home_folder()), kind, name, said, as_json=as_json)


@channels.command("list")
@click.option("--json", "as_json", is_flag=True, help=JSON_LINES)
def channels_list(as_json: bool) -> None:
    """The channels of this host: how each is, when it was last heard, and what is wrong."""
    from nanoclaw.cli import channels

    channels.show(config.load(config.home_folder()), as_json=as_json)


@channels.command("test")
@click.argument("channel")
@click.option("--to", "chat", help="Which chat; not needed where it has one only.")
@click.option("--json", "as_json", is_flag=True, help=JSON_OBJECT)
def channels_test(channel: str, chat: str | None, as_json: bool) -> None:
    """Say on CHANNEL that this is a test, and wait for what becomes of it."""
    from nanoclaw.cli import channels

    arguments = {"channel": channel, "chat": chat or ""}
    channels.say(config.load(config.home_folder()), "channels test", arguments, as_json=as_json)


@channels.command("remove")
@click.argument("channel")
@click.option("--yes", is_flag=True, help="Do not ask.")
def channels_remove(channel: str, yes: bool) -> None:
    """Forget CHANNEL, with its secrets and what it remembers. Its chats and their messages stay."""
    from nanoclaw.cli import channels

    channels.remove(config.load(config.home_folder()), channel, yes=yes)


@channels.command("disable")
@click.argument("channel")
def channels_disable(channel: str) -> None:
    """Hear CHANNEL no more, nor say anything on it, until it is enabled: what agents say there waits.

    What people say there meanwhile is heard afterwards, as far as the platform keeps it.
    """
    from nanoclaw.cli import channels

    channels.switch(config.load(config.home_folder()), channel, enabled=False)


@channels.command("enable")
@click.argument("channel")
def channels_enable(channel: str) -> None:
    """Hear CHANNEL again, and say there what waits."""
    from nanoclaw.cli import channels

    channels.switch(config.load(config.home_folder()), channel, enabled=True)


@channels.command("pair")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help=JSON_OBJECT)
def channels_pair(name: str, as_json: bool) -> None:
    """Become an owner on the channel NAME: prints a code, and whoever sends it there in private first is one.

    Good for ten minutes, once, and for five wrong codes. Needs a running host.
    """
    from nanoclaw.cli import pairing

    pairing.pair(config.load(config.home_folder()), name, as_json=as_json)


@click.command()
@click.argument("text", nargs=-1)
@click.option("--to", required=True, help="The chat: its id, its name, or CHANNEL/what its platform calls it.")
@click.option("--json", "as_json", is_flag=True, help=JSON_OBJECT)
def send(text: tuple[str, ...], to: str, as_json: bool) -> None:
    """Say TEXT to a chat in the host's own name, once, and wait for what becomes of it; for scripts.

    Without TEXT, or with “-”, what is piped in. Ends with 1 if it has not arrived within 20 seconds; it is on record
    then, and still tried.
    """
    from nanoclaw.cli import channels

    arguments = {"to": to, "text": channels.text_from(text)}
    channels.say(config.load(config.home_folder()), "send", arguments, as_json=as_json)
