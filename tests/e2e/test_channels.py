"""A channel is added to a running host, used, breaks by itself, and is removed."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import trio

from tests.channels.contract.rig import Rig
from tests.channels.telegram.rig import open_rig
from tests.support.host import HostProcess

PATIENCE = 120.0
NO_PAGE = "[web]\nenabled = false\n"


@pytest.fixture
def home(home: Path) -> Path:
    home.mkdir()
    (home / "nanoclaw.toml").write_text(NO_PAGE)
    return home


async def cli(host: HostProcess, *words: str, typed: str = "") -> CompletedProcess[str]:
    """Run the command line while the platform goes on in this process."""
    return await trio.to_thread.run_sync(partial(host.cli, *words, typed=typed))


async def listed(host: HostProcess) -> dict[str, dict[str, object]]:
    """What `channels list` says, by channel."""
    said = await cli(host, "channels", "list", "--json")
    return {line["channel"]: line for line in map(json.loads, said.stdout.splitlines())}


def add(rig: Rig, *more: str) -> list[str]:
    """The words that add a channel on that platform, whose token comes by standard input."""
    return ["channels", "add", "telegram", "--set", "token=-", "--set", f"url={rig.settings['url']}", *more]


async def test_a_channel_is_added_used_broken_and_removed_while_the_host_runs(home: Path, tmp_path: Path) -> None:
    host = HostProcess(home)
    async with open_rig(tmp_path) as rig:
        await trio.to_thread.run_sync(host.start)
        try:
            refused = await cli(host, *add(rig), typed="1234567:none-that-telegram-knows\n")
            assert refused.returncode == 1
            assert "Nothing was changed" in refused.stderr
            assert set(await listed(host)) == {"terminal"}
            assert not (home / "secrets" / "channels.json").exists()

            added = await cli(host, *add(rig), typed=f"{rig.settings['token']}\n")
            assert added.returncode == 0, added.stderr
            assert "telegram is added, and is @" in added.stdout
            assert rig.settings["token"] not in added.stdout + added.stderr
            assert (await cli(host, *add(rig), typed=f"{rig.settings['token']}\n")).returncode == 1
            secrets = home / "secrets" / "channels.json"
            assert secrets.stat().st_mode & 0o777 == 0o600

            await rig.say("hello", chat=rig.direct)
            with trio.fail_after(PATIENCE):  # until what was said there is heard, and its chat known
                while (await cli(host, "channels", "test", "telegram")).returncode != 0:
                    pass
            sent = await cli(host, "send", "--to", f"telegram/{rig.direct}", typed="the <b>disk</b> is full\n")
            assert sent.returncode == 0, sent.stderr
            assert "the <b>disk</b> is full" in [shown.text.strip() for shown in rig.shown(rig.direct)]

            assert (await cli(host, "channels", "disable", "telegram")).returncode == 0
            assert (await listed(host))["telegram"]["state"] == "off"
            assert (await cli(host, "send", "--to", f"telegram/{rig.direct}", "x")).returncode == 1
            assert (await cli(host, "channels", "enable", "telegram")).returncode == 0
            assert (await cli(host, "channels", "test", "telegram")).returncode == 0

            await trio.to_thread.run_sync(host.stop)
            kept = json.loads(secrets.read_text())
            secrets.write_text("{}")
            await trio.to_thread.run_sync(host.start)
            broken = (await listed(host))["telegram"]
            assert broken["state"] == "broken"
            assert "token is missing" in str(broken["why"])
            assert (await cli(host, "send", "--to", f"telegram/{rig.direct}", "x")).returncode == 1

            await trio.to_thread.run_sync(host.stop)
            secrets.write_text(json.dumps(kept))
            await trio.to_thread.run_sync(host.start)
            assert (await listed(host))["telegram"]["state"] == "running"
            assert (await cli(host, "channels", "remove", "telegram", "--yes")).returncode == 0
            assert set(await listed(host)) == {"terminal"}
            assert json.loads(secrets.read_text()) == {}
        finally:
            await trio.to_thread.run_sync(host.end)
