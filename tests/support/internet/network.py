"""The network: one cable between a place where a host can be started and another where well-known names are served.

The addresses are public ones, so that what is judged by its address is judged as it is in the world. Nothing of this
machine's own network changes, and nothing is asked outside.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import trustme
from attrs import define, field, frozen

from tests.support.host import HostProcess
from tests.support.internet import serve

NAMES = ("pypi.org", "files.pythonhosted.org", "registry.npmjs.org", "github.com")
WORLD = "151.101.0.225"
HOUSE = "151.101.0.226"
"""Of the host, on the same cable."""
TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
"""Where this machine's programs, and Debian's, look for whom to trust."""

SCRIPT = f"""
set -e
ip link set lo up
ip link add house type veth peer name world
ip address add {HOUSE}/30 dev house
ip link set house up
mount --bind "$1/hosts" /etc/hosts
[ ! -f {TRUSTED} ] || mount --bind "$1/ca.pem" {TRUSTED}
export HOUSE=$$
unshare --net sh -e -c '
nsenter --net=/proc/$HOUSE/ns/net ip link set world netns $$
ip link set lo up
ip address add {WORLD}/30 dev world
ip link set world up
exec "$1" -m {serve.__name__} {WORLD} "$2"' sh "$2" "$1"
"""


@frozen
class Internet:
    """It is there."""

    inside: Sequence[str]
    """What a command has before it, to be run in its network."""
    ca: str
    """Text of the certificate by which its servers are known."""


@define(eq=False)
class HouseProcess(HostProcess):
    """`nanoclaw up` in that network; the command line asks it as always."""

    inside: Sequence[str] = field(default=(), kw_only=True)

    def _words(self, arguments: Sequence[str]) -> list[str] | None:
        if arguments == ("up",):
            return [*self.inside, sys.executable, "-m", "nanoclaw", *arguments]
        return super()._words(arguments)


@cache
def why_no_internet() -> str:
    """Why there can be none on this machine; empty if there can."""
    for program in ("unshare", "nsenter", "ip", "mount"):
        if shutil.which(program) is None:
            return f"there is no {program} for a network of the test's own"
    tried = subprocess.run(
        [*unshared(), "sh", "-c", "ip link add house type veth peer name world && mount --bind /etc/hosts /etc/hosts"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"no network of the test's own: {tried.stderr.strip()}" if tried.returncode else ""


@contextmanager
def internet(folder: Path) -> Iterator[Internet]:
    """Serve what lies in *folder*, for each of `NAMES` in one of that name; more files are put beside them."""
    authority = trustme.CA()
    ca = authority.cert_pem.bytes().decode()
    authority.issue_cert(*NAMES).private_key_and_cert_chain_pem.write_to_path(folder / serve.CERTIFICATE)
    (folder / "ca.pem").write_text(ca)
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{WORLD} {' '.join(NAMES)}\n")
    words = [*unshared(), "sh", "-c", SCRIPT, "sh", str(folder), sys.executable]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "serves\n", "it does not start"
            user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
            yield Internet(inside=("nsenter", f"--target={process.pid}", *user, "--net", "--mount"), ca=ca)
        finally:
            process.stdin.close()


def unshared() -> tuple[str, ...]:
    """What a command has before it, to be run in a network of its own that has nothing in it."""
    return ("unshare", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--net", "--mount")
