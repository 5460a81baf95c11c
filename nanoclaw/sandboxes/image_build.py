"""Building the agent image of a machine, and switching to it; which image an agent group's sandboxes start from.

An image is built aside, without a name. Only when it is whole does its tag move to it, in one step: a build that fails,
or is cut short, leaves the last good image in use.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, assert_never

import trio
from attrs import frozen

from nanoclaw.core import build_stream
from nanoclaw.core.images import (
    AGENT_IMAGE,
    RECIPE_LABEL,
    REGISTRY_BASE,
    ImageId,
    Known,
    Make,
    NoBase,
    Pull,
    Use,
    choose_base,
    group_current,
    group_tag,
    local_base,
)
from nanoclaw.core.packages import Refused, parse
from nanoclaw.errors import ImageError
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.sandboxes.build_folder import build_folder
from nanoclaw.sandboxes.image_base import can_make_base, recipe, write_base
from nanoclaw.sandboxes.image_context import SAYS_PYTHON, read_python, write_context
from nanoclaw.sandboxes.images import IMAGE_LABEL, Images

SOURCE_LABEL = "nanoclaw.source"
"""The digest of what an image was built from."""
BASE_LABEL = "nanoclaw.base"
PYTHON_LABEL = "nanoclaw.python"
CLAUDE_LABEL = "nanoclaw.claude"
"""`true` if the image has the command line of the model."""
PREVIOUS = "previous"


@frozen
class Phase:
    """What is being done now, in a few words for people."""

    text: str


@frozen
class Note:
    """Something worth knowing about what was just done."""

    text: str


News: TypeAlias = Phase | Note | build_stream.Event
Tell: TypeAlias = Callable[[News], None]


@frozen(kw_only=True)
class Wanted:
    """The agent image that is wanted."""

    tag: str = AGENT_IMAGE
    base: str | None = None
    """None: whatever is to be had."""
    anew: bool = False
    """A new base, and every step again."""
    browser: bool = False
    fonts: bool = False
    claude: bool = True


@frozen(kw_only=True)
class Built:
    """An image that is in use now."""

    id: ImageId
    tag: str
    base: str
    python: str


@frozen
class InUse:
    """The image that a sandbox starts from."""

    id: ImageId
    behind: bool = False
    """It is not yet what the settings say: the agent group's own has to be built, or could not be."""


async def build_agent_image(images: Images, wanted: Wanted, tell: Tell) -> Built:
    """Build an agent image and let its tag mean it.

    Raises:
      ImageError: it cannot be built; the tag means what it meant.

    Cancellation: the tag means what it meant; nothing is left but steps that the engine keeps for the next time.
    """
    base = await _base(images, wanted, tell)
    python = read_python(await images.run(base.base, ["python3", "-I", "-S", "-c", SAYS_PYTHON]))
    async with build_folder() as folder:
        tell(Phase(f"fetching packages for Python {python.version}"))
        context = folder / "context.tar"
        source = await write_context(context, python, claude=wanted.claude)
        tell(Phase("building the image"))
        words = {True: "true", False: "false"}
        arguments = {
            "BASE": base.base,
            "CLAUDE": words[wanted.claude],
            "BROWSER": words[wanted.browser],
            "FONTS": words[wanted.fonts],
        }
        labels = {
            IMAGE_LABEL: "agent",
            SOURCE_LABEL: source,
            BASE_LABEL: base.base,
            PYTHON_LABEL: python.version,
            CLAUDE_LABEL: words[wanted.claude],
        }
        # A base of ours has every tool: its build reaches no network, and need not.
        network = "none" if base.local else await _network(images)
        made = await images.build(context, tell, arguments=arguments, labels=labels, network=network, anew=wanted.anew)
    await switch(images, wanted.tag, made)
    return Built(id=made, tag=wanted.tag, base=base.base, python=python.version)


async def image_of(images: Images, settings: ContainerSettings, *, agent_image: str = AGENT_IMAGE) -> InUse:
    """The image that a sandbox of that agent group starts from, as the engine has it now. Builds nothing.

    Raises:
      ImageError: there is none, or the settings name what cannot be.
    """
    if settings.image_tag:
        named = await images.find(settings.image_tag)
        if named is None:
            raise ImageError(why=f"the engine does not have {settings.image_tag}, the image that is set for this agent")
        return InUse(named.id)
    packages = parse(settings.packages)
    if isinstance(packages, Refused):
        raise ImageError(why=packages.why)
    agent = await images.find(agent_image)
    if agent is None:
        raise ImageError(why="there is no agent image yet", mend="nanoclaw image build")
    if packages.none:
        return InUse(agent.id)
    group = settings.agent_group_id
    own = await images.find(group_tag(group, agent.id, packages))
    if own is not None:
        return InUse(own.id)
    last_good = await images.find(group_current(group))
    return InUse(last_good.id if last_good is not None else agent.id, behind=True)


async def _base(images: Images, wanted: Wanted, tell: Tell) -> Use:
    tag, extras = local_base(browser=wanted.browser, fonts=wanted.fonts)
    can_make = await trio.to_thread.run_sync(can_make_base)
    made_by = await trio.to_thread.run_sync(recipe)
    got: set[str] = set()
    tried: set[str] = set()
    while True:
        names = {name for name in (wanted.base, REGISTRY_BASE, tag) if name is not None}
        present = {name for name in names if await _has(images, name, made_by if name == tag else None)}
        known = Known(
            asked=wanted.base, local=tag, can_make=can_make, present=present, anew=wanted.anew, got=got, tried=tried
        )
        match choose_base(known):
            case Use() as use:
                tell(Phase(f"on {use.base}"))
                return use
            case NoBase(why, mend):
                raise ImageError(why=why, mend=mend)
            case Pull(name):
                tell(Phase(f"asking the registry for {name}"))
                await _attempt(name, images.pull(name, tell), got, tried, tell)
            case Make(name):
                tell(Phase(f"making {name} from Debian's packages"))
                await _attempt(name, _make(images, name, extras, tell), got, tried, tell)
            case other:
                assert_never(other)


async def _has(images: Images, name: str, made_by: str | None) -> bool:
    """Has the engine that image, and if it is one of ours, is it made as we make it now?"""
    found = await images.find(name)
    return found is not None and (made_by is None or found.labels.get(RECIPE_LABEL) == made_by)


async def _attempt(name: str, work: Awaitable[None], got: set[str], tried: set[str], tell: Tell) -> None:
    try:
        await work
    except ImageError as exc:
        tell(Note(str(exc)))
        tried.add(name)
    else:
        got.add(name)


async def _make(images: Images, tag: str, packages: tuple[str, ...], tell: Tell) -> None:
    async with build_folder() as folder:
        archive = folder / "base.tar"
        await write_base(archive, tag, packages)
        await images.load(archive, tell)


async def switch(images: Images, tag: str, made: ImageId) -> None:
    """Let *tag* mean *made*; what it meant so far stays as the previous one, until the next time."""
    had = await images.find(tag)
    if had is not None and had.id != made:
        repository, _, version = tag.partition(":")
        await images.name(had.id, f"{repository}:{version}-{PREVIOUS}")
    await images.name(made, tag)


async def _network(images: Images) -> str | None:
    return None if await images.has_bridge() else "none"
