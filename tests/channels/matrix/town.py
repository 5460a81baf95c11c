"""A real homeserver with our account on it, and somebody to talk with."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import frozen

from tests.support.matrix.synapse import CLIENT, MUST_HAVE, Person, Synapse, why_no_synapse


@frozen
class Town:
    """A homeserver, our account, and somebody to talk with."""

    server: Synapse
    nano: Person
    ada: Person
    room: str


@asynccontextmanager
async def open_town(folder: Path) -> AsyncGenerator[Town]:
    """One that lives as long as the block, or a skipped test."""
    if why := why_no_synapse():
        if os.environ.get(MUST_HAVE):
            pytest.fail(f"a homeserver is needed here: {why}")
        pytest.skip(why)
    await trio.to_thread.run_sync(folder.mkdir)
    server = await trio.to_thread.run_sync(Synapse, folder)
    try:
        await server.start()
        nano, ada = await server.register("nano"), await server.register("ada")
        made = await ada.ask("POST", f"{CLIENT}/createRoom", {"invite": [nano.user], "preset": "private_chat"})
        await ada.say(made["room_id"], "are you there?")
        yield Town(server, nano, ada, made["room_id"])
    finally:
        with trio.move_on_after(40, shield=True):
            await server.stop()
