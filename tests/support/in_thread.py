"""Something asynchronous that runs in a loop and thread of its own: for tests of whole programs, which have no loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

import trio

T = TypeVar("T")
PATIENCE_SECONDS = 80.0


@contextmanager
def in_thread(opened: Callable[[], AbstractAsyncContextManager[T]], name: str) -> Iterator[T]:
    """What *opened* makes, for the length of the block. The thread goes by *name*."""
    made: SimpleQueue[tuple[T, trio.lowlevel.TrioToken, trio.CancelScope]] = SimpleQueue()

    async def run() -> None:
        async with opened() as server:
            with trio.CancelScope() as scope:
                made.put((server, trio.lowlevel.current_trio_token(), scope))
                await trio.sleep_forever()

    thread = Thread(target=trio.run, args=(run,), name=name)
    thread.start()
    server, token, scope = made.get(timeout=PATIENCE_SECONDS)
    try:
        yield server
    finally:
        token.run_sync_soon(scope.cancel)
        thread.join(PATIENCE_SECONDS)
