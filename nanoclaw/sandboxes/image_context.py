"""What an agent image is built from: its Dockerfile, and packages from the lock file for the Python that it will have.

The packages are installed here, on the host, by uv: checked against the digests in uv.lock, for another Python or
machine if need be. So the image needs neither pip nor a network, and what is in it is what was locked.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tarfile
from pathlib import Path

import trio
from attrs import frozen

from nanoclaw.errors import ImageError
from nanoclaw.sandboxes.image_tools import SOURCES, run_tool

DOCKERFILE = SOURCES / "images" / "agent" / "Dockerfile"
PLATFORMS = {"x86_64": ("x86_64-manylinux_2_28", "amd64"), "aarch64": ("aarch64-manylinux_2_28", "arm64")}
"""What uv and an engine call a machine, by what Python calls it."""
SAYS_PYTHON = (
    "import json, platform, sys; "
    "print(json.dumps({'version': '%d.%d' % sys.version_info[:2], 'machine': platform.machine(), "
    "'libc': platform.libc_ver()[0]}))"
)
_LEFT_OUT = frozenset({"bin", ".lock"})
"""Scripts, which name this machine's Python, and a lock of uv's."""


@frozen(kw_only=True)
class ImagePython:
    """The Python of an image."""

    version: str
    """Such as 3.12."""
    machine: str
    """Such as x86_64."""


def read_python(said: str) -> ImagePython:
    """The Python that said this in answer to `SAYS_PYTHON`. Raises `ImageError`."""
    try:
        found = json.loads(said)
        python = ImagePython(version=str(found["version"]), machine=str(found["machine"]))
        libc = str(found["libc"])
    except (ValueError, KeyError, TypeError):
        raise ImageError(why=f"the base's Python does not say what it is: {said.strip()[:200]!r}") from None
    if libc != "glibc":
        raise ImageError(why="the base has another C library than glibc; choose one made from Debian or the like")
    if python.machine not in PLATFORMS:
        raise ImageError(why=f"there are no packages for {python.machine}; there are for {', '.join(PLATFORMS)}")
    return python


async def write_context(target: Path, python: ImagePython, *, claude: bool) -> str:
    """Write the context of an agent image for that Python as a tar; returns its digest.

    The same lock file gives the same bytes.

    Raises:
      ImageError: this is no checkout, uv is missing, or a package cannot be fetched.

    Cancellation: uv is ended; *target* and what lies beside it may be half done, and belong to the caller.
    """
    if not DOCKERFILE.exists():
        raise ImageError(why=f"{DOCKERFILE} is missing: images are built where nanoclaw was checked out")
    uv = await trio.to_thread.run_sync(find_uv)
    folder = target.parent / "context"
    await _install(uv, "runner", folder / "packages", python)
    if claude:
        await _install(uv, "claude", folder / "claude", python)
    else:
        # The classic builder goes through stages that nothing needs, too: there has to be something to copy.
        await trio.Path(folder, "claude").mkdir()
    await trio.to_thread.run_sync(shutil.copy, DOCKERFILE, folder)
    return await trio.to_thread.run_sync(pack, folder, target)


async def _install(uv: str, group: str, folder: Path, python: ImagePython) -> None:
    await trio.Path(folder).mkdir(parents=True)
    locked = folder.parent.parent / f"{group}.txt"
    with locked.open("wb") as file:
        await run_tool(
            [uv, "export", "--frozen", "--quiet", "--only-group", group, "--no-emit-project", "--no-header"],
            "uv",
            stdout=file,
        )
    checks = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    there = ["--python-version", python.version, "--python-platform", PLATFORMS[python.machine][0]]
    places = ["--python", sys.executable, "--target", str(folder), "--requirements", str(locked)]
    await run_tool([uv, "pip", "install", "--quiet", *checks, *there, *places], "uv")


def find_uv() -> str:
    found = shutil.which("uv")
    if found:
        return found
    private = sorted((SOURCES / ".uv").glob("uv-*"))
    if not private:
        raise ImageError(why="uv, which installs an image's packages, is not here", mend="make setup")
    return str(private[-1])


def pack(folder: Path, target: Path) -> str:
    """Everything in *folder* as a tar without times and owners, in order; returns its digest."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT, dereference=True) as tar:
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder)
            # At the top of packages/ and claude/ only: a package may have a `bin` of its own.
            if "__pycache__" in inner.parts or _LEFT_OUT.intersection(inner.parts[1:2]):
                continue
            entry = tar.gettarinfo(path, str(inner))
            make_plain(entry)
            if entry.isreg():
                with path.open("rb") as file:
                    tar.addfile(entry, file)
            else:
                tar.addfile(entry)
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_plain(entry: tarfile.TarInfo) -> None:
    """Take everything out of *entry* that differs from machine to machine: times and owners."""
    entry.mtime = 0
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
