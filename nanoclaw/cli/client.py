"""Asks the running host, over its admin socket."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trio

from nanoclaw.errors import UsageError
from nanoclaw.kit.lines import MOST_ANSWER, BadFrameError, LineStream

ASK_SECONDS = 10.0


class NotRunningError(Exception):
    """There is no host to ask."""


def is_open(path: Path) -> bool:
    """Does anybody listen at *path*? A host that was killed leaves its sockets behind, so a look does not tell."""
    with socket.socket(socket.AF_UNIX) as plain:
        return plain.connect_ex(str(path)) == 0


class NeedsYesError(Exception):
    """The host wants to know whether it shall; `str()` is its question."""


def ask(
    path: Path,
    verb: str,
    arguments: Mapping[str, object] | None = None,
    *,
    confirmed: bool = False,
    seconds: float = ASK_SECONDS,
) -> Any:
    """The host's answer to *verb*: whatever JSON says.

    Raises:
      NotRunningError: nobody listens at *path*.
      NeedsYesError: it can be done, and nothing has been yet; ask again, *confirmed*.
      UsageError: the host refused, or did not answer.
    """
    return trio.run(_ask, path, {"verb": verb, "arguments": dict(arguments or {}), "confirmed": confirmed}, seconds)


async def _ask(path: Path, frame: dict[str, object], seconds: float) -> Any:
    try:
        with trio.fail_after(seconds):
            lines = LineStream(await trio.open_unix_socket(str(path)), limit=MOST_ANSWER)
            await lines.send(frame)
            answer = await lines.receive()
            await lines.aclose()
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunningError from None
    except (trio.TooSlowError, trio.BrokenResourceError, BadFrameError) as exc:
        raise UsageError(f"the host did not answer ({exc!r})") from None
    if answer is not None and "question" in answer:
        raise NeedsYesError(str(answer["question"]))
    if answer is None or "error" in answer:
        raise UsageError("the host hung up" if answer is None else str(answer["error"]))
    return answer["answer"]
