"""What a Matrix account says, and what becomes of it when its homeserver is ill."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import attrs
import pytest
from attrs import frozen

from nanoclaw.channels.base import OutgoingFile
from nanoclaw.channels.matrix.channel import MatrixChannel
from nanoclaw.core.speech import ShowEdit, ShowReaction
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import UserId
from nanoclaw.model.messages import Address
from tests.channels.matrix.heard import Heard, connected, outgoing
from tests.support.fake_http import Fault, Reply, Reset
from tests.support.matrix.homeserver import ME, Homeserver, open_homeserver, trouble

HALL = "!hall:example.org"
SEND = "/send/m.room.message"


@frozen
class World:
    """A channel and its homeserver."""

    server: Homeserver
    channel: MatrixChannel


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with open_homeserver() as server:
        server.make_room(HALL)
        async with connected(server.url, tmp_path, Heard()) as channel:
            yield World(server, channel)


async def test_an_agent_speaks_with_looks_and_the_host_sign_for_sign_and_nobody_is_notified(world: World) -> None:
    await world.channel.deliver(outgoing("**hi** @room @ada:example.org <b>"))
    await world.channel.deliver(outgoing("**hi** <@room>", key="out-2", speaker=None))
    agent, host = world.server.shown(HALL)
    assert (agent.html or "").startswith("<p><strong>hi</strong>")
    assert "<b>" not in (agent.html or "")
    assert (host.text, host.html) == ("**hi** <@room>", None)
    assert agent.mentions == host.mentions == {}


async def test_a_second_attempt_is_the_same_message(world: World) -> None:
    first = await world.channel.deliver(outgoing("hello", key="out-1/2"))
    second = await world.channel.deliver(attrs.evolve(outgoing("hello", key="out-1/2"), again=True))
    assert first == second
    assert [one.text for one in world.server.shown(HALL)] == ["hello"]


async def test_an_answer_a_thread_a_change_and_a_reaction_go_where_they_belong(world: World) -> None:
    asked = world.server.said(HALL, "who?")
    answer = await world.channel.deliver(outgoing("me", answers=asked))
    await world.channel.deliver(outgoing("in the thread", key="out-2", thread=asked, answers=asked))
    assert answer is not None
    await world.channel.deliver(outgoing("us", key="out-3", native=ShowEdit(platform_message_id=answer)))
    reaction = ShowReaction(platform_message_id=answer, emoji="👍", quoted="me")
    await world.channel.deliver(outgoing("👍", key="out-4", native=reaction))
    first, second = world.server.shown(HALL)
    assert (first.text, first.reactions) == ("us", ("👍",))
    assert (second.thread, second.answers) == (asked, asked)


async def test_a_file_is_brought_and_shown_as_what_it_is(world: World, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"meow")
    file = OutgoingFile(name="cat.png", size=4, path=path)
    await world.channel.deliver(outgoing("", files=(file,)))
    (shown,) = world.server.shown(HALL)
    assert (shown.text, shown.file) == ("cat.png", b"meow")


@pytest.mark.parametrize(
    ("fault", "retryable", "reached", "retry_after"),
    [
        (trouble(429, "M_LIMIT_EXCEEDED", "Too many requests", retry_after_ms=1_500), True, False, 1.5),
        (Reply(status=429, headers={"retry-after": "7"}), True, False, 7.0),
        (Reply(status=502), True, True, None),
        (Reset(), True, True, None),
        (Reset(accept=True), True, True, None),
        (trouble(403, "M_FORBIDDEN", "not in the room"), False, False, None),
        (trouble(413, "M_TOO_LARGE", "event too large"), False, False, None),
        (trouble(401, "M_UNKNOWN_TOKEN", "Invalid access token"), False, False, None),
    ],
)
async def test_a_failure_says_what_it_means(
    world: World, fault: Fault, retryable: bool, reached: bool, retry_after: float | None
) -> None:
    world.server.http.fail(SEND, fault)
    with pytest.raises(DeliveryError) as failed:
        await world.channel.deliver(outgoing("hello"))
    assert (failed.value.retryable, failed.value.reached) == (retryable, reached)
    assert failed.value.retry_after == (None if retry_after is None else pytest.approx(retry_after))
    if retryable and retry_after is None:
        await world.channel.deliver(attrs.evolve(outgoing("hello"), again=True))
        assert [one.text for one in world.server.shown(HALL)] == ["hello"]


async def test_one_room_that_has_to_wait_holds_up_no_other(world: World) -> None:
    other = world.server.make_room("!other:example.org")
    world.server.http.fail(SEND, trouble(429, "M_LIMIT_EXCEEDED", "slow down", retry_after_ms=60_000))
    with pytest.raises(DeliveryError):
        await world.channel.deliver(outgoing("hello"))
    await world.channel.deliver(outgoing("hello", other, key="out-2"))
    assert [one.text for one in world.server.shown(other)] == ["hello"]


async def test_looks_that_the_server_refuses_are_left_away(world: World) -> None:
    world.server.http.fail(SEND, trouble(400, "M_BAD_JSON", "bad html"))
    await world.channel.deliver(outgoing("**hi**"))
    (shown,) = world.server.shown(HALL)
    assert (shown.text, shown.html) == ("**hi**", None)


async def test_nothing_is_said_in_the_open_where_the_room_is_encrypted(world: World) -> None:
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    world.server.event(HALL, "@ada:example.org", "m.room.encryption", algorithm, state_key="")
    with pytest.raises(DeliveryError, match="encrypted") as failed:
        await world.channel.deliver(outgoing("secret"))
    assert not failed.value.retryable
    assert world.server.shown(HALL) == []


async def test_a_room_for_two_is_found_again_and_never_one_with_a_third(world: World) -> None:
    ada = UserId("matrix:@ada:example.org")
    made = await world.channel.open_direct_messages(ada)
    assert made is not None
    assert await world.channel.open_direct_messages(ada) == made
    world.server.member(made, "@eve:example.org", "invite", by="@ada:example.org")
    assert await world.channel.open_direct_messages(ada) not in {None, made}
    assert await world.channel.open_direct_messages(UserId(f"matrix:{ME}")) is None
    assert await world.channel.open_direct_messages(UserId("matrix:ada")) is None


async def test_somebody_is_seen_to_write(world: World) -> None:
    await world.channel.show_typing(Address(channel=world.channel.name, platform_id=HALL))
    assert world.server.typing == [HALL]


async def test_a_text_is_as_long_as_what_is_sent_for_it(world: World) -> None:
    assert world.channel.measure("a" * 100) - world.channel.measure("a" * 50) >= 50
    assert world.channel.measure("é" * 10) > world.channel.measure("e" * 10)
    assert world.channel.measure("<" * 6_000) > world.channel.limits.text
