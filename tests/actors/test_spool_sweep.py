"""The sweep of the spool on a disk that fails: what may have been stored keeps its files."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from nanoclaw.actors.ingress import Ingress
from nanoclaw.actors.spool_sweep import swept
from nanoclaw.errors import StoreBrokenError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.files import NewAttachment
from nanoclaw.model.ids import UserId
from nanoclaw.store import files
from nanoclaw.store.db import open_database
from nanoclaw.store.setup import Operator, first_start
from tests.support.central import CHANNEL, NOW, said
from tests.support.failing_vfs import FailingVfs

OPERATOR = Operator(user=UserId(f"{CHANNEL}:ada"), name="Ada", channel=CHANNEL, platform_id="room")


async def test_what_was_stored_though_its_sync_failed_finds_its_files_after_the_restart(tmp_path: Path) -> None:
    vfs, spool, minted = FailingVfs(), Spool(tmp_path / "spool"), iter(range(100))
    spool.folder.mkdir()
    path = tmp_path / "nanoclaw.db"
    async with open_database(path, vfs=vfs.name) as store:
        await store.transact(
            first_start, agent="Nano", operator=OPERATOR, mint=lambda of: f"{of}-{next(minted)}", now=NOW
        )
        async with swept(store, spool):
            with spool.begin() as writing:
                writing.write(b"bytes")
                file = writing.finish()
            event = attrs.evolve(said(1), attachments=(NewAttachment(name="a.txt", file=file),))
            vfs.failing.add("-wal")
            with pytest.raises(StoreBrokenError):
                await Ingress(store, SystemClock(), spool, {CHANNEL: False}, *(lambda _: None,) * 3).receive(event)
    async with open_database(path) as store, swept(store, spool):
        assert await store.read(files.needed) == {file.id}
        assert spool.path(file.id).read_bytes() == b"bytes"
