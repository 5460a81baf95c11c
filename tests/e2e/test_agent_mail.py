"""Agents write to each other through real processes: a child answers its parent, a ring comes to rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.engines import walls
from tests.support.host import HostProcess, running_host, until
from tests.support.truth import rows

MAIL = (
    "SELECT i.platform_id AS source, s.agent_group_id AS target, s.messaging_group_id AS chat, i.hops, i.status,"
    " json_extract(i.content, '$.text') AS text FROM inbound i JOIN sessions s ON s.id = i.session_id"
    " WHERE i.channel = 'agent' AND i.kind = 'chat' ORDER BY i.hops"
)


def settings(engine: str) -> str:
    return f"[sandbox]\n{walls(engine)}"


def mail(home: Path) -> Sequence[Any]:
    """All that agents wrote to each other, the first first."""
    return rows(home, MAIL)


def at_rest(home: Path, messages: int) -> bool:
    """Have so many been written, and is nobody at any of them?"""
    found = mail(home)
    return len(found) >= messages and {row["status"] for row in found} == {"completed"}


def run(host: HostProcess, *words: str) -> str:
    """Give a command, which has to work."""
    done = host.cli(*words)
    assert done.returncode == 0, done
    return done.stdout


def test_a_child_answers_its_parent_in_the_session_that_asked(home: Path, engine: str) -> None:
    with running_host(home, settings(engine) + "[mail]\nmost_hops = 2\n") as host:
        run(host, "groups", "update", "nano", "--admin-scope", "global")
        assert "write to it as child" in run(host, "chat", "create an agent named Child")
        assert "Sent to child" in run(host, "chat", "tell child hello")
        until(lambda: at_rest(home, 2))
        asked, answered = mail(home)
        assert (asked["text"], asked["chat"]) == ("hello", None)
        assert "“hello” to you too, Nano! I am Child." in answered["text"]
        assert answered["target"] == asked["source"]
        assert answered["chat"] is not None, "it is the session of the terminal that asked"
        until(lambda: [row["reason"] for row in rows(home, "SELECT reason FROM drops")] == ["mail-loop"])
        reach, *_ = json.loads(run(host, "destinations", "graph", "--group", "child", "--json"))
        assert (reach["to"], reach["as"], reach["back"], reach["last_hour"]) == ("Nano", "parent", "child", 1)
        assert host.stop()[0] == 0
    assert host.cli("verify").returncode == 0


def test_a_host_that_dies_in_between_carries_each_message_once(home: Path) -> None:
    with running_host(
        home, settings("process") + "[retry]\nfirst_pause_seconds = 0.05\n[mail]\nmost_hops = 2\n"
    ) as host:
        run(host, "groups", "create", "Child")
        run(host, "destinations", "add", "nano", "--agent", "child", "--both")
        run(host, "chat", "tell child wait 2")
        until(lambda: rows(home, "SELECT 1 FROM inbound WHERE channel = 'agent' AND claimed_epoch IS NOT NULL"))
        host.kill()
        assert [row["status"] for row in mail(home)] == ["pending"]
        host.start()
        until(lambda: at_rest(home, 2))
        assert [row["text"] for row in mail(home)] == ["wait 2", "I waited 2 s, as you asked."]
        assert host.stop()[0] == 0
    assert host.cli("verify").returncode == 0


def test_three_in_a_ring_stop_at_their_budget(home: Path) -> None:
    with running_host(home, settings("process")) as host:
        for name in ("Bob", "Cy"):
            run(host, "groups", "create", name)
        for source, target in (("nano", "bob"), ("bob", "cy"), ("cy", "nano")):
            run(host, "destinations", "add", source, "--agent", target)
        host.cli("chat", "--wait", "1", "pass bob cy nano: round we go")
        until(lambda: at_rest(home, 8))
        until(lambda: [row["reason"] for row in rows(home, "SELECT reason FROM drops")] == ["mail-loop"])
        found = mail(home)
        assert [row["hops"] for row in found] == list(range(1, 9))
        assert len({row["target"] for row in found}) == 3
        told = rows(home, "SELECT trigger FROM inbound WHERE id LIKE 'note:mail-loop:%'")
        assert [row["trigger"] for row in told] == [0, 0, 0], "both sides know, and where it began; nobody is woken"
        assert host.stop()[0] == 0
    assert host.cli("verify").returncode == 0


def test_a_file_goes_from_agent_to_agent(home: Path) -> None:
    with running_host(home, settings("process") + "[mail]\nmost_hops = 2\n") as host:
        run(host, "groups", "create", "Child")
        run(host, "destinations", "add", "nano", "--agent", "child", "--both")
        run(host, "chat", "tell child file 70000")
        until(lambda: at_rest(home, 2))
        (sent,) = rows(home, "SELECT a.name, a.size FROM attachments a JOIN events e ON e.id = a.event_id")
        assert (sent["name"], sent["size"]) == ("demo.bin", 70_000)
        *_, heard = mail(home)
        assert "Here is demo.bin" in heard["text"]
        assert host.stop()[0] == 0
    assert host.cli("verify").returncode == 0
