"""Asks the running host, over its admin socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trio

from nanoclaw.errors import UsageError
from nanoclaw.kit.lines import BadFrameError, LineStream

ASK_SECONDS = 10.0


class NotRunningError(Exception):
    """There is no host to ask."""


def ask(socket: Path, verb: str) -> Any:
    """The host's answer to *verb*: whatever JSON says.

    Raises:
      NotRunningError: nobody listens at *socket*.
      UsageError: the host refused, or did not answer.
    """
    return trio.run(_ask, socket, verb)


async def _ask(socket: Path, verb: str) -> Any:
    try:
        with trio.fail_after(ASK_SECONDS):
            lines = LineStream(await trio.open_unix_socket(str(socket)))
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
