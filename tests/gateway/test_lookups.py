"""Names that nobody answers for keep threads of their own, and the host's other threads are free."""

from __future__ import annotations

import socket
from threading import Event

import pytest
import trio
import trio.testing

from nanoclaw.gateway.reach import resolve


async def test_lookups_that_hang_leave_the_hosts_other_threads_free(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Event()

    def hang(*_: object, **__: object) -> list[object]:
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    default = trio.to_thread.current_default_thread_limiter()
    try:
        async with trio.open_nursery() as nursery:
            for number in range(int(default.total_tokens)):
                nursery.start_soon(resolve, f"{number}.example")
            await trio.testing.wait_all_tasks_blocked()
            assert default.available_tokens == default.total_tokens
            answered.set()
    finally:
        answered.set()
