"""What a Matrix account hears, over real HTTP from a fake homeserver."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import trio

from nanoclaw.model.messages import InboundEvent, Revision, RevisionKind
from tests.channels.matrix.heard import Heard, connected
from tests.support.channels import MarksInMemory
from tests.support.fake_http import Reply
from tests.support.matrix.homeserver import ME, Homeserver, open_homeserver, trouble


@pytest.fixture
async def server() -> AsyncGenerator[Homeserver]:
    async with open_homeserver() as opened:
        yield opened


async def test_what_is_said_is_told_with_who_said_it_and_where(server: Homeserver, tmp_path: Path) -> None:
    heard = Heard()
    room = server.make_room("!hall:example.org", "@ada:example.org", "@bob:example.org", name="The hall")
    server.said(room, "before our time")
    async with connected(server.url, tmp_path, heard):
        event = server.said(room, "hello")
        (told,) = await heard.until(1)
    assert isinstance(told, InboundEvent)
    assert (told.platform_id, told.platform_message_id, told.text) == (room, event, "hello")
    assert (told.sender_id, told.chat_name) == ("matrix:@ada:example.org", "The hall")
    assert told.is_group
    assert not told.mention


async def test_in_a_room_of_two_we_are_always_meant_until_a_third_is_asked_in(
    server: Homeserver, tmp_path: Path
) -> None:
    heard = Heard()
    room = server.make_room()
    async with connected(server.url, tmp_path, heard):
        server.said(room, "one")
        await heard.until(1)
        server.member(room, "@eve:example.org", "invite", by="@ada:example.org")
        server.said(room, "two")
        told = await heard.until(2)
    assert [(one.is_group, one.mention) for one in told if isinstance(one, InboundEvent)] == [
        (False, True),
        (True, False),
    ]


async def test_a_change_and_a_taking_back_are_told_as_such(server: Homeserver, tmp_path: Path) -> None:
    heard = Heard()
    room = server.make_room()
    async with connected(server.url, tmp_path, heard):
        event = server.said(room, "helo")
        await heard.until(1)
        server.edited(room, event, "hello")
        await heard.until(2)
        server.taken_back(room, event)
        _, edit, deletion = await heard.until(3)
    assert isinstance(edit, Revision)
    assert isinstance(deletion, Revision)
    assert (edit.kind, edit.platform_message_id, edit.text) == (RevisionKind.EDIT, event, "hello")
    assert (deletion.kind, deletion.platform_message_id) == (RevisionKind.DELETION, event)


async def test_what_was_said_while_nobody_heard_it_is_told_in_order_once_and_no_older_talk(
    server: Homeserver, tmp_path: Path
) -> None:
    heard, marks = Heard(), MarksInMemory()
    room = server.make_room()
    server.said(room, "long ago")
    async with connected(server.url, tmp_path, heard, marks=marks):
        server.said(room, "first")
        await heard.until(1)
    for number in range(250):
        server.said(room, f"gap {number}")
    async with connected(server.url, tmp_path, heard, marks=marks):
        await heard.until(251)
        server.said(room, "last")
        await heard.until(252)
    assert heard.texts == ["first", *(f"gap {number}" for number in range(250)), "last"]


async def test_the_mark_is_kept_only_after_all_is_stored(server: Homeserver, tmp_path: Path) -> None:
    heard, marks = Heard(), MarksInMemory()
    room = server.make_room()
    async with connected(server.url, tmp_path, heard, marks=marks):
        heard.hold = trio.Event()
        before = dict(marks.kept)
        server.said(room, "hello")
        await heard.called(1)
        assert marks.kept == before
    heard.hold = None
    async with connected(server.url, tmp_path, heard, marks=marks):
        await heard.until(1)
    assert heard.texts == ["hello"]


async def test_connections_that_are_cut_and_servers_that_are_ill_lose_nothing(
    server: Homeserver, tmp_path: Path
) -> None:
    heard = Heard()
    room = server.make_room()
    async with connected(server.url, tmp_path, heard):
        await server.drop()
        server.http.fail("GET /_matrix/client/v3/sync", Reply(status=502, body=b"<html>bad gateway"))
        server.said(room, "hello")
        await heard.until(1)
        server.http.fail("/sync", trouble(429, "M_LIMIT_EXCEEDED", "Too many requests", retry_after_ms=50))
        server.said(room, "again")
        await heard.until(2)
    assert heard.texts == ["hello", "again"]


async def test_a_room_is_entered_when_somebody_asks_us_in_who_may(server: Homeserver, tmp_path: Path) -> None:
    heard = Heard()
    async with connected(server.url, tmp_path, heard, invites="@ada:example.org"):
        server.member("!no:example.org", "@eve:example.org")
        server.member("!no:example.org", ME, "invite", by="@eve:example.org")
        server.member("!yes:example.org", "@ada:example.org")
        server.said("!yes:example.org", "not for us")
        server.member("!yes:example.org", ME, "invite", by="@ada:example.org")
        server.said("!yes:example.org", "are you there?")
        await heard.until(1)
    assert heard.texts == ["are you there?"]
    assert server.membership("!no:example.org", ME) == "invite"


async def test_an_invitation_that_is_allowed_later_is_followed_then(server: Homeserver, tmp_path: Path) -> None:
    heard, marks = Heard(), MarksInMemory()
    server.member("!yes:example.org", "@ada:example.org")
    server.member("!yes:example.org", ME, "invite", by="@ada:example.org")
    async with connected(server.url, tmp_path, heard, marks=marks, invites="nobody.example"):
        pass
    async with connected(server.url, tmp_path, heard, marks=marks, invites="example.org"):
        await server.http.until(lambda: server.membership("!yes:example.org", ME) == "join")
        server.said("!yes:example.org", "welcome")
        await heard.until(1)
    assert heard.texts == ["welcome"]


async def test_an_encrypted_room_is_told_once_that_it_is_not_heard(server: Homeserver, tmp_path: Path) -> None:
    heard, marks = Heard(), MarksInMemory()
    room = server.make_room()
    server.event(room, "@ada:example.org", "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}, state_key="")
    other = server.make_room("!open:example.org")
    for life in range(2):
        async with connected(server.url, tmp_path, heard, marks=marks):
            server.event(room, "@ada:example.org", "m.room.encrypted", {"ciphertext": "…"})
            await server.http.until(lambda: bool(server.shown(room)))
            server.said(other, "done")
            await heard.until(life + 1)
    assert [one.text.partition(",")[0] for one in server.shown(room)] == ["This room is encrypted"]


async def test_a_file_is_fetched_and_one_that_cannot_be_is_named(server: Homeserver, tmp_path: Path) -> None:
    heard = Heard()
    room = server.make_room()
    server.media["mxc://example.org/cat"] = b"meow"
    async with connected(server.url, tmp_path, heard):
        info = {"mimetype": "image/png"}
        server.said(room, "cat.png", msgtype="m.image", url="mxc://example.org/cat", info=info)
        server.said(room, "look", msgtype="m.file", filename="dog.pdf", url="mxc://example.org/gone")
        cat, dog = await heard.until(2)
    assert isinstance(cat, InboundEvent)
    (file,) = cat.attachments
    assert (file.name, file.mime_type, (tmp_path / file.file.id).read_bytes()) == ("cat.png", "image/png", b"meow")
    assert dog.text == "look\n[file 'dog.pdf' is not here: it could not be fetched]"


async def test_plain_talk_in_a_chat_where_nobody_listens_is_not_told(server: Homeserver, tmp_path: Path) -> None:
    heard = Heard()
    room = server.make_room("!hall:example.org", "@ada:example.org", "@bob:example.org")
    async with connected(server.url, tmp_path, heard, engages=False):
        server.said(room, "nothing for you")
        meant: dict[str, Any] = {"m.mentions": {"user_ids": [ME]}}
        server.said(room, "hey", **meant)
        await heard.until(1)
    assert heard.texts == ["hey"]
    assert heard.calls == 1
