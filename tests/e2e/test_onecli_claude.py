"""Claude's real command line in a sandbox without a network, which reaches its model by way of OneCLI's proxy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.claude import settings
from tests.support.host import running_host
from tests.support.model_api import ModelApi
from tests.support.model_wire import says, uses
from tests.support.onecli_server import onecli_in_thread
from tests.support.tls_tunnels import Tunnels

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.mark.parametrize("claude_engine", [pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)], indirect=True)
def test_claude_answers_by_way_of_the_proxy_and_sees_no_key(home: Path, claude_engine: str, model: ModelApi) -> None:
    tunnels = Tunnels(int(model.url.rpartition(":")[2]))
    with onecli_in_thread(ca=tunnels.certificate, tunnels=tunnels) as server:
        told = f'[onecli]\nurl = "{server.url}"\n{settings(claude_engine)}'
        with running_host(home, told) as host:
            model.then(uses("Bash", command="env; cat /proc/net/dev", description="look"), says("I have looked."))
            said = host.cli("chat", "look around, please")
            assert "I have looked." in said.stdout, said
            first, second = model.asked[:2]
            assert "look around, please" in first.said
            assert first.headers["x-api-key"] == "placeholder"
            assert first.headers["host"] == "api.anthropic.com"
            assert "ANTHROPIC_BASE_URL" not in second.said
            assert f"HTTPS_PROXY=http://x:aoc_{next(iter(server.agents))}@127.0.0.1:" in second.said
            assert "eth0" not in second.said
            code, printed = host.stop()
            assert code == 0
            assert "no key is set" not in printed
        assert "api.anthropic.com:443" in tunnels.opened
