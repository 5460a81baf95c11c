"""A docker engine, where there is one, and the agent image that tests start from: built once, then found again."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import trio

from nanoclaw.core.images import ImageId
from nanoclaw.errors import ImageError
from nanoclaw.sandboxes.image_build import News, Wanted, build_agent_image
from nanoclaw.sandboxes.images import open_images

MUST_HAVE = "NANOCLAW_NEEDS_DOCKER"
TEST_IMAGE = "nanoclaw/agent:test"
CLAUDE_IMAGE = "nanoclaw/agent:test-claude"


@cache
def why_no_docker() -> str:
    """Why docker cannot be used on this machine; empty if it can."""

    async def knock() -> str:
        try:
            async with open_images():
                return ""
        except ImageError as exc:
            return str(exc)

    return trio.run(knock)


@cache
def built_image() -> ImageId | ImageError:
    """The id of `TEST_IMAGE`, without the model's command line. One process of a run builds it, the others wait."""
    return _build(Wanted(tag=TEST_IMAGE, claude=False))


@cache
def built_claude_image() -> ImageId | ImageError:
    """The same with the model's command line, for the tests of it: 600 MB that others need not wait for."""
    return _build(Wanted(tag=CLAUDE_IMAGE))


def _build(wanted: Wanted) -> ImageId | ImageError:
    async def build() -> ImageId | ImageError:
        try:
            async with open_images() as images:
                built = await build_agent_image(images, wanted, _ignore)
        except ImageError as exc:
            return exc
        return built.id

    with one_at_a_time():
        return trio.run(build)


def _ignore(_: News) -> None:
    """Nobody watches."""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Only one process of this user is in the block: whoever comes later finds what the first has built."""
    path = Path(tempfile.gettempdir(), f"nanoclaw-test-image-{os.getuid()}.lock")
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
