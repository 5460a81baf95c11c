"""A Matrix account on a real homeserver: a conversation, through a restart and a gap, nothing lost or doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import trio

from nanoclaw.channels.base import OutgoingFile
from nanoclaw.channels.matrix.channel import MatrixChannel
from nanoclaw.core.speech import ShowEdit, ShowReaction
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import UserId
from nanoclaw.model.messages import InboundEvent, Revision, RevisionKind
from tests.channels.matrix.heard import Heard, connected, outgoing
from tests.channels.matrix.town import Town, open_town
from tests.support.channels import MarksInMemory
from tests.support.matrix.synapse import CLIENT

pytestmark = [pytest.mark.synapse, pytest.mark.slow, pytest.mark.timeout(240)]
PATIENCE_SECONDS = 60.0


@pytest.fixture
async def town(tmp_path: Path) -> AsyncGenerator[Town]:
    async with open_town(tmp_path / "synapse") as town:
        yield town


async def test_a_conversation_goes_on_through_a_restart_and_a_gap(town: Town, tmp_path: Path) -> None:
    server, ada, room = town.server, town.ada, town.room
    heard, marks = Heard(), MarksInMemory()
    spool = tmp_path / "spool"
    spool.mkdir()
    picture = spool / "cat"
    picture.write_bytes(b"meow" * 10_000)

    def connect() -> AbstractAsyncContextManager[MatrixChannel]:
        return connected(server.url, spool, heard, marks=marks, token=town.nano.token, invites=ada.user)

    async with connect() as channel:
        (asked,) = await heard.until(1)
        assert isinstance(asked, InboundEvent)
        assert (asked.text, asked.sender_id, asked.is_group) == ("are you there?", "matrix:@ada:example.org", False)

        answer = await channel.deliver(outgoing("**yes**", room, answers=asked.platform_message_id))
        assert answer is not None
        assert await channel.deliver(outgoing("**yes**", room, answers=asked.platform_message_id)) == answer
        await channel.deliver(outgoing("no", room, key="out-2", native=ShowEdit(platform_message_id=answer)))
        for key in ("out-3", "out-4"):
            reaction = ShowReaction(platform_message_id=answer, emoji="👍", quoted="yes")
            await channel.deliver(outgoing("👍", room, key=key, native=reaction))
        thread = {"rel_type": "m.thread", "event_id": asked.platform_message_id}
        await ada.say(room, "in a thread", **{"m.relates_to": thread})
        await heard.until(2)
        await channel.deliver(outgoing("there too", room, key="out-5", thread=asked.platform_message_id))

        uploaded = await ada.ask("POST", "/_matrix/media/v3/upload?filename=note.txt", {"a": 1})
        file = {"msgtype": "m.file", "body": "note.txt", "url": uploaded["content_uri"]}
        await ada.send(room, file)
        await heard.until(3)
        sent = OutgoingFile(name="cat.png", size=picture.stat().st_size, path=picture)
        await channel.deliver(outgoing("", room, key="out-6", files=(sent,)))

        wrong = await ada.say(room, "helo")
        new = {"msgtype": "m.text", "body": "hello"}
        relation = {"rel_type": "m.replace", "event_id": wrong}
        await ada.say(room, "* hello", **{"m.new_content": new, "m.relates_to": relation})
        await ada.ask("PUT", f"{CLIENT}/rooms/{room}/redact/{wrong}/r1", {})
        await heard.until(6)

        await server.stop()
        with pytest.raises(DeliveryError) as failed:
            await channel.deliver(outgoing("through the restart", room, key="out-7"))
        assert failed.value.retryable
        await server.start()
        await channel.deliver(outgoing("**yes**", room, answers=asked.platform_message_id))
        await channel.deliver(outgoing("through the restart", room, key="out-7"))
        await ada.say(room, "after the restart")
        with trio.fail_after(PATIENCE_SECONDS):
            await heard.until(7)

    for number in range(45):
        await ada.say(room, f"gap {number}")
    async with connect() as channel:
        with trio.fail_after(PATIENCE_SECONDS):
            await heard.until(7 + 45)
        direct = await channel.open_direct_messages(UserId("matrix:@ada:example.org"))
        assert direct is not None
        assert await channel.open_direct_messages(UserId("matrix:@ada:example.org")) == direct
        await ada.say(room, "last")
        await heard.until(8 + 45)

    assert [one.text for one in heard.told[7:]] == [*(f"gap {number}" for number in range(45)), "last"]
    # What was stored when we left, and not yet kept in mind, is told again, and is the same.
    assert heard.calls - len(heard.told) <= 1
    _, in_thread, note, _, edit, deletion = heard.told[:6]
    assert isinstance(in_thread, InboundEvent)
    assert in_thread.thread_id == asked.platform_message_id
    assert isinstance(note, InboundEvent)
    assert (spool / note.attachments[0].file.id).read_bytes() == b'{"a":1}'
    assert isinstance(edit, Revision)
    assert (edit.kind, edit.text, edit.platform_message_id) == (RevisionKind.EDIT, "hello", wrong)
    assert isinstance(deletion, Revision)
    assert deletion.kind is RevisionKind.DELETION
    said = await ada.said(room, town.nano.user)
    assert Counter(one["content"]["body"] for one in said) == Counter(
        ["**yes**", "* no", "there too", "cat.png", "through the restart"]
    )
    assert (said[0]["content"]["formatted_body"], said[0]["content"]["m.mentions"]) == (
        "<p><strong>yes</strong></p>",
        {},
    )
