"""A link for each test that asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

import pytest

from runner.inbox import Inbox
from runner.outbox import Outbox
from schema.files import INBOUND, OUTBOUND
from tests.runner.link import Link
from tests.runner.scene import Scene


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    """A link with one destination, "room", and no messages."""
    made = Link(tmp_path)
    yield made
    made.close()


@pytest.fixture
def links(tmp_path: Path) -> Iterator[Callable[[], Link]]:
    """Makes links as `link` is, as many as are asked for."""
    numbers = count()
    with ExitStack() as made:

        def make() -> Link:
            (folder := tmp_path / f"link-{next(numbers)}").mkdir()
            return made.enter_context(closing(Link(folder)))

        yield make


@pytest.fixture
def inbox(link: Link) -> Iterator[Inbox]:
    """The runner's side of `link`'s inbox."""
    opened = Inbox.open(link.inside / INBOUND)
    yield opened
    opened.close()


@pytest.fixture
def outbox(link: Link) -> Iterator[Outbox]:
    """The runner's side of `link`'s outbox."""
    opened = Outbox.open(link.out / OUTBOUND)
    yield opened
    opened.close()


@pytest.fixture
def scene(link: Link, inbox: Inbox, outbox: Outbox) -> Scene:
    """A runner with one destination, "room"."""
    return Scene(link, inbox, outbox)
