"""The real command line of the model in a real sandbox, against a model of the test's own: the whole way, and back.

A sandbox has no network, and the key is the host's: what the model hears comes through the gateway.
"""

from __future__ import annotations

import json
import re
import shlex
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from schema.files import OUTBOUND
from tests.e2e.claude import KEY, introduce, is_idle, settings
from tests.e2e.test_sandbox_life import agent_pids
from tests.support.engines import walls
from tests.support.host import running_host, signal_each, until
from tests.support.model_api import ModelApi
from tests.support.model_wire import says, uses
from tests.support.truth import rows

README = Path(__file__).resolve().parent.parent.parent / "README.md"

DOCKER = (pytest.mark.docker, pytest.mark.claude_image)
pytestmark = pytest.mark.timeout(180)


def test_the_model_is_asked_with_the_hosts_key_which_is_nowhere_in_the_sandbox(
    home: Path, claude_engine: str, model: ModelApi
) -> None:
    look = "env; cat /nanoclaw/container.json; ls -l /nanoclaw /nanoclaw/gateway; cat /proc/net/dev"
    with running_host(home, settings(claude_engine)) as host:
        introduce(host, model)
        model.then(uses("Bash", command=look, description="look around"), says("I have looked."))
        said = host.cli("chat", "look around, please")
        assert said.returncode == 0, said
        assert "I have looked." in said.stdout
        first, second = model.asked[:2]
        assert [asked.headers["x-api-key"] for asked in (first, second)] == [KEY, KEY]
        assert "look around, please" in first.said
        # What the agent saw of its own sandbox.
        assert "ANTHROPIC_BASE_URL=http://127.0.0.1:" in second.said
        assert "gateway.sock" in second.said
        assert "eth0" not in second.said
        assert KEY not in second.said
        for pid in agent_pids(home, claude_engine):
            for part in ("environ", "cmdline"):
                assert KEY.encode() not in Path(f"/proc/{pid}/{part}").read_bytes()
        for path in home.rglob("*"):
            with suppress(FileNotFoundError):  # a journal that was there a moment ago
                if path.is_file() and not path.is_relative_to(home / "secrets"):
                    assert KEY.encode() not in path.read_bytes(), path
        assert host.stop()[0] == 0
    assert not [path for path in home.glob("sessions/*/*/gateway/*") if path.is_socket()]
    assert host.cli("verify").returncode == 0


def test_a_conversation_goes_on_in_the_next_sandbox(home: Path, claude_engine: str, model: ModelApi) -> None:
    with running_host(home, settings(claude_engine)) as host:
        introduce(host, model)
        model.then(says("I shall keep it in mind."), says("It was plum."))
        assert "keep it in mind" in host.cli("chat", "the answer is plum").stdout
        signal_each(agent_pids(home, claude_engine), signal.SIGKILL)
        until(lambda: rows(home, "SELECT 1 FROM epochs WHERE ending = 'exited'"))
        said_at = time.time()
        assert "It was plum." in host.cli("chat", "what was it?").stdout
        (out,) = home.glob("sessions/*/*/out/2")
        until(lambda: is_idle(out / OUTBOUND))
        # The clock of files lags by a tick of the kernel's.
        assert (out / "heartbeat").stat().st_mtime > said_at - 0.05
        assert [row["status"] for row in rows(home, "SELECT status FROM inbound")] == ["completed"] * 2
        first, last = model.asked[0], model.asked[-1]
        assert first.session == last.session
        assert "the answer is plum" in last.said
        (took,) = json.loads(host.cli("usage", "list", "--json").stdout)
        assert took["results"] == 2, "each life counts its own from 1"
        assert took["read"] > 0


def test_without_a_key_the_chat_says_what_to_do(home: Path, claude_engine: str) -> None:
    with running_host(home, settings(claude_engine)) as host:
        said = host.cli("chat", "hello")
        assert said.returncode == 0, said
        assert "nanoclaw secrets set anthropic" in said.stdout, said.stdout
        assert "Traceback" not in said.stdout
        code, printed = host.stop()
        assert code == 0
        assert "Nano thinks with claude, and no key is set: nanoclaw secrets set anthropic" in printed


@pytest.mark.parametrize("claude_engine", [pytest.param("docker", marks=DOCKER)], indirect=True)
def test_a_sandbox_that_outlives_its_host_reaches_its_model_through_the_next(
    home: Path, claude_engine: str, model: ModelApi
) -> None:
    with running_host(home, settings(claude_engine)) as host:
        introduce(host, model)
        model.then(says("One."), says("Two."))
        assert "One." in host.cli("chat", "first").stdout
        host.kill()
        host.start()
        assert "Two." in host.cli("chat", "second").stdout
        lives = rows(home, "SELECT number, ending, detail FROM epochs")
        assert [(life["number"], life["ending"], life["detail"]) for life in lives] == [(1, None, None)]
        assert "first" in model.asked[-1].said


def test_three_lines_of_the_readme_put_claude_behind_an_agent_that_was_the_demo(home: Path, model: ModelApi) -> None:
    """Typed as they stand there, and two more, as this model is not Anthropic's; where there are no walls at all."""
    block = re.search(r"```\n(nanoclaw secrets.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    first, second, third = (shlex.split(line, comments=True)[1:] for line in block.group(1).splitlines())
    model.then(says("Good morning."))
    with running_host(home, f"[sandbox]\n{walls('process')}") as host:
        assert "“hello” to you too" in host.cli("chat", "hello").stdout
        introduce(host, model)
        for command, typed in ((first, KEY), (second, "")):
            done = host.cli(*command, typed=typed)
            assert done.returncode == 0, done.stderr
        assert "Good morning." in host.cli(*third, "hello").stdout
    assert [asked.headers["x-api-key"] for asked in model.asked] == [KEY]
