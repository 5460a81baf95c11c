"""A webhook with real agents: GitHub calls, the owner lets it, an agent hears it once, and can say nothing to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import trio

from nanoclaw import app, config, settings
from nanoclaw.channels.secrets_file import ChannelSecrets
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.channels import ConfiguredChannel
from nanoclaw.model.ids import ChannelName
from nanoclaw.sandboxes.process import ProcessEngine
from nanoclaw.sandboxes.runtime import find_runtime
from nanoclaw.store import channels
from nanoclaw.store.db import open_database
from nanoclaw.store.home import make_folders
from tests.channels.webhook.calls import ISSUE, SETTING, by_github, github, written
from tests.e2e.test_approvals import assert_sound, terminal, ways
from tests.support.ports import free_port
from tests.support.truth import rows

HOOK = ChannelName("hook")
PATIENCE = 120.0


@pytest.fixture
def home(home: Path) -> Path:
    home.mkdir()
    return home


async def add_webhook(home: Path) -> int:
    """A webhook at some port, which is returned."""
    port = free_port()
    make_folders(home)
    said = json.dumps({"url": f"http://127.0.0.1:{port}"})
    row = ConfiguredChannel(name=HOOK, kind="webhook", settings=said, created_at=SystemClock().now(), enabled=True)
    async with open_database(config.Config(home=home).database) as store:
        await store.transact(channels.add, row)
    await trio.to_thread.run_sync(ChannelSecrets(home).set, HOOK, {"sources": SETTING})
    return port


@asynccontextmanager
async def host(home: Path) -> AsyncIterator[None]:
    """One life of it."""
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda *, task_status: app.serve(
                config.Config(home=home, web=settings.WebSettings(enabled=False)),
                announce=lambda _: None,
                engines=lambda: [ProcessEngine(find_runtime())],
                task_status=task_status,
            )
        )
        yield
        nursery.cancel_scope.cancel()


async def call(port: int, title: str) -> str:
    """GitHub says that somebody opened an issue; what it is told."""
    body = written(github("opened", issue={**ISSUE, "title": title}))
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"http://127.0.0.1:{port}/hooks/repo", content=body, headers=by_github(body))
    assert answer.status_code == 200, answer.text
    return answer.text.strip()


async def until_dead(home: Path, number: int) -> None:
    """Wait until so many replies have come to nothing."""
    with trio.fail_after(PATIENCE):
        while len(rows(home, "SELECT 1 FROM ledger WHERE channel = 'hook' AND state = 'dead'")) < number:  # noqa: ASYNC110
            await trio.sleep(0.05)


async def test_github_calls_an_agent_once_its_source_may_speak(home: Path) -> None:
    port = await add_webhook(home)
    async with host(home), terminal(home) as owner:
        assert await call(port, "It rains in") == "recorded; no agent hears this source"
        card = await owner.next()
        assert "Who: “GitHub”" in card.text
        assert "Their id: “hook:repo”" in card.text
        assert "rains" not in card.text
        await owner.type(ways(card)["Connect to main"])
        await until_dead(home, 1)
        assert await call(port, "Still wet") == "stored"
        await until_dead(home, 2)
    async with host(home):
        assert await call(port, "Still wet") == "stored"
        assert await call(port, "Dry at last") == "stored"
        await until_dead(home, 3)
    heard = rows(home, "SELECT content FROM inbound WHERE channel = 'hook' AND kind = 'chat' ORDER BY seq")
    texts = [json.loads(row["content"])["text"] for row in heard]
    titles = ["It rains in", "Still wet", "Dry at last"]
    assert [text.split("“")[1].split("”")[0] for text in texts] == titles
    assert texts[0].startswith("octocat opened issue #7 of octo/hello: “It rains in”\nhttps://github.com/")
    dead = rows(home, "SELECT error FROM ledger WHERE channel = 'hook' AND state = 'dead'")
    assert {row["error"] for row in dead} == {
        "hook: a webhook only calls, and nothing can be said to it: write to another destination"
    }
    assert_sound(home)
