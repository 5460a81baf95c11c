"""AT-29, webhooks: calls over real sockets, good and bad; what is kept, what is refused unread, and who is cut off."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from nanoclaw.channels.base import NotHeard, Outgoing
from nanoclaw.channels.registry import load
from nanoclaw.channels.webhook.channel import WebhookChannel
from nanoclaw.channels.webhook.server import Bounds
from nanoclaw.channels.webhook.signatures import MOST_BODY
from nanoclaw.errors import DeliveryError, StoreError, UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address
from tests.channels.webhook import calls
from tests.channels.webhook.calls import ISSUE, JSON, SECRET, SETTING, SOURCES, by_github, by_standard, written
from tests.channels.webhook.wire import PATIENCE, House, Wire, answer, webhooks
from tests.support.channels import means

OPENED = written(calls.github("opened", issue=ISSUE))
TEXT = written({"text": "all is well"})
SHORT = Bounds(head=0.2, body=0.2, take=0.2)


async def test_a_call_is_answered_once_it_is_stored_and_again_it_is_the_same_event() -> None:
    house = House(script=[go := trio.Event()])
    async with webhooks(house) as there:
        answers: list[tuple[int, str]] = []

        async def call() -> None:
            answers.append(await there.call("/hooks/repo?x=1", by_github(OPENED), OPENED))

        async with trio.open_nursery() as calling:
            calling.start_soon(call)
            await house.waits.wait()
            await wait_all_tasks_blocked(0.05)
            assert (answers, house.heard) == ([], []), "nobody is told that it is stored before it is"
            go.set()
        await call()
        assert answers == [(200, "stored")] * 2
        one, again = house.heard
        assert one == again
        assert one.platform_message_id.startswith("repo/")
        assert (one.chat_name, one.sender_id, one.mention) == ("repo (GitHub)", "hook:repo", True)
        assert there.channel.health().heard is not None


async def test_what_comes_of_a_call_is_what_its_caller_is_told() -> None:
    house = House(script=[NotHeard("no-wiring", "x"), StoreError("full")])
    async with webhooks(house) as there:
        asked = partial(there.call, "/hooks/ci", by_standard(TEXT), TEXT)
        assert await asked() == (200, "recorded; no agent hears this source")
        assert await asked() == (503, "it could not be stored just now")
        assert await asked() == (200, "stored")
        ping = written({"zen": "x"})
        assert (await there.call("/hooks/repo", by_github(ping, "ping"), ping))[0] == 200
        assert len(house.heard) == 2


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/hooks/repo", JSON, 401),
        ("/hooks/repo", by_github(OPENED, secret=SECRET[::-1]), 401),
        ("/hooks/repo", {**by_github(OPENED), "content-type": "text/xml"}, 415),
        ("/hooks/repo", {**by_github(OPENED), "content-encoding": "gzip"}, 415),
        ("/hooks/other", by_github(OPENED), 404),
        ("/hooks/ci", by_standard(OPENED, seconds=0), 401),
        ("/hooks/repo", {**by_github(OPENED), "content-length": str(100 << 20)}, 413),
    ],
)
async def test_a_call_that_will_not_do_is_refused(path: str, headers: dict[str, str], status: int) -> None:
    async with webhooks() as there:
        found, said = await there.call(path, headers, OPENED)
        assert found == status
        assert said
        assert SECRET not in said
        assert there.house.heard == []
        assert there.channel.health().heard is None
        assert (await there.call("/hooks/repo", by_github(OPENED), OPENED))[0] == 200


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GET /hooks/repo HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"nonsense\r\n\r\n", 400),
        (b"POST /hooks/repo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /hooks/repo HTTP/1.1\r\nHost: x\r\nX: " + b"x" * (20 << 10), 431),
        (b"POST /hooks/repo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
async def test_what_is_no_call_is_refused(said: bytes, status: int) -> None:
    async with webhooks() as there:
        assert (await there.say(said))[0] == status


async def test_a_signature_that_is_said_twice_is_none() -> None:
    async with webhooks() as there:
        said = by_github(OPENED)
        twice = {**said, "X-Hub-Signature-256": said["x-hub-signature-256"]}
        assert (await there.call("/hooks/repo", twice, OPENED))[0] == 401


async def test_a_body_without_a_length_is_heard_up_to_its_bound_and_no_further() -> None:
    async with webhooks() as there:
        for body, status in ((OPENED, 200), (b"x" * (MOST_BODY + 1), 413)):
            head = "".join(f"{name}: {value}\r\n" for name, value in by_github(body).items())
            start = f"POST /hooks/repo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n{head}\r\n".encode()
            chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            assert (await there.say(start + chunk))[0] == status


async def test_who_waits_for_leave_to_go_on_is_given_it_after_the_head_was_judged() -> None:
    async with webhooks() as there, await there.connect() as stream:
        head = {"host": "x", "content-length": str(len(TEXT)), "expect": "100-continue", **by_standard(TEXT)}
        said = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        await stream.send_all(f"POST /hooks/ci HTTP/1.1\r\n{said}\r\n".encode())
        assert bytes(await stream.receive_some(100)).startswith(b"HTTP/1.1 100 ")
        await stream.send_all(TEXT)
        assert await answer(stream) == (200, "stored")


@pytest.mark.parametrize(
    "said", [b"", b"POST /hooks/repo HTT", b"POST /hooks/repo HTTP/1.1\r\nHost: x\r\nX: y", b"BODY"]
)
async def test_whoever_says_nothing_more_is_cut_off_with_a_word(said: bytes) -> None:
    async with webhooks(bounds=SHORT) as there:
        if said == b"BODY":
            head = "".join(f"{name}: {value}\r\n" for name, value in by_github(OPENED).items())
            said = f"POST /hooks/repo HTTP/1.1\r\nhost: x\r\ncontent-length: 999\r\n{head}\r\n".encode() + OPENED
        async with await there.connect() as stream:
            await stream.send_all(said)
            assert await answer(stream) == (408, "this took too long")
        assert there.house.heard == []


async def test_a_store_that_takes_too_long_is_told_so_and_the_call_may_come_again() -> None:
    async with webhooks(House(script=[trio.Event()]), bounds=SHORT) as there:
        assert (await there.call("/hooks/ci", by_standard(TEXT), TEXT))[0] == 503
        assert (await there.call("/hooks/ci", by_standard(TEXT), TEXT))[0] == 200


async def test_many_who_keep_their_connections_hold_up_a_good_one_for_no_longer_than_a_head_may_take() -> None:
    bounds = Bounds(connections=8, head=0.3)
    before = descriptors()
    async with webhooks(bounds=bounds) as there:
        async with trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(_hold, there)
            await trio.sleep(0.1)
            with trio.fail_after(PATIENCE):
                assert (await there.call("/hooks/ci", by_standard(TEXT), TEXT))[0] == 200
        assert len(there.house.heard) == 1
        assert (await there.call("/hooks/ci", by_standard(TEXT, "msg_2"), TEXT))[0] == 200
    assert descriptors() <= before + 1


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def _hold(there: Wire) -> None:
    async with await there.connect() as stream:
        await stream.send_all(b"POST /hooks/ci HTTP/1.1\r\n")
        assert (await answer(stream))[0] in (0, 408)


async def test_nothing_can_be_said_to_a_webhook() -> None:
    channel = WebhookChannel(ChannelName("hook"), "127.0.0.1", 0, SOURCES, SystemClock())
    to = Address(channel=channel.name, platform_id="repo")
    with pytest.raises(DeliveryError, match="nothing can be said to it") as refused:
        await channel.deliver(Outgoing(key="k", to=to, text="hello", answers=None, speaker="Nano", more=False))
    assert not refused.value.retryable


async def test_a_port_that_is_taken_is_trouble_and_no_end_of_the_house() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = int(taken.getsockname()[1])
        channel = WebhookChannel(ChannelName("hook"), "127.0.0.1", port, SOURCES, SystemClock())
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(channel.run, House().receive, ready=lambda: None))
            assert f"port {port}" in channel.health().why
            assert channel.port is None
            nursery.cancel_scope.cancel()


async def test_the_kind_says_what_to_set_at_the_other_ends_and_refuses_what_makes_no_sense(tmp_path: Path) -> None:
    kind = load("webhook")
    checked = await kind.check(means("hook", {"url": "http://127.0.0.1:8399", "sources": SETTING}, tmp_path))
    assert checked.account == "3 sources at 127.0.0.1 port 8399"
    assert "http://127.0.0.1:8399/hooks/repo" in checked.notes[0]
    assert SECRET not in str(checked)
    for url in ("https://x.example", "http://x.example:1", "127.0.0.1:80", "http://127.0.0.1:1/x", "http://[::1", ""):
        with pytest.raises(UsageError, match="the url says where"):
            kind.make(means("hook", {"url": url, "sources": SETTING}, tmp_path))
    with pytest.raises(UsageError, match="does not let us hear"):
        await kind.check(means("hook", {"url": "http://192.0.2.1:8399", "sources": SETTING}, tmp_path))
