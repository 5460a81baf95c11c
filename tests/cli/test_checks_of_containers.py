"""`doctor` finds containers that no epoch has any use for, and what it says to type removes those and no other."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
import trio

from nanoclaw.cli.checks_of_containers import leftovers
from nanoclaw.cli.finding import Finding
from nanoclaw.config import Config
from nanoclaw.core.sandbox_spec import EPOCH_LABEL, INSTALL_LABEL, SESSION_LABEL
from nanoclaw.sandboxes.docker_client import DockerClient
from nanoclaw.sandboxes.engine_calls import ADDRESS_VARIABLE
from tests.backups.home import opened
from tests.support.docker_engine import TEST_IMAGE


@pytest.mark.docker
@pytest.mark.skipif(shutil.which("docker") is None, reason="docker's command line is not here to type it to")
async def test_what_is_left_of_an_epoch_that_ended_goes_by_what_is_typed_and_one_at_work_stays(tmp_path: Path) -> None:
    install = f"test-{uuid4().hex}"
    with opened(tmp_path / "home") as world:
        session = world.session()
        number = int(world.epoch(session))
    config = Config(home=tmp_path / "home")

    async def found() -> tuple[Finding, ...]:
        return await leftovers(config, install)

    client = DockerClient(os.environ.get(ADDRESS_VARIABLE))
    try:
        for epoch in (number, number + 1, number + 2):
            labels = {INSTALL_LABEL: install, SESSION_LABEL: session, EPOCH_LABEL: str(epoch)}
            body = {"Image": TEST_IMAGE, "Cmd": ["true"], "Labels": labels}
            await client.create(f"nanoclaw-{install}-{epoch}", body)
        (left,) = await found()
        assert left.is_bad
        assert (left.check, left.words) == ("containers", "2 are left of epochs that ended")
        assert left.mend.startswith("docker rm --force ")
        await trio.run_process(left.mend.split(), stdout=subprocess.DEVNULL)
        assert await found() == ()
        (stays,) = await client.containers({INSTALL_LABEL: install})
        assert stays.labels.epoch == number
    finally:
        with trio.move_on_after(30, shield=True):
            for one in await client.containers({INSTALL_LABEL: install}):
                await client.remove(one.id)
        client.close()


async def test_where_no_daemon_answers_and_where_no_home_is_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS_VARIABLE, f"unix://{tmp_path}/none.sock")
    assert await leftovers(Config(home=tmp_path / "home"), "nobody") == ()
    with opened(tmp_path / "home") as world:
        world.session()
    assert await leftovers(Config(home=tmp_path / "home"), "nobody") == ()
