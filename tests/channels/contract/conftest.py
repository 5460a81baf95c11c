"""The contract suite runs on every adapter that has a rig."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from nanoclaw.model.ids import ChannelName
from tests.channels.contract.house import ContractHouse
from tests.channels.contract.rigs import kinds, rig_of


@pytest.fixture(params=kinds())
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[ContractHouse]:
    """A house with one channel of each kind in turn; its channel is not alive yet."""
    (tmp_path / "platform").mkdir()
    (tmp_path / "spool").mkdir()
    async with rig_of(request.param)(tmp_path / "platform") as rig:
        yield ContractHouse(rig, tmp_path / "spool", ChannelName(f"{request.param}-here"))
