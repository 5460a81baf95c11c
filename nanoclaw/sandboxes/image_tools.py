"""Programs that help to make images, and where they and the recipes are found."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import IO

import trio

from nanoclaw.errors import ImageError

SOURCES = Path(__file__).resolve().parents[2]
"""Where nanoclaw was checked out: images are built from there."""


async def run_tool(argv: list[str], name: str, *, stdout: IO[bytes] | None = None) -> None:
    """Run *argv* among the sources to its end; what it prints goes to *stdout*, or nowhere.

    Raises:
      ImageError: it cannot be started, or failed; with the last it said.

    Cancellation: it is ended, and waited for.
    """
    try:
        ended = await trio.run_process(
            argv,
            cwd=SOURCES,
            env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
            check=False,
            stdout=stdout if stdout is not None else subprocess.DEVNULL,
            capture_stderr=True,
        )
    except OSError as exc:
        raise ImageError(why=f"{name} cannot be started: {exc}") from None
    if ended.returncode != 0:
        said = (ended.stderr or b"").decode(errors="replace").strip().splitlines()[-3:]
        raise ImageError(why=f"{name} failed: {' / '.join(said) or f'exit code {ended.returncode}'}")
