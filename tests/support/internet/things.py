"""What there is to install: a package of Python's, one of npm's and a repository. Each says the same words."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

NAME = "quince"
SAID = "a quince from outside"
REPOSITORY = f"https://github.com/orchard/{NAME}.git"
TARBALL = f"{NAME}-1.0.0.tgz"
WHEEL = f"{NAME}-1.0.0-py3-none-any.whl"


def put_things(folder: Path) -> None:
    """Make all of it, in folders named as the hosts that have it. Blocks."""
    _put_wheel(folder / "pypi.org" / "simple" / NAME, folder / "files.pythonhosted.org")
    _put_tarball(folder / "registry.npmjs.org")
    _put_repository(folder / "github.com" / "orchard" / f"{NAME}.git", folder / "work")


def _put_wheel(index: Path, files: Path) -> None:
    about = f"{NAME}-1.0.0.dist-info"
    holds = {
        f"{NAME}.py": f"SAID = {SAID!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*holds, f"{about}/RECORD"))
    index.mkdir(parents=True)
    files.mkdir()
    with zipfile.ZipFile(files / WHEEL, "w") as wheel:
        for name, text in (*holds.items(), (f"{about}/RECORD", record)):
            wheel.writestr(name, text)
    digest = hashlib.sha256((files / WHEEL).read_bytes()).hexdigest()
    link = f'<a href="https://{files.name}/{WHEEL}#sha256={digest}">{WHEEL}</a>'
    (index / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")


def _put_tarball(registry: Path) -> None:
    manifest = {"name": NAME, "version": "1.0.0", "main": "index.js"}
    holds = {"package.json": json.dumps(manifest), "index.js": f"exports.said = {json.dumps(SAID)};\n"}
    (registry / "-").mkdir(parents=True)
    with tarfile.open(registry / "-" / TARBALL, "w:gz") as tarball:
        for name, text in holds.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text.encode())
            tarball.addfile(member, io.BytesIO(text.encode()))
    digest = base64.b64encode(hashlib.sha512((registry / "-" / TARBALL).read_bytes()).digest()).decode()
    whole = {**manifest, "dist": {"tarball": f"https://{registry.name}/-/{TARBALL}", "integrity": f"sha512-{digest}"}}
    (registry / NAME).write_text(
        json.dumps({"name": NAME, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": whole}})
    )


def _put_repository(bare: Path, work: Path) -> None:
    who = {f"GIT_{one}_{what}": "quince@localhost" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    program = shutil.which("git")
    assert program is not None

    def git(*arguments: str) -> None:
        subprocess.run([program, *arguments], env=environment, check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch=main", str(work))
    (work / "SAID").write_text(SAID)
    git("-C", str(work), "add", "SAID")
    git("-C", str(work), "commit", "--quiet", "--message=Say it")
    bare.parent.mkdir(parents=True)
    git("clone", "--quiet", "--bare", str(work), str(bare))
    # For clients that ask for plain files: there is no program of git's on that server.
    git("-C", str(bare), "update-server-info")
