"""The daemon is killed, stopped and restarted under ten busy agents; containers end in every way there is."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from attrs import define, field

from nanoclaw.core.sandbox_spec import INSTALL_LABEL, SESSION_LABEL
from tests.conftest import Figures
from tests.hostile.conftest import BuildTown
from tests.hostile.daemon import OwnDaemon, own_daemon
from tests.hostile.residents import Evil
from tests.hostile.town import Town, until
from tests.support.docker_engine import TEST_IMAGE
from tests.support.sampling import by_turns

ATTACK = "at_38_endings"
STRANGER = {"of": "somebody else"}
BUSY = 10
TAKEN_UP = (
    "SELECT 1 FROM inbound i JOIN sessions s ON s.id = i.session_id"
    " WHERE s.agent_group_id LIKE 'agt-room-%' AND (i.claimed_epoch IS NOT NULL OR i.status <> 'pending')"
)
TURN_SECONDS = 10
"""Long enough for ten sandboxes to start, on a slow machine, while the first is still at it."""
ENDINGS = ("instantly", "0", "1", "137", "memory")
SAMPLE_SECONDS = 0.1
RECONCILE_SECONDS = 60.0


@pytest.fixture(scope="module")
def daemon() -> Iterator[OwnDaemon]:
    with own_daemon() as daemon:
        yield daemon


@define
class Samples:
    """Which sessions had two running containers, as often as somebody looked."""

    looks: int = 0
    doubles: Counter[str] = field(factory=Counter[str])


@contextmanager
def sampling(daemon: OwnDaemon) -> Iterator[Samples]:
    """Look ten times a second which containers run."""
    samples, stop = Samples(), threading.Event()

    def look() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            running = daemon.ask(f"/containers/json?filters={quote(json.dumps({'label': [INSTALL_LABEL]}))}")
            if running is None:
                continue
            samples.looks += 1
            by_session = Counter(one["Labels"].get(SESSION_LABEL) for one in running)
            samples.doubles.update({name: count for name, count in by_session.items() if count > 1})

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join(10)


def excuse(there: Town) -> None:
    """Without a daemon nobody answers; everything has to be answered all the same."""
    for neighbour in there.neighbours:
        neighbour.excused = True


def settled(there: Town) -> bool:
    """Is every message answered, or dead?"""
    return not there.rows("SELECT 1 FROM inbound WHERE status = 'pending' AND trigger = 1")


@pytest.mark.parametrize("how", by_turns(["kill", "stop"]))
def test_every_message_survives_the_end_of_the_daemon_and_no_session_ever_has_two_containers(
    how: str, build_town: BuildTown, daemon: OwnDaemon, figures: Figures
) -> None:
    """AT-38: ten busy agents, the daemon killed or stopped, away for two seconds, then there again.

    Answers of the daemon that are lost are tests/sandboxes/test_docker_start.py's.
    """
    rooms = [f"room-{number}" for number in range(BUSY)]
    with build_town(good=1, rooms=rooms, daemon=daemon.address) as there, sampling(daemon) as samples:
        for room in rooms:
            there.say(room, 1, text=f"wait {TURN_SECONDS}")
        # On a machine that is busy with others the first may have done by the time that the last begins.
        until(lambda: len(there.rows(TAKEN_UP)) >= BUSY)
        excuse(there)
        getattr(daemon, how)()
        for room in rooms:
            there.say(room, 2)
        time.sleep(2)
        begin = time.monotonic()
        daemon.start()
        for room in rooms:
            there.await_answer(room, 2)
        until(lambda: settled(there))
        took = time.monotonic() - begin
        for neighbour in there.neighbours:
            neighbour.await_calm()
        assert samples.doubles == {}
        assert {there.answers(room, 2) for room in rooms} == {1}
        waited = Counter(post.room for post in there.platform.posts if f"I waited {TURN_SECONDS} s" in post.text)
        assert waited == dict.fromkeys(rooms, 1)
        figures(looks=samples.looks, seconds_to_settle=round(took))
        assert took < RECONCILE_SECONDS


def test_however_a_container_ends_its_message_is_answered_or_dead_and_a_stranger_keeps_its_own(
    build_town: BuildTown, daemon: OwnDaemon
) -> None:
    """AT-38: exit codes, no memory, an end at once, SIGKILL and a pause from outside, a stranger under our name.

    The host is killed in the midst of it. An agent whose container always ends at once is parked, and the others run.
    """
    evils = [Evil(name=f"ends-{kind}", attack=ATTACK, words=(kind,), limits='{"memory": "128m"}') for kind in ENDINGS]
    evils += [Evil(name=f"outside-{kind}", attack=ATTACK, words=("never",)) for kind in ("killed", "paused")]
    evils.append(Evil(name="loops", attack=ATTACK, words=("instantly",), epochs=1000))
    with build_town(*evils, rooms=["taken"], daemon=daemon.address) as there, sampling(daemon) as samples:
        there.say("taken")
        there.await_answer("taken")
        there.wake_all()
        for kind in ("killed", "paused"):
            there.await_report(f"outside-{kind}")
            with closing(there.client()) as client:
                (container,) = containers_of(there, client, f"outside-{kind}")
                (container.kill if kind == "killed" else container.pause)()
        there.restart_host(lambda: occupy(there, "taken"))
        there.say("taken", 2)
        assert there.host.cli("groups", "restart", "outside-paused").returncode == 0
        for evil in evils[:-1]:
            there.await_answer(evil.name)
        assert there.endings("outside-killed")[0][0] in ("exited", "host-died")
        assert there.endings("ends-memory")[0] in (("exited", "signal 9, out of memory"), ("host-died", "found open"))
        until(
            lambda: any("cannot work" in post.text for post in there.heard("loops")),
            what=lambda: there.endings("loops"),
        )
        until(
            lambda: any("is not this home" in post.text for post in there.heard("taken")),
            what=lambda: there.heard("taken"),
        )
        with closing(there.client()) as client:
            (stranger,) = [one for one in every_container(client) if STRANGER.items() <= one.labels.items()]
            assert stranger.status == "running"
            stranger.remove(force=True)
        assert samples.doubles == {}


def containers_of(there: Town, client: Any, room: str) -> list[Any]:
    """Those of the agent in *room*."""
    return [one for one in every_container(client) if one.labels.get(SESSION_LABEL) == there.session(room)]


def every_container(client: Any) -> list[Any]:
    """Of that engine, also those of nobody's home."""
    return list(client.containers.list(all=True, ignore_removed=True))


def occupy(there: Town, room: str) -> None:
    """Remove the container of the agent in *room*; have a stranger's under the name that the next will want."""
    with closing(there.client()) as client:
        (container,) = containers_of(there, client, room)
        name = container.name
        container.remove(force=True)
        client.containers.run(
            TEST_IMAGE, ["sleep", "1000"], name=name, labels=STRANGER, detach=True, network_mode="none"
        )
