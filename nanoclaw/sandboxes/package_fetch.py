"""Finding out which versions of packages there are, and fetching exactly those: with apt, uv and npm.

apt runs in a throw-away container of the image that its packages are for; uv and npm run here and fetch from where
this machine's do. No program of any package is run: that is left to the build, which reaches no network.
"""

from __future__ import annotations

import re
import shutil
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import trio
from attrs import frozen

from nanoclaw.core.build_stream import Event
from nanoclaw.core.images import ImageId
from nanoclaw.core.package_versions import (
    MOST_LOCK,
    Resolved,
    UnclearError,
    Version,
    apt_versions,
    npm_versions,
    pip_versions,
)
from nanoclaw.core.packages import Packages
from nanoclaw.errors import ImageError
from nanoclaw.sandboxes.image_context import PLATFORMS, SAYS_PYTHON, ImagePython, find_uv, read_python
from nanoclaw.sandboxes.image_tools import run_tool
from nanoclaw.sandboxes.images import Images

INSTALL_NPM = "apt-get install npm"
TAKEN = "/tmp/fetched"  # noqa: S108 - in a container that nobody else is in
_LISTS = "/tmp/lists"  # noqa: S108 - as above
_APT = f"apt-get -o APT::Sandbox::User=root -o Dir::State::Lists={_LISTS} -o Dpkg::Use-Pty=0"
_LOOK = f"""
set -eu
mkdir -p {TAKEN} {_LISTS}/partial
touch {TAKEN}/said
[ "$1" = npm ] && ! command -v node >/dev/null && set -- "$@" nodejs
shift
missing=""
for name in "$@"; do
    found=$(dpkg-query -W -f '${{db:Status-Status}} ${{Package}} ${{Version}}\\n' "$name" 2>/dev/null || true)
    case $found in
        "installed "*) echo "Have ${{found#installed }}" >>{TAKEN}/said ;;
        *) missing="$missing $name" ;;
    esac
done
[ -n "$missing" ] || exit 0
{_APT} -qq update
{_APT} install --simulate --no-install-recommends -- $missing >>{TAKEN}/said
"""
_FETCH = f"""
set -eu
mkdir -p {TAKEN}/partial {_LISTS}/partial
{_APT} -qq update
{_APT} -qq install --yes --download-only --no-install-recommends -o Dir::Cache::archives={TAKEN} -- "$@"
"""
_DEB = re.compile(r"[a-z0-9][A-Za-z0-9.+~_%-]*\.deb")
_NPM_QUIET = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--git=/bin/false"]
"""No program of a package's is run, and nothing is fetched but from the registry."""


@frozen
class Fetching:
    """What fetches packages for the image called *base*."""

    images: Images
    base: ImageId
    python: ImagePython
    folder: Path
    """Of our own, empty at first."""

    async def apt_versions(self, names: Sequence[str], *, npm: bool) -> tuple[tuple[Version, ...], tuple[Version, ...]]:
        """What apt would install of these, and what is there already. With *npm* it has what npm's packages run on."""
        if not names and not npm:
            return (), ()
        target = self.folder / "said.tar"
        what = ["npm" if npm else "-", *names]
        await self._run(_LOOK, what, target)
        said = await trio.to_thread.run_sync(_read_said, target)
        return apt_versions(said)

    async def pip_lock(self, names: Sequence[str]) -> str:
        """A lock file of uv's with these."""
        if not names:
            return ""
        wanted, lock = self.folder / "wanted.txt", self.folder / "locked.txt"
        await trio.Path(wanted).write_text("".join(f"{name}\n" for name in names))
        what = ["--quiet", "--no-header", "--no-annotate", "--generate-hashes", "--output-file", str(lock)]
        await self._uv("compile", [*what, str(wanted)])
        return await _lock(lock)

    async def npm_lock(self, names: Sequence[str]) -> str:
        """A lock file of npm's with these."""
        if not names:
            return ""
        project = await self._project(names)
        await _npm("install", project, ["--package-lock-only"])
        return await _lock(project / "package-lock.json")

    async def fetch_apt(self, versions: Sequence[Version], folder: Path) -> None:
        """Debian's packages, into *folder*: these and no other."""
        target = self.folder / "debs.tar"
        await self._run(_FETCH, [f"{one.name}={one.version}" for one in versions], target)
        found = await trio.to_thread.run_sync(_unpack_debs, target, folder)
        if found != len(versions):
            raise ImageError(why=f"apt has fetched {found} packages, and {len(versions)} were approved")

    async def fetch_pip(self, lock: str, folder: Path, programs: Path) -> None:
        """PyPI's packages, into *folder*, and what they can be started by into *programs*."""
        locked = self.folder / "locked.txt"
        await trio.Path(locked).write_text(lock)
        checks = ["--quiet", "--no-deps", "--require-hashes", "--target", str(folder)]
        await self._uv("install", [*checks, "--requirements", str(locked)])
        await trio.to_thread.run_sync(_move_programs, folder, programs)

    async def fetch_npm(self, names: Sequence[str], lock: str, folder: Path) -> None:
        """npm's packages, as a project in *folder*."""
        project = await self._project(names)
        await trio.Path(project, "package-lock.json").write_text(lock)
        system = ["--os=linux", f"--cpu={'x64' if self.python.machine == 'x86_64' else 'arm64'}"]
        await _npm("ci", project, ["--omit=dev", *system])
        await trio.to_thread.run_sync(shutil.move, project, folder)

    async def _run(self, script: str, arguments: Sequence[str], target: Path) -> None:
        command = ["/bin/sh", "-c", script, "sh", *arguments]
        await self.images.fetch(self.base, command, _ignore, take=TAKEN, target=target)

    async def _uv(self, verb: str, arguments: Sequence[str]) -> None:
        uv = await trio.to_thread.run_sync(find_uv)
        platform = PLATFORMS[self.python.machine][0]
        there = ["--python-version", self.python.version, "--python-platform", platform]
        only = ["--no-config", "--only-binary", ":all:", "--python", sys.executable]
        await run_tool([uv, "pip", verb, *only, *there, *arguments], "uv")

    async def _project(self, names: Sequence[str]) -> Path:
        project = self.folder / "npm"
        await trio.Path(project).mkdir(exist_ok=True)
        wanted = ", ".join(f'"{name}": "*"' for name in names)
        manifest = f'{{"name": "packages", "version": "1.0.0", "private": true, "dependencies": {{{wanted}}}}}\n'
        await trio.Path(project, "package.json").write_text(manifest)
        return project


async def begin_fetching(images: Images, base: ImageId, folder: Path) -> Fetching:
    """Find out what the image called *base* is made for. Raises `ImageError`."""
    python = read_python(await images.run(base, ["python3", "-I", "-S", "-c", SAYS_PYTHON]))
    return Fetching(images, base, python, folder)


async def find_versions(fetching: Fetching, packages: Packages) -> Resolved:
    """The versions that there are now, of these packages and of all that they need.

    Raises:
      ImageError: one is not to be had, or what is said of it is not understood.
    """
    try:
        apt, there = await fetching.apt_versions(packages.apt, npm=bool(packages.npm))
        found = Resolved(
            base=fetching.base,
            apt=apt,
            there=there,
            pip_lock=await fetching.pip_lock(packages.pip),
            npm_lock=await fetching.npm_lock(packages.npm),
            machine=fetching.python.machine,
            packages=packages,
        )
        # What is not understood is asked of nobody.
        pip_versions(found.pip_lock)
        npm_versions(found.npm_lock, found.machine)
    except UnclearError as exc:
        raise ImageError(why=str(exc)) from None
    return found


async def _npm(verb: str, project: Path, arguments: Sequence[str]) -> None:
    npm = await trio.to_thread.run_sync(shutil.which, "npm")
    if npm is None:
        raise ImageError(why="npm, which fetches npm's packages, is not on the host", mend=INSTALL_NPM)
    await run_tool([npm, verb, "--prefix", str(project), *_NPM_QUIET, *arguments], "npm")


async def _lock(path: Path) -> str:
    text = await trio.Path(path).read_text()
    if len(text) > MOST_LOCK:
        raise ImageError(why=f"they need so many others that their list has {len(text):,} characters")
    return text


def _read_said(tar: Path) -> str:
    with tarfile.open(tar) as found:
        for member in found:
            file = found.extractfile(member) if member.isreg() and Path(member.name).name == "said" else None
            if file is not None:
                return file.read(MOST_LOCK).decode(errors="replace")
    return ""


def _unpack_debs(tar: Path, folder: Path) -> int:
    """Packages are plain files with names of packages; what else apt leaves there is its own."""
    folder.mkdir()
    with tarfile.open(tar) as found:
        for member in found:
            name = Path(member.name).name
            file = found.extractfile(member) if member.isreg() and _DEB.fullmatch(name) else None
            if file is not None:
                with (folder / name).open("wb") as copy:
                    shutil.copyfileobj(file, copy)
    return sum(1 for _ in folder.iterdir())


def _move_programs(folder: Path, programs: Path) -> None:
    """Scripts name this machine's Python: there they are to name the image's."""
    programs.mkdir()
    for path in sorted((folder / "bin").glob("*")):
        content = path.read_bytes()
        first, _, rest = content.partition(b"\n")
        if first.startswith(b"#!") and first[2:].strip() == sys.executable.encode():
            content = b"#!/usr/bin/env python3\n" + rest
        elif first == b"#!/bin/sh" and rest.startswith(b"'''exec' "):
            content = content.replace(sys.executable.encode(), b"python3", 1)
        (programs / path.name).write_bytes(content)
        (programs / path.name).chmod(0o755)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    (folder / ".lock").unlink(missing_ok=True)


def _ignore(_: Event) -> None:
    """Nobody watches."""
