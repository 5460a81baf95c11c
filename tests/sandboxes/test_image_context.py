"""What an agent image is built from: a base that fits, and a context that is the same wherever it is made."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from nanoclaw.errors import ImageError
from nanoclaw.sandboxes.image_context import ImagePython, pack, read_python
from nanoclaw.sandboxes.image_tools import run_tool

GOOD = {"version": "3.12", "machine": "x86_64", "libc": "glibc"}


def test_the_python_of_a_base_is_read_from_what_it_says() -> None:
    assert read_python(json.dumps(GOOD) + "\n") == ImagePython(version="3.12", machine="x86_64")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "does not say what it is"),
        ("python3: not found", "does not say what it is"),
        ("[]", "does not say what it is"),
        (json.dumps({"version": "3.12"}), "does not say what it is"),
        (json.dumps(GOOD | {"libc": ""}), "another C library"),
        (json.dumps(GOOD | {"machine": "riscv64"}), "no packages for riscv64; there are for x86_64, aarch64"),
    ],
)
def test_a_base_that_no_packages_fit_is_refused_with_the_reason(said: str, why: str) -> None:
    with pytest.raises(ImageError, match=why):
        read_python(said)


def fill(folder: Path, names: list[str], *, at: int) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
        path.chmod(0o711 if name.endswith("program") else 0o600)
        os.utime(path, (at, at))
    return folder


def test_the_same_files_are_packed_to_the_same_bytes_whoever_made_them_when_and_in_what_order(tmp_path: Path) -> None:
    names = ["Dockerfile", "packages/b.py", "packages/a/program", "packages/a/bin/kept.py"]
    left = ["packages/bin/trio", "packages/.lock", "packages/a/__pycache__/b.pyc"]
    one = fill(tmp_path / "one", names, at=1_000)
    other = fill(tmp_path / "other", [*reversed(names), *left], at=2_000)
    os.link(other / "packages/b.py", other / "packages/c.py")
    (one / "packages/c.py").write_text("packages/b.py", encoding="utf-8")
    packed = [pack(folder, tmp_path / f"{folder.name}.tar") for folder in (one, other)]
    assert packed[0] == packed[1]
    with tarfile.open(tmp_path / "other.tar") as tar:
        files = {entry.name: entry for entry in tar if entry.isreg()}
    assert sorted(files) == sorted([*names, "packages/c.py"])
    assert files["packages/a/program"].mode == 0o755
    assert {(entry.mtime, entry.uid, entry.uname) for entry in files.values()} == {(0, 0, "")}
    (other / "packages/b.py").write_text("changed", encoding="utf-8")
    assert pack(other, tmp_path / "changed.tar") != packed[0]


async def test_a_program_that_fails_or_is_not_there_is_quoted() -> None:
    with pytest.raises(ImageError, match="sh failed: two / three / four"):
        await run_tool(["sh", "-c", "printf 'one\ntwo\nthree\nfour\n' >&2; exit 3"], "sh")
    with pytest.raises(ImageError, match="sh failed: exit code 4"):
        await run_tool(["sh", "-c", "exit 4"], "sh")
    with pytest.raises(ImageError, match="tool cannot be started"):
        await run_tool(["/nonexistent/tool"], "tool")
