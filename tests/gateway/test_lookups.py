"""Looking up where a sandbox would be led: names, and which addresses are this machine's own."""

from __future__ import annotations

import socket
import subprocess
import sys
from threading import Event

import pytest
import trio
import trio.testing

from nanoclaw.gateway.reach import resolve
from tests.support.internet.network import unshared, why_no_internet

CHANGES = """
import subprocess
from ipaddress import ip_address
from nanoclaw.gateway.reach import own_of

public = [ip_address("8.8.8.8"), ip_address("64:ff9b::8.8.8.8")]
for what in ("add", "del"):
    subprocess.run(["ip", "address", what, "8.8.8.8/32", "dev", "lo"], check=True)
    print(len(own_of(public)))
"""


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


def test_an_address_is_this_machines_own_for_as_long_as_it_has_it() -> None:
    """In a network of its own: a public address that comes while the gateway runs, and goes again."""
    if why := why_no_internet():
        pytest.skip(why)
    found = subprocess.run(
        [*unshared(), sys.executable, "-c", CHANGES], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.split() == ["1", "0"]
