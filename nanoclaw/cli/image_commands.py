"""`nanoclaw image`: its commands. What they do is imported when they run."""

from __future__ import annotations

import sys

import click

from nanoclaw import config


@click.group()
def image() -> None:
    """The images that docker's sandboxes start from. Works with and without a running host."""


@image.command("build")
@click.option("--base", help="The image to build on; by default what the engine, a registry or Debian's mirror has.")
@click.option("--rebuild", is_flag=True, help="A new base, and every step again.")
@click.option("--browser", is_flag=True, help="With Chromium.")
@click.option("--fonts", is_flag=True, help="With fonts for Chinese, Japanese and Korean.")
@click.option("--no-claude", is_flag=True, help="Without the command line of the model, which is 170 MB to fetch.")
@click.option("--tag", help="What it is called; by default as the settings say.")
def image_build(base: str | None, rebuild: bool, browser: bool, fonts: bool, no_claude: bool, tag: str | None) -> None:
    """Build the agent image, and those of agent groups with packages; used from the next start of a sandbox on.

    If that fails, the image that is in use stays in use.
    """
    from nanoclaw.cli import image
    from nanoclaw.sandboxes.image_build import Wanted

    settings = config.load(config.home_folder())
    name = tag or settings.sandbox.image
    wanted = Wanted(tag=name, base=base, anew=rebuild, browser=browser, fonts=fonts, claude=not no_claude)
    sys.exit(image.build(settings, wanted))


@image.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an image, for programs.")
def image_list(as_json: bool) -> None:
    """All images of ours that the engine has, and which of them is in use."""
    from nanoclaw.cli import image

    image.show(as_json=as_json)
