"""Asks the running host, over its admin socket."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import trio

from nanoclaw.errors import UsageError
from nanoclaw.kit.lines import BadFrameError, LineStream

ASK_SECONDS = 10.0


class NotRunningError(Exception):
    """There is no host to ask."""


def is_open(path: Path) -> bool:
    """Does anybody listen at *path*? A host that was killed leaves its sockets behind, so a look does not tell."""
    with socket.socket(socket.AF_UNIX) as plain:
        return plain.connect_ex(str(path)) == 0


def ask(path: Path, verb: str) -> Any:
    """The host's answer to *verb*: whatever JSON says.

    Raises:
      NotRunningError: nobody listens at *path*.
      UsageError: the host refused, or did not answer.
    """
    return trio.run(_ask, path, verb)


async def _ask(path: Path, verb: str) -> Any:
    try:
        with trio.fail_after(ASK_SECONDS):
            lines = LineStream(await trio.open_unix_socket(str(path)))
            await lines.send({"verb": verb})
            answer = await lines.receive()
            await lines.aclose()
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunningError from None
    except (trio.TooSlowError, trio.BrokenResourceError, BadFrameError) as exc:
        raise UsageError(f"the host did not answer ({exc!r})") from None
    if answer is None or "error" in answer:
        raise UsageError("the host hung up" if answer is None else str(answer["error"]))
    return answer["answer"]
