"""`nanoclaw image`: builds the agent image, step by step before one's eyes, and lists what is there."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Self

import attrs
import click
import trio
from attrs import define, field
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from nanoclaw.cli import exits
from nanoclaw.cli.recording import recorded
from nanoclaw.config import Config
from nanoclaw.core.build_stream import Cached, Said, Step
from nanoclaw.core.images import AGENT_IMAGE, ImageId
from nanoclaw.core.packages import Packages, Refused, parse
from nanoclaw.errors import ImageError
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.sandboxes.image_build import (
    CLAUDE_LABEL,
    PYTHON_LABEL,
    News,
    Note,
    Phase,
    Wanted,
    build_agent_image,
)
from nanoclaw.sandboxes.images import IMAGE_LABEL, ImageFacts, Images, open_images
from nanoclaw.sandboxes.package_build import build_group_image
from nanoclaw.store.audit import Outcome
from nanoclaw.store.entities import agent_groups
from nanoclaw.store.settings import settings_of
from schema import sqlite

WHAT = "image build"
MOST_SAID = 12
"""Lines of a failed step that are shown."""
WIDEST_STEP = 72
WORK = ("RUN", "COPY")
"""The instructions that take time; the others are not worth a line of their own."""
SHORT_ID = 19
"""`sha256:` and twelve digits."""
MEGABYTE = 1_000_000


def build(config: Config, wanted: Wanted) -> int:
    """Build the agent image, and on top of it those of agent groups that have packages; returns the exit code.

    An agent group whose image cannot be built keeps the one it has, and the others are built all the same.

    Raises:
      ImageError: the agent image cannot be built.
    """
    begun = monotonic()
    console = Console(highlight=False)
    made: list[str] = []

    async def work() -> int:
        async with open_images() as images:
            with Progress(console, clock=monotonic) as progress:
                built = await build_agent_image(images, wanted, progress.tell)
            made.append(f"{built.tag} is {built.id}")
            console.print(
                f"[green]✓[/green] {escape(built.tag)} is {built.id[:SHORT_ID]}, on {escape(built.base)} with Python "
                f"{built.python}: {monotonic() - begun:.1f} s. Sandboxes that run keep theirs until they end.",
                soft_wrap=True,
            )
            failed = False
            # What has another name than the home's is nobody's base.
            for group, settings in _with_packages(config) if wanted.tag == config.sandbox.image else ():
                is_built = await _build_own(images, group, settings, built.id, console)
                made.append(f"that of {group.name} {'is built' if is_built else 'could not be built'}")
                failed |= not is_built
        return exits.REFUSED if failed else exits.OK

    with recorded(config, WHAT, on=wanted.tag, given=attrs.asdict(wanted), needed=False) as ending:
        code = trio.run(work)
        ending.detail = "; ".join(made)
        ending.outcome = Outcome.DONE if code == exits.OK else Outcome.FAILED
    return code


def build_own(config: Config, group: str) -> int:
    """Build the image of the agent group with that id, if its settings want one of its own; returns the exit code.

    Raises:
      ImageError: there is no agent image to build on.
    """
    console = Console(highlight=False)
    wanting = [(one, own) for one, own in _with_packages(config) if one.id == group]

    async def work() -> bool:
        async with open_images() as images:
            base = await images.find(config.sandbox.image)
            if base is None:
                raise ImageError(why="there is no agent image yet", mend="nanoclaw image build")
            return all([await _build_own(images, one, own, base.id, console) for one, own in wanting])

    if not wanting:
        console.print("it has no packages, and so no image of its own to build")
        return exits.OK
    given = {"packages": [own.packages for _, own in wanting]}
    with recorded(config, WHAT, on=f"that of {group}", given=given, needed=False) as ending:
        is_built = trio.run(work)
        ending.outcome = Outcome.DONE if is_built else Outcome.FAILED
    return exits.OK if is_built else exits.REFUSED


async def _build_own(
    images: Images, group: AgentGroup, settings: ContainerSettings, base: ImageId, console: Console
) -> bool:
    try:
        with Progress(console, clock=monotonic) as progress:
            made = await build_group_image(images, group.id, _packages(settings), base=base, tell=progress.tell)
    except ImageError as exc:
        console.print(f"[red]✗[/red] {escape(group.name)} keeps the image it has: {escape(str(exc))}", soft_wrap=True)
        return False
    console.print(f"[green]✓[/green] {escape(group.name)} has {made[:SHORT_ID]}, with its packages", soft_wrap=True)
    return True


def _packages(settings: ContainerSettings) -> Packages:
    packages = parse(settings.packages)
    if isinstance(packages, Refused):
        raise ImageError(why=packages.why)
    return packages


def _with_packages(config: Config) -> list[tuple[AgentGroup, ContainerSettings]]:
    """The agent groups of the home that have packages. Reads beside a running host."""
    if not config.database.exists():
        return []
    conn = sqlite.open_read_only(config.database)
    try:
        found = [(group, settings_of(conn, group.id)) for group in agent_groups(conn)]
    finally:
        conn.close()
    return [(group, own) for group, own in found if own is not None and parse(own.packages) != Packages()]


def show(*, as_json: bool) -> None:
    """Print all images of ours. Raises `ImageError`."""

    async def look() -> list[ImageFacts]:
        async with open_images() as images:
            return await images.ours()

    found = trio.run(look)
    if as_json:
        for one in found:
            line = {
                "id": one.id,
                "tags": one.tags,
                "created": one.created,
                "size": one.size,
                "labels": dict(one.labels),
            }
            click.echo(json.dumps(line))
        return
    console = Console(highlight=False)
    if not found:
        console.print("no image yet: make one with nanoclaw image build")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("image", "id", "made", "MB", "kind", "Python", "model"):
        table.add_column(column, overflow="fold", justify="right" if column == "MB" else "left")
    for one in found:
        names = ", ".join(f"[bold]{escape(tag)}[/bold]" if tag == AGENT_IMAGE else escape(tag) for tag in one.tags)
        table.add_row(
            names or "[dim]no name any more[/dim]",
            one.id[:SHORT_ID],
            one.created[:19].replace("T", " "),
            f"{one.size / MEGABYTE:,.0f}",
            *(escape(one.labels.get(label, "")) for label in (IMAGE_LABEL, PYTHON_LABEL)),
            {"true": "claude"}.get(one.labels.get(CLAUDE_LABEL, ""), ""),
        )
    console.print(table)


@define
class Progress:
    """Prints each thing that was done with the seconds it took, and shows what is being done if it is a terminal."""

    console: Console
    _clock: Callable[[], float] = field(kw_only=True)
    _doing: str = field(default="", init=False)
    _begun: float = field(default=0.0, init=False)
    _cached: bool = field(default=False, init=False)
    _shown: bool = field(default=True, init=False)
    _said: deque[str] = field(factory=lambda: deque(maxlen=MOST_SAID), init=False)
    _status: Status = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._status = self.console.status("")

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._status.stop()
        if kind is None:
            self._end()
        elif self._doing:
            self.console.print(f"  [red]✗[/red] {escape(self._doing)}  {self._clock() - self._begun:.1f} s")
            for line in self._said:
                self.console.print(f"      [dim]{escape(line)}[/dim]", soft_wrap=True)

    def tell(self, news: News) -> None:
        """Hear what is being done."""
        match news:
            case Phase(text):
                self._begin(text)
            case Note(text):
                self._end()
                self.console.print(f"      [dim]{escape(text)}[/dim]", soft_wrap=True)
            case Step(number, of, instruction):
                self._begin(f"{number}/{of} {' '.join(instruction.split())}", shown=instruction.startswith(WORK))
            case Cached():
                self._cached = True
            case Said(text):
                self._said.extend(text.splitlines())
            case _:
                pass

    def _begin(self, doing: str, *, shown: bool = True) -> None:
        self._end()
        self._shown = shown
        self._doing = doing if len(doing) <= WIDEST_STEP else f"{doing[:WIDEST_STEP]}…"
        self._begun = self._clock()
        self._status.update(escape(self._doing))

    def _end(self) -> None:
        if self._doing and self._shown:
            took = "as before" if self._cached else f"{self._clock() - self._begun:.1f} s"
            self.console.print(f"  {escape(self._doing)}  [dim]{took}[/dim]", soft_wrap=True)
        self._doing, self._cached = "", False
        self._said.clear()
