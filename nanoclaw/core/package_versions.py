"""Which versions of packages an image gets: read from what apt, uv and npm say of it, shown, and built. Pure.

The lock files of uv and npm name every file by its digest. They are kept as they are: what is built from them is what
was shown, or nothing. Of apt's packages the versions are kept, and the signatures are apt's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from nanoclaw.core.approvals import fields
from nanoclaw.core.images import ImageId
from nanoclaw.core.packages import Packages
from schema import files
from schema.strict_json import JsonError, read

MOST_LOCK = 400_000
"""Characters of a lock file."""
_APT_NAME = r"[a-z0-9][a-z0-9.+-]*(?::[a-z0-9]+)?"
_VERSION = r"[0-9A-Za-z][0-9A-Za-z.+~:!_-]*"
_INST = re.compile(rf"Inst ({_APT_NAME}) (?:\[[^\]\s]+\] )?\(({_VERSION}) .*")
_HAVE = re.compile(rf"Have ({_APT_NAME}) ({_VERSION})")
_PIP = re.compile(rf"([a-z0-9][a-z0-9._-]*)==({_VERSION})(?: \\)?")
_PIP_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")
_NPM = re.compile(r"(?:.*/)?node_modules/((?:@[A-Za-z0-9._~-]+/)?[A-Za-z0-9._~-]+)")
_INTEGRITY = re.compile(r"sha(?:512|384|256|1)-[A-Za-z0-9+/=]+")
_NODE_MACHINES = {"x86_64": "x64", "aarch64": "arm64"}


@frozen
class Version:
    """One package."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@frozen(kw_only=True)
class Resolved:
    """Everything that is put into an image."""

    base: ImageId
    """On top of which."""
    apt: tuple[Version, ...] = ()
    """All that apt installs, in order of their names."""
    there: tuple[Version, ...] = ()
    """Those of Debian's that were asked for and that the image below has already."""
    pip_lock: str = ""
    npm_lock: str = ""
    machine: str = "x86_64"
    """What it is for, in Python's word."""
    packages: Packages = field(factory=Packages)
    """The names that all of it comes of."""

    @property
    def pip(self) -> tuple[Version, ...]:
        """All that uv installs."""
        return pip_versions(self.pip_lock)

    @property
    def npm(self) -> tuple[Version, ...]:
        """All that npm installs, of what it may install on that machine."""
        return npm_versions(self.npm_lock, self.machine)


class UnclearError(ValueError):
    """Whoever said which versions there are said something that is not understood, or not allowed."""


def apt_versions(said: str) -> tuple[tuple[Version, ...], tuple[Version, ...]]:
    """What apt would install, and what of it is there already, by what it and dpkg said. Raises `UnclearError`."""
    new: set[Version] = set()
    there: set[Version] = set()
    for line in said.splitlines():
        if line.startswith("Remv "):
            raise UnclearError(f"to install them, {line.split()[1][:80]} would have to be removed")
        if line.startswith("Inst "):
            found = _INST.fullmatch(line.strip())
            if found is None:
                raise UnclearError("apt says something of a package that is not understood")
            new.add(Version(found[1], found[2]))
        elif have := _HAVE.fullmatch(line.strip()):
            there.add(Version(have[1], have[2]))
    return _ordered(new), tuple(one for one in _ordered(there) if one.name not in {each.name for each in new})


def pip_versions(lock: str) -> tuple[Version, ...]:
    """What a lock file of uv's names, each with the digests of its files. Raises `UnclearError`."""
    found: list[Version] = []
    hashed = True
    for line in lock.splitlines():
        if _PIP_HASH.fullmatch(line):
            hashed = True
        elif (one := _PIP.fullmatch(line)) and hashed:
            found.append(Version(one[1], one[2]))
            hashed = False
        else:
            raise UnclearError("what uv says of the versions is not understood")
    if not hashed:
        raise UnclearError("uv knows no digest of a package")
    return _ordered(set(found))


def npm_versions(lock: str, machine: str) -> tuple[Version, ...]:
    """What a lock file of npm's names, as far as it is for this machine. Raises `UnclearError`."""
    if not lock:
        return ()
    try:
        entries = read(lock)
    except JsonError as exc:
        raise UnclearError(f"what npm says of the versions is not understood: {exc}") from None
    there = entries.get("packages") if isinstance(entries, dict) else None
    if not isinstance(there, dict):
        raise UnclearError("what npm says of the versions is not understood")
    found: set[Version] = set()
    for path, entry in there.items():
        if path:
            found.update(_npm_version(path, entry, machine))
    return _ordered(found)


def _npm_version(path: str, entry: Any, machine: str) -> Iterator[Version]:
    name = _NPM.fullmatch(path)
    if name is None or not isinstance(entry, dict):
        raise UnclearError("npm names a package that is not understood")
    version, integrity, source = entry.get("version"), entry.get("integrity"), entry.get("resolved", "https://")
    if not isinstance(version, str) or re.fullmatch(_VERSION, version) is None:
        raise UnclearError(f"npm knows no version of {name[1]}")
    if not isinstance(integrity, str) or any(_INTEGRITY.fullmatch(one) is None for one in integrity.split()):
        raise UnclearError(f"npm knows no digest of {name[1]}: it does not come from the registry")
    if not isinstance(source, str) or not source.startswith("https://"):
        raise UnclearError(f"{name[1]} does not come from the registry")
    if _fits(entry.get("os"), "linux") and _fits(entry.get("cpu"), _NODE_MACHINES.get(machine, machine)):
        yield Version(name[1], version)


def _fits(allowed: object, here: str) -> bool:
    if not isinstance(allowed, list) or not allowed:
        return True
    return f"!{here}" not in allowed and (here in allowed or all(str(one).startswith("!") for one in allowed))


def shown(resolved: Resolved) -> Iterator[str]:
    """All of it, a line of a card for each kind."""
    wanted = resolved.packages
    kinds = (
        ("Debian", wanted.apt, resolved.apt),
        ("npm", wanted.npm, resolved.npm),
        ("PyPI", tuple(map(plain_name, wanted.pip)), resolved.pip),
    )
    for kind, names, versions in kinds:
        asked = [str(one) for one in versions if one.name.partition(":")[0] in names]
        needed = [str(one) for one in versions if one.name.partition(":")[0] not in names]
        if asked:
            yield fields(kind, asked)
        if needed:
            yield fields(f"{kind}, needed besides", needed)
        known = {one.name.partition(":")[0] for one in (*versions, *resolved.there)}
        if others := [name for name in names if name not in known]:
            yield fields(f"{kind}, there by another name", others)
    if resolved.there:
        yield fields("Debian, which the image has already", map(str, resolved.there))
    yield fields("Image below", [resolved.base])


def plain_name(name: str) -> str:
    """A name of PyPI's as uv writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def to_json(resolved: Resolved) -> dict[str, object]:
    """As the payload of an approval has it; `from_json` reads it."""
    return {
        "base": resolved.base,
        "apt": [[one.name, one.version] for one in resolved.apt],
        "there": [[one.name, one.version] for one in resolved.there],
        "pip_lock": resolved.pip_lock,
        "npm_lock": resolved.npm_lock,
        "machine": resolved.machine,
        "packages": {
            "apt": list(resolved.packages.apt),
            "npm": list(resolved.packages.npm),
            "pip": list(resolved.packages.pip),
        },
    }


def from_json(said: Mapping[str, Any]) -> Resolved:
    """What `to_json` wrote."""
    return Resolved(
        base=ImageId(said["base"]),
        apt=tuple(Version(name, version) for name, version in said["apt"]),
        there=tuple(Version(name, version) for name, version in said["there"]),
        pip_lock=said["pip_lock"],
        npm_lock=said["npm_lock"],
        machine=said["machine"],
        packages=Packages(**{kind: tuple(names) for kind, names in said["packages"].items()}),
    )


# What an image is made of


DEBS, PYTHON, PYTHON_BIN, NODE = "debs", "python", "python-bin", "node"
"""Folders of a build's context."""
NODE_PLACE = "/opt/nanoclaw/node"
NODE_MODULES = f"{NODE_PLACE}/node_modules"
"""Where node looks for them. A sandbox is told so by its spec, if its image says that there is anything."""


def dockerfile(resolved: Resolved, purelib: str) -> str:
    """How to make the image of what has been fetched. It reaches no network, and runs only what Debian's packages run.

    Args:
      resolved: All that is in it.
      purelib: Where its Python looks for packages that were installed besides.
    """
    lines = [f"FROM {resolved.base}", "USER 0:0"]
    if resolved.apt:
        lines.append(f"COPY {DEBS}/ /opt/nanoclaw/{DEBS}/")
        lines.append(
            "RUN DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "
            f"/opt/nanoclaw/{DEBS}/*.deb && rm -rf /opt/nanoclaw/{DEBS}"
        )
        # As in the image below: nobody becomes somebody else in a sandbox.
        lines.append("RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} +")
    if resolved.pip_lock:
        lines += [f"COPY {PYTHON}/ {purelib}/", f"COPY {PYTHON_BIN}/ /usr/local/bin/"]
    if resolved.npm_lock:
        lines.append(f"COPY {NODE}/ {NODE_PLACE}/")
        lines.append(f"ENV NODE_PATH={NODE_MODULES}")
        lines.append(f"RUN if [ -d {NODE_MODULES}/.bin ]; then ln -s {NODE_MODULES}/.bin/* /usr/local/bin/; fi")
    lines.append(f"USER {files.IMAGE_USER}")
    return "\n".join(lines) + "\n"


def _ordered(versions: set[Version]) -> tuple[Version, ...]:
    return tuple(sorted(versions, key=lambda one: (one.name, one.version)))
