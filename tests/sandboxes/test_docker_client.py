"""docker-py at the boundary: what comes over a socket, and as which of the few outcomes it goes on."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trio

from nanoclaw.core.sandbox_check import EngineFacts
from nanoclaw.core.sandbox_settle import Labels
from nanoclaw.core.sandbox_spec import Image
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.sandboxes.docker_api import (
    ConflictError,
    Container,
    ContainerId,
    Daemon,
    Ended,
    LogLine,
    NoAnswerError,
    NotThereError,
    RefusedError,
    State,
)
from nanoclaw.sandboxes.docker_client import MOST_REQUESTS, DockerClient
from tests.support.stub_daemon import Answer, StubDaemon, frame, hangs_up, says, streams, stub_daemon

ONE = ContainerId("c1")


@contextmanager
def daemon(folder: Path, **answers: Answer) -> Iterator[tuple[DockerClient, StubDaemon]]:
    """A client of a stub that answers paths by the name of what they are about."""
    paths = {"containers": "/containers/", "events": "/events", "images": "/images/", "info": "/info"}
    with stub_daemon(folder / "docker.sock", {paths[name]: answer for name, answer in answers.items()}) as stub:
        client = DockerClient(stub.url)
        with closing(client):
            yield client, stub


REQUESTS: list[Callable[[DockerClient], Awaitable[object]]] = [
    lambda client: client.create("name", {}),
    lambda client: client.start(ONE),
    lambda client: client.inspect(ONE),
    lambda client: client.signal(ONE, "SIGTERM"),
    lambda client: client.pause(ONE),
    lambda client: client.unpause(ONE),
    lambda client: client.remove(ONE),
    lambda client: client.containers({}),
    lambda client: client.logs(ONE, since=None, most_bytes=10),
]


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says(404, {"message": "no such thing"}), NotThereError),
        (says(409, {"message": "in the way"}), ConflictError),
        (says(400, {"message": "what?"}), RefusedError),
        (says(500, {"message": "no space"}), RefusedError),
        (says(503, {"message": "going down"}), NoAnswerError),
        (hangs_up, NoAnswerError),
        (lambda _: None, NoAnswerError),
    ],
    ids=["404", "409", "400", "500", "503", "half", "nothing"],
)
async def test_whatever_goes_wrong_is_one_of_four_things(
    tmp_path: Path, request_: Callable[[DockerClient], Awaitable[object]], answer: Answer, expected: type[Exception]
) -> None:
    with daemon(tmp_path, containers=answer) as (client, _), pytest.raises(expected):
        await request_(client)


async def test_the_daemons_own_words_are_passed_on(tmp_path: Path) -> None:
    answer = says(500, {"message": "no space left on device"})
    with (
        daemon(tmp_path, containers=answer) as (client, _),
        pytest.raises(RefusedError, match=r"^no space left"),
    ):
        await client.start(ONE)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_daemon_that_is_not_there_gives_no_answer_and_one_that_comes_back_does(tmp_path: Path) -> None:
    client = DockerClient(f"unix://{tmp_path}/docker.sock")
    with pytest.raises(NoAnswerError):
        await client.containers({})
    with daemon(tmp_path, containers=says(200, [])), closing(client):
        assert await client.containers({}) == ()
    # docker-py leaves a socket that could not connect to the collector, which warns of it: here and nowhere else.
    gc.collect()


async def test_what_is_asked_for_is_sent_as_it_is(tmp_path: Path) -> None:
    body = {"Image": "sha256:1", "Env": ["A=b"], "Labels": {"a": "b"}}
    with daemon(tmp_path, containers=says(201, {"Id": "c1", "Warnings": []})) as (client, stub):
        assert await client.create("name", body) == ONE
        assert stub.asked[-1] == "POST /containers/create"
        assert json.loads(stub.bodies[-1]) == body


async def test_containers_are_listed_with_what_their_labels_say(tmp_path: Path) -> None:
    labels = {"nanoclaw.install": "h", "nanoclaw.session": "s", "nanoclaw.epoch": "3", "nanoclaw.spec": "d"}
    found = [
        {"Id": "c1", "Labels": labels, "State": "running"},
        {"Id": "c2", "Labels": {"nanoclaw.epoch": "٣"}, "State": "stopped"},
        {"Id": "c3", "Labels": None, "State": "configured"},
    ]
    with daemon(tmp_path, containers=says(200, found)) as (client, _):
        assert await client.containers({"a": "b"}) == (
            Container(
                id=ONE,
                labels=Labels(install="h", session=SessionId("s"), epoch=EpochNumber(3), spec="d"),
                state=State.RUNNING,
            ),
            Container(id=ContainerId("c2"), labels=Labels(), state=State.EXITED),
            Container(id=ContainerId("c3"), labels=Labels(), state=State.CREATED),
        )


async def test_an_image_is_its_id_and_what_it_would_set(tmp_path: Path) -> None:
    found = {"Id": "sha256:1", "Config": {"Env": ["PATH=/bin", "GPG_KEY=x=y"], "Labels": {"a": "b"}}}
    with daemon(tmp_path, images=says(200, found)) as (client, _):
        assert await client.image("nano") == Image(id="sha256:1", environment=("PATH", "GPG_KEY"), labels={"a": "b"})


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        ([{"Name": "Engine", "Version": "29.0.0"}, {"Name": "runc", "Version": "1.3.3"}], (True, "1.3.3")),
        ([{"Name": "Podman Engine", "Version": "5.0"}, {"Name": "OCI Runtime (crun)", "Version": "1"}], (False, None)),
        (
            [{"Name": "Podman Engine"}, {"Name": "OCI Runtime (/bin/runc)", "Version": "runc version 1.1.5\ngo: go1"}],
            (False, "1.1.5"),
        ),
        (None, (True, None)),
    ],
    ids=["docker", "podman", "podman with runc", "old"],
)
async def test_who_answers_is_told_apart(
    tmp_path: Path, components: list[dict[str, str]] | None, expected: tuple[bool, str | None]
) -> None:
    version = {"ApiVersion": "1.41", "Version": "29.0.0", "Components": components}
    info = {"DefaultRuntime": "runc", "SwapLimit": False}
    answers = {"/version": says(200, version), "/info": says(200, info)}
    with stub_daemon(tmp_path / "d", answers) as stub, closing(DockerClient(stub.url)) as client:
        assert await client.daemon() == Daemon(
            version="29.0.0",
            is_docker=expected[0],
            runc=expected[1],
            facts=EngineFacts(runtime="runc", limits_swap=False),
        )


async def test_a_log_is_read_line_by_line_up_to_its_bound(tmp_path: Path) -> None:
    at = "2026-11-26T05:08:32.738291690Z"
    frames = [
        frame(f"{at} {text}\n".encode(), stream=stream) for text, stream in (("one", 1), ("two", 2), ("three", 1))
    ]
    inspected = says(200, {"Config": {"Tty": False}})
    answers = {"/containers/c1/json": inspected, "/containers/c1/logs": streams(b"".join(frames))}
    with stub_daemon(tmp_path / "d", answers) as stub, closing(DockerClient(stub.url)) as client:
        lines = await client.logs(ONE, since=at, most_bytes=1000)
        assert lines == tuple(LogLine(at=at, text=text) for text in (b"one\n", b"two\n", b"three\n"))
        assert len(await client.logs(ONE, since=None, most_bytes=5)) == 2


def event(action: str, **more: object) -> bytes:
    return json.dumps({"Type": "container", "Action": action, "Actor": {"ID": "c1", **more}}).encode() + b"\n"


async def test_ends_are_heard_and_nothing_else_until_the_stream_breaks(tmp_path: Path) -> None:
    told = [
        event("die", Attributes={"exitCode": "137"}),
        event("died", Attributes={}),
        event("exec_die"),
        event("start"),
        event("destroy"),
        json.dumps({"Type": "network", "Action": "die", "Actor": {"ID": "n"}}).encode() + b"\n",
    ]
    heard: list[Ended] = []
    connected: list[bool] = []
    with daemon(tmp_path, events=streams(*told)) as (client, _), pytest.raises(NoAnswerError):
        await client.listen({"a": "b"}, heard.append, lambda: connected.append(True))
    assert heard == [Ended(container=ONE, exit_code=code) for code in (137, None, None)]
    assert connected == [True]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (streams(b"{nonsense}\n"), NoAnswerError),
        (says(500, {"message": "no"}), RefusedError),
        (hangs_up, NoAnswerError),
        (lambda _: None, NoAnswerError),
    ],
    ids=["nonsense", "500", "half", "nothing"],
)
async def test_what_is_no_event_breaks_the_stream(tmp_path: Path, answer: Answer, expected: type[Exception]) -> None:
    with daemon(tmp_path, events=answer) as (client, _), pytest.raises(expected):
        await client.listen({}, lambda _: None, lambda: None)


async def test_a_stream_that_is_silent_can_be_left(tmp_path: Path) -> None:
    left = threading.Event()
    with daemon(tmp_path, events=streams(event("start"), then=lambda: left.wait(10))) as (client, _):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.listen, {}, lambda _: None, nursery.cancel_scope.cancel)
        left.set()


async def test_a_daemon_that_hangs_takes_so_many_threads_and_no_more_and_nobody_has_to_wait(tmp_path: Path) -> None:
    left = threading.Event()

    def hang(_: object) -> None:
        left.wait(10)

    with daemon(tmp_path, containers=hang) as (client, stub):
        with trio.move_on_after(0.5) as scope:
            async with trio.open_nursery() as nursery:
                for _ in range(3 * MOST_REQUESTS):
                    nursery.start_soon(client.containers, {})
        assert scope.cancelled_caught
        assert stub.asked.count("GET /containers/json") <= MOST_REQUESTS
        left.set()
