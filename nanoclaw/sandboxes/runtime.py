"""What the runner needs to run: an interpreter, our two packages, the packages they import."""

from __future__ import annotations

import compileall
import importlib.util
import sys
import sysconfig
from pathlib import Path

from attrs import frozen

BOOTSTRAP = "import sys; sys.path[:0] = sys.argv.pop(1).split(':'); from runner.__main__ import main; sys.exit(main())"
"""Started with `-I -S`: nothing of the environment or of a user's site decides what is imported."""


@frozen(kw_only=True)
class Runtime:
    """Where things are on this machine."""

    interpreter: Path
    prefix: Path
    """The folder that the interpreter and its standard library live in."""
    runner: Path
    schema: Path
    packages: Path
    """Third-party packages."""

    def argv(self, interpreter: str, places: list[str], arguments: list[str]) -> list[str]:
        """The command line of the runner, with *places* as its import path."""
        return [interpreter, "-I", "-S", "-B", "-c", BOOTSTRAP, ":".join(places), *arguments]


def find_runtime() -> Runtime:
    """The runtime this host itself runs on."""
    return Runtime(
        interpreter=Path(sys.executable).resolve(),
        prefix=Path(sys.base_prefix).resolve(),
        runner=_package("runner"),
        schema=_package("schema"),
        packages=Path(sysconfig.get_path("purelib")).resolve(),
    )


def compile_runtime(runtime: Runtime) -> None:
    """Compile our two packages once, on the host.

    A sandbox sees them read-only and would otherwise compile them anew at every start, for twice the time.
    """
    for package in (runtime.runner, runtime.schema):
        compileall.compile_dir(str(package), quiet=2)


def _package(name: str) -> Path:
    # Found, not imported: host and runner meet only in schema.
    found = importlib.util.find_spec(name)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).resolve().parent
