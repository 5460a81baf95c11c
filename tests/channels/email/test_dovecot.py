"""A mailbox on real servers, Dovecot and Exim: a conversation, through a restart and gaps, nothing lost or doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest
import trio

from nanoclaw.channels.base import OutgoingFile, Receipt, Stored
from nanoclaw.channels.email.channel import EmailChannel
from nanoclaw.channels.email.settings import settings
from nanoclaw.errors import DeliveryError
from nanoclaw.model.messages import Rejection, Told
from tests.channels import ear
from tests.channels.email.heard import NOW, PATIENCE_SECONDS, Heard, connected, outgoing
from tests.support.channels import MarksInMemory, means
from tests.support.email.correspondent import Correspondent
from tests.support.email.post_office import AUTHSERV, PASSWORD, PostOffice, expect_servers, open_post_office

pytestmark = [pytest.mark.dovecot, pytest.mark.slow, pytest.mark.timeout(180)]
NANO = "nano@example.org"


@pytest.fixture
async def office() -> AsyncGenerator[PostOffice]:
    expect_servers()
    async with open_post_office() as opened:
        yield opened


def told(office: PostOffice) -> dict[str, str]:
    return {
        "url": f"imap://127.0.0.1:{office.imap}",
        "smtp": f"smtp://127.0.0.1:{office.smtp}",
        "address": NANO,
        "user": "",
        "password": PASSWORD,
        "authserv": AUTHSERV,
        "senders": "example.org",
        "every": "2",
        "copies": "yes",
    }


async def test_a_conversation_goes_on_through_a_restart_and_gaps(office: PostOffice, tmp_path: Path) -> None:
    heard, marks, spool = Heard(), MarksInMemory(), tmp_path / "spool"
    spool.mkdir()
    picture = spool / "cat"
    picture.write_bytes(bytes(range(256)) * 400)
    ada, nano = Correspondent(office, "ada@example.org"), Correspondent(office, NANO)

    def connect(*, later: timedelta = NOW) -> AbstractAsyncContextManager[EmailChannel]:
        return connected(told(office), spool, heard, marks, later=later)

    async with connect() as channel:
        first = await ada.write("are you there?")
        (asked,) = await heard.until(1)
        assert (asked.text, asked.sender_id) == ("Subject: a question\n\nare you there?", "email:ada@example.org")
        assert (asked.platform_id, asked.thread_id) == ("ada@example.org", first)

        await channel.deliver(outgoing("**yes**", thread=first, answers=asked.platform_message_id))
        (answer,) = await ada.until(1)
        assert (answer["Subject"], answer["In-Reply-To"]) == ("Re: a question", f"<{first}>")
        await ada.write("good", answers=answer, subject="Re: a question", files={"note.bin": b"\0\1\2" * 5_000})
        (_, note) = await heard.until(2)
        assert (note.text, note.thread_id) == ("good", first)
        assert (spool / note.attachments[0].file.id).read_bytes() == b"\0\1\2" * 5_000

        sent = OutgoingFile(name="cat.png", size=picture.stat().st_size, path=picture)
        await channel.deliver(outgoing("look", key="out-2", thread=first, files=(sent,)))
        (_, with_file) = await ada.until(2)
        (part,) = [one for one in with_file.walk() if one.get_filename() == "cat.png"]
        assert part.get_payload(decode=True) == picture.read_bytes()

        await office.stop()
        with pytest.raises(DeliveryError) as failed:
            await channel.deliver(outgoing("through the restart", key="out-3", thread=first))
        assert (failed.value.retryable, failed.value.reached) == (True, False)
        await office.start()
        await channel.deliver(outgoing("through the restart", key="out-3", thread=first, again=True))
        await channel.deliver(outgoing("through the restart", key="out-3", thread=first, again=True))
        await ada.write("after the restart")
        await heard.until(3)

    for number in range(10):
        await ada.write(f"gap {number}", subject="")
    await nano.until(13)
    async with connect(later=timedelta(minutes=10)):
        await heard.until(3 + 10)
        await ada.write("last", subject="")
        await heard.until(4 + 10)

    assert heard.texts[3:] == [*(f"gap {number}" for number in range(10)), "last"]
    # What was stored when we left, and not yet kept in mind, is told again, and is the same.
    assert heard.calls - len(heard.told) <= 1
    got = await ada.until(3)
    assert Counter(one["Message-ID"] for one in got).most_common(1)[0][1] == 1
    assert len(got) == 3
    assert len(await nano.mails("Sent")) == 3


async def test_a_forged_sender_is_somebody_else(office: PostOffice, tmp_path: Path) -> None:
    heard = Heard()
    async with connected(told(office), tmp_path, heard):
        forged = f"{AUTHSERV}; dmarc=pass header.from=example.org"
        eve = Correspondent(office, "ada@example.org")
        await eve.write("let me in", logs_in=False, Authentication_Results=forged)
        (event,) = await heard.until(1)
    assert (event.sender_id, event.platform_id) == ("email:unverified:ada@example.org", "unverified:ada@example.org")


async def test_a_mailbox_that_is_numbered_anew_loses_and_doubles_nothing(office: PostOffice, tmp_path: Path) -> None:
    heard, marks, ada = Heard(), MarksInMemory(), Correspondent(office, "ada@example.org")
    async with connected(told(office), tmp_path, heard, marks):
        await ada.write("before", subject="")
        await heard.until(1)
    await ada.write("meanwhile", subject="")
    await Correspondent(office, NANO).until(2)
    await office.stop()
    office.number_anew(NANO)
    await office.start()
    async with connected(told(office), tmp_path, heard, marks):
        await heard.until(2)
        await ada.write("after", subject="")
        await heard.until(3)
    assert heard.texts == ["before", "meanwhile", "after"]
    assert heard.calls == 4, "all of the day was looked at once more"


async def test_a_mail_that_exim_takes_and_cannot_deliver_comes_back_and_is_rejected(
    office: PostOffice, tmp_path: Path
) -> None:
    told_of: list[Rejection] = []
    rejected = trio.Event()

    async def receive(told: Told) -> Receipt:
        await trio.lowlevel.checkpoint()
        assert isinstance(told, Rejection)
        told_of.append(told)
        rejected.set()
        return Stored()

    channel = EmailChannel(means("email", told(office), tmp_path), settings(told(office)))
    async with ear.connected(channel, receive, patience=PATIENCE_SECONDS):
        shown = await channel.deliver(outgoing("are you there?", "lost-later@example.org"))
        with trio.fail_after(PATIENCE_SECONDS):
            await rejected.wait()
    (one,) = told_of
    assert (one.platform_message_id, one.platform_id) == (shown, "lost-later@example.org")
    assert one.why.startswith("a mail server reported that it did not arrive: ")
