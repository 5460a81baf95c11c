"""What `nanoclaw doctor` looks at of containers: does one stand there that no epoch has any use for?"""

from __future__ import annotations

import os

import trio

from nanoclaw.cli.finding import Finding, bad
from nanoclaw.config import Config
from nanoclaw.core.sandbox_spec import INSTALL_LABEL
from nanoclaw.sandboxes.docker_api import RequestError
from nanoclaw.sandboxes.docker_client import DockerClient
from nanoclaw.sandboxes.engine_calls import ADDRESS_VARIABLE
from nanoclaw.store import epochs
from schema import sqlite

DOCKER_SECONDS = 5.0
SHORT = 12
"""Digits of a container's id that are enough to name it."""


async def leftovers(config: Config, install: str) -> tuple[Finding, ...]:
    """Containers of the home *install* that belong to no open epoch; none, where no daemon answers.

    Ending early leaves nothing behind: it only asks.
    """
    if not config.database.exists():
        await trio.lowlevel.checkpoint()
        return ()
    client = DockerClient(os.environ.get(ADDRESS_VARIABLE))
    try:
        with trio.fail_after(DOCKER_SECONDS):
            found = await client.containers({INSTALL_LABEL: install})
    except (RequestError, trio.TooSlowError):
        return ()
    finally:
        client.close()
    # Read after they were listed: whatever began since is none of them.
    conn = sqlite.open_read_only(config.database)
    try:
        alive = {(epoch.session_id, epoch.number) for epoch in epochs.all_live(conn)}
    finally:
        conn.close()
    left = [one.id[:SHORT] for one in found if (one.labels.session, one.labels.epoch) not in alive]
    if not left:
        return ()
    return (bad("containers", f"{len(left)} are left of epochs that ended", f"docker rm --force {' '.join(left)}"),)
