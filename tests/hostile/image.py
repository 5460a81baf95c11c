"""The evil image: the agent image, with a script for each attack in the place of the runner. Built once for a run."""

from __future__ import annotations

import io
import random
import tarfile
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import trio

from nanoclaw.sandboxes.images import open_images
from schema.sqlite import Value
from tests.link.attacks import ATTACKS, BOMBS, POISON, Place
from tests.link.mutations import Files, mutate
from tests.link.outbox import forged, long_text, message, outbox, saying
from tests.support.docker_engine import TEST_IMAGE, one_at_a_time

EVIL_IMAGE = "nanoclaw/evil:test"
ATTACKS_HERE = Path(__file__).with_name("attacks")
DAMAGED = 60
PAGE = 4096
DOCKERFILE = f"""
FROM {TEST_IMAGE} AS honest
FROM {TEST_IMAGE}
COPY --from=honest /usr/bin/tini /opt/evil/tini
COPY opt/ /opt/
COPY tini /usr/bin/tini
"""
ENTRY = """#!/bin/sh
exec /opt/evil/tini -- python3 -I -S -B /opt/evil/tests/hostile/attacks/dispatcher.py "$@"
"""


@cache
def evil_image(address: str | None = None) -> str:
    """The image's tag, once the engine at *address*, or the usual one, has it."""

    async def build() -> None:
        with tempfile.NamedTemporaryFile(prefix="nanoclaw-evil-") as file:
            _pack(file)
            async with open_images(address) as images:
                made = await images.build(
                    Path(file.name), lambda _: None, labels={"nanoclaw.test": "evil"}, network="none"
                )
                await images.name(made, EVIL_IMAGE)

    with one_at_a_time():
        trio.run(build)
    return EVIL_IMAGE


def _pack(file: tempfile._TemporaryFileWrapper[bytes]) -> None:
    with tarfile.open(fileobj=file, mode="w") as tar:
        _add(tar, "Dockerfile", DOCKERFILE.encode())
        _add(tar, "tini", ENTRY.encode(), mode=0o755)
        for package in ("tests", "tests/hostile"):
            _add(tar, f"opt/evil/{package}/__init__.py", b"")
        for path in sorted(ATTACKS_HERE.glob("*.py")):
            _add(tar, f"opt/evil/tests/hostile/attacks/{path.name}", path.read_bytes())
        for name, content in (*_damaged(), *_schemas(), ("poison", _poison())):
            _add(tar, f"opt/evil/corpus/{name}", content)
    file.flush()


def _damaged() -> Iterator[tuple[str, bytes]]:
    """A sample of what tests/link/ feeds to customs by the hundred thousand: cut, zeroed, bent."""
    honest = outbox(saying(*range(1, 60), content=long_text("x")))
    found = [honest[:end] for end in range(0, 8 * PAGE, 1536)]
    found += [honest[: n * PAGE] + bytes(PAGE) + honest[(n + 1) * PAGE :] for n in range(8)]
    chance = random.Random(1)
    while len(found) < DAMAGED:
        found.append(mutate(chance, Files(honest, None)).db)
    # The share of each sandbox is of every kind.
    chance.shuffle(found)
    for number, image in enumerate(found):
        yield f"damaged/{number:03d}", image


def _schemas() -> Iterator[tuple[str, bytes]]:
    """The outboxes of the attacks on schema and rows, by the number of the threat."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = Place(folder, folder / "canary", folder / "other")
        for title, (make, _) in ATTACKS.items():
            threat, _, what = title.partition(" ")
            if threat in ("F10", "F11", "F12", "F13", "F14"):
                make(place)
                yield f"{threat}/{what.replace(' ', '-')}", place.db.read_bytes()


def _poison() -> bytes:
    """Twenty good rows, each followed by a bad one."""
    bad: list[dict[str, Value]] = [*POISON, *[dict[str, Value](content=bomb) for bomb in BOMBS]]
    rows = []
    for number, changes in enumerate(bad):
        rows += [message(2 * number + 1, content=f'{{"text": "good {number}"}}'), message(2 * number + 2, **changes)]
    return forged(rows)


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
