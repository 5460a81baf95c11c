"""A base for agent images, made here from Debian's packages: for machines where no registry answers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from io import BytesIO
from pathlib import Path

import trio

from nanoclaw.core.images import base_configuration
from nanoclaw.sandboxes.image_context import PLATFORMS
from nanoclaw.sandboxes.image_tools import SOURCES, run_tool

MAKE_BASE = SOURCES / "images" / "base" / "make"
MMDEBSTRAP = "mmdebstrap"


def can_make_base() -> bool:
    """Can a base be made here from Debian's packages?"""
    return shutil.which(MMDEBSTRAP) is not None and MAKE_BASE.exists()


def recipe() -> str:
    """The digest of what makes bases: one that was made by something else is not what is wanted now."""
    return hashlib.sha256(MAKE_BASE.read_bytes()).hexdigest() if MAKE_BASE.exists() else ""


async def write_base(target: Path, tag: str, packages: tuple[str, ...]) -> None:
    """Make a base from Debian's packages, as an archive that an engine loads under *tag*. Takes a minute or more.

    The same versions of the packages give the same image, with the same id.

    Raises:
      ImageError: mmdebstrap failed; with the last thing it said.

    Cancellation: mmdebstrap is ended.
    """
    layer = target.parent / "layer.tar"
    with layer.open("wb") as file:
        await run_tool([str(MAKE_BASE), *packages], "mmdebstrap", stdout=file)
    await trio.to_thread.run_sync(archive, layer, target, tag)


def archive(layer: Path, target: Path, tag: str) -> None:
    """Make *layer* an image in the form that engines load, named only by what is in it."""
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    configuration = base_configuration(digest, PLATFORMS[os.uname().machine][1], recipe=recipe())
    name = f"{hashlib.sha256(configuration).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "Layers": ["layer.tar"], "RepoTags": [tag]}]).encode()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(layer, "layer.tar")
        for inner, content in ((name, configuration), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(inner)
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
    layer.unlink()
