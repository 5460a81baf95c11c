"""Runs a task's script: in this sandbox, as whoever this is, within a time, and never more than it may say.

It gets a process group of its own, and whatever is left of that group when it is over is killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from subprocess import PIPE

import trio
from attrs import define, field

from runner.core.gate import Broken, Gate, decide_gate

SECONDS = 30.0
MOST_OUTPUT = 1 << 20
"""Bytes that a script may say."""
KEPT = 256 << 10
"""Bytes of its end that are kept: the last line is what counts."""
BURY_SECONDS = 2.0
"""For the death of what was killed, and the end of its pipe: somebody may have left the group and hold it."""


async def run_script(script: str, *, seconds: float = SECONDS) -> Gate:
    """Run *script* with bash, or with sh where there is none, and judge what it said.

    Cancellation: its process group is killed.
    """
    shell = shutil.which("bash") or "/bin/sh"
    try:
        process = await trio.lowlevel.open_process(
            [shell, "-c", script], stdin=subprocess.DEVNULL, stdout=PIPE, start_new_session=True
        )
    except (OSError, ValueError) as exc:
        return Broken(f"its script cannot be started: {exc}")
    assert process.stdout is not None
    output = _Output(process.stdout)
    ended = False
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(output.read, nursery.cancel_scope)
            with trio.move_on_after(seconds):
                await process.wait()
                ended = True
            # What it left running must neither outlive it nor hold the pipe.
            _kill_group(process.pid)
            with trio.move_on_after(BURY_SECONDS):
                await process.wait()
                await output.over.wait()
            nursery.cancel_scope.cancel()
    finally:
        _kill_group(process.pid)
        with trio.move_on_after(BURY_SECONDS, shield=True):
            await process.wait()
        await trio.aclose_forcefully(process.stdout)
    if output.too_much:
        return Broken(f"its script said more than {MOST_OUTPUT:,} bytes")
    if not ended:
        return Broken(f"its script was not over after {seconds:g} s")
    assert process.returncode is not None
    return decide_gate(process.returncode, output.kept.decode(errors="replace"))


@define(eq=False)
class _Output:
    """What a script says."""

    _stream: trio.abc.ReceiveStream
    kept: bytes = b""
    too_much: bool = False
    over: trio.Event = field(factory=trio.Event)

    async def read(self, everything: trio.CancelScope) -> None:
        """Keep the end of it; cancel *everything* when it is too much."""
        total = 0
        async for chunk in self._stream:
            total += len(chunk)
            self.kept = (self.kept + chunk)[-KEPT:]
            if total > MOST_OUTPUT:
                self.too_much = True
                everything.cancel()
                return
        self.over.set()


def _kill_group(leader: int) -> None:
    # Its number is its leader's, and is nobody else's while a member lives. Without one there is nothing to kill.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
