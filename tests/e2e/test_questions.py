"""An agent asks, a person answers: through real processes, also when the host dies in between."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

from schema.sqlite import fetch, open_read_only
from tests.support.engines import walls
from tests.support.host import HostProcess, running_host

PATIENCE_SECONDS = 120.0


def settings(engine: str) -> str:
    return f"[sandbox]\n{walls(engine)}[retry]\nfirst_pause_seconds = 0.05\n"


def states(home: Path) -> list[str]:
    """How the questions of a home stand, in the order of their asking."""
    conn = open_read_only(home / "nanoclaw.db")
    try:
        rows = fetch(conn, "SELECT q.state FROM questions q JOIN ledger l ON l.id = q.ledger_id ORDER BY l.position")
        return [str(row["state"]) for row in rows]
    finally:
        conn.close()


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def progress(host: HostProcess) -> list[str]:
    """What is seen of the work of each sandbox."""
    signals = json.loads(host.cli("status", "--json").stdout)["sandboxes"]["signals"]
    return [seen["progress"]["state"] for seen in signals]


def test_a_question_is_numbered_and_answered_by_number_or_words(home: Path, engine: str) -> None:
    with running_host(home, settings(engine)) as host:
        for answer in ("2", "coffee"):
            asked = host.cli("chat", "ask me a question")
            assert asked.returncode == 0, asked
            assert "1. Tea\n2. Coffee\n" in asked.stdout
            until(lambda: progress(host) == ["waiting for a person"])
            assert "waiting for a person" in host.cli("status").stdout
            answered = host.cli("chat", answer)
            assert answered.returncode == 0, answered
            assert "Coffee" in answered.stdout
        assert states(home) == ["answered"] * 2
        assert host.stop()[0] == 0
    assert host.cli("verify").returncode == 0


def test_a_question_is_answered_by_typing_in_an_open_chat(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        said = host.cli("chat", typed="ask me a question\ntea\n")
        assert said.returncode == 0, said
        assert said.stdout.index("1. Tea") < said.stdout.rindex("Tea")
        assert states(home) == ["answered"]


def test_an_answer_finds_its_agent_after_the_host_has_died(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        host.cli("chat", "ask me a question")
        host.stop(signal.SIGKILL)
        assert states(home) == ["open"]
        host.start()
        answered = host.cli("chat", "2")
        assert answered.returncode == 0, answered
        until(lambda: "answered" in states(home))
        host.stop()
    assert host.cli("verify").returncode == 0


def test_edits_reactions_and_cards_are_shown_as_what_they_are(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        assert "(changed) " in host.cli("chat", "edit").stdout
        assert "to “react”" in host.cli("chat", "react").stdout
        assert host.cli("chat", "card").stdout.startswith("A card\n")
        host.stop()
    assert host.cli("verify").returncode == 0
