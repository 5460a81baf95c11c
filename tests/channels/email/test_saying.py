"""What we write: right fields whatever is said, once as far as mail can, and a word for each failure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.base import OutgoingFile
from nanoclaw.channels.email.addresses import mailbox
from nanoclaw.channels.email.composing import Letter, compose, message_id
from nanoclaw.channels.email.parsing import decoded
from nanoclaw.channels.email.smtp import LOCKED_SECONDS
from nanoclaw.channels.registry import load
from nanoclaw.core.notices import plain
from nanoclaw.errors import DeliveryError, UsageError
from nanoclaw.model.ids import ChannelName, UserId
from tests.channels.email.heard import Heard, connected, outgoing
from tests.channels.email.rig import told
from tests.support.channels import MarksInMemory, means
from tests.support.email.mail_host import Fault, MailHost, letter, open_mail_host, read

AT = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


@given(st.text(max_size=150), st.text(max_size=20), st.text(max_size=20))
def test_no_text_begins_a_field_of_its_own(subject: str, speaker: str, text: str) -> None:
    mail = Letter(
        id="own@example.org",
        sender="nano@example.org",
        to="ada@example.org",
        speaker=speaker or None,
        subject=subject,
        text=text,
        references=("first@example.org", "x" * 200 + "@example.org"),
        at=AT,
    )
    raw = compose(mail)
    top = raw.partition(b"\r\n\r\n")[0]
    assert raw.isascii()
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    found = read(raw)
    wanted = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"}
    wanted |= {"In-Reply-To", "References", "MIME-Version", "Content-Type"}
    assert set(found.keys()) - {"Content-Transfer-Encoding"} == wanted
    assert found["References"].split() == ["<first@example.org>", f"<{'x' * 200}@example.org>"]
    assert b"x" * 200 + b"@example.org>" in top, "an id is never cut"
    lines = top.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    broken = {line for line in lines if re.fullmatch(rb"[\w-]+: *", line)} - {b"Subject: "}
    assert not broken, "no field begins with a break"
    assert decoded(found["Subject"].replace("\r\n", "")) == plain(subject, 130)
    named = mailbox(found["From"].replace("\r\n", ""))
    assert named is not None
    assert decoded(named.name) == plain(speaker or "nanoclaw", 60)


def test_a_field_of_several_lines_is_never_written() -> None:
    for to in ("ada@example.org\r\nBcc: eve@example.org", "ada@example.org\0"):
        with pytest.raises(ValueError, match="one line"):
            compose(Letter(id="a@b", sender="n@b", to=to, speaker=None, subject="", text="", at=AT))


def test_the_id_of_a_mail_is_its_keys() -> None:
    one, other = (ChannelName(name) for name in ("email", "email-2"))
    ids = {message_id(*about, "nano@example.org") for about in ((one, "a"), (one, "a/1"), (other, "a"))}
    assert len(ids) == 3
    assert message_id(one, "a", "nano@example.org") in ids


async def test_an_answer_names_what_it_answers_and_keeps_the_subject(tmp_path: Path) -> None:
    heard = Heard()
    async with open_mail_host() as host, connected(told(host), tmp_path, heard) as channel:
        host.arrive(letter("hi", id="a1@example.org", Subject="Lunch"))
        (event,) = await heard.until(1)
        thread = event.thread_id
        shown = await channel.deliver(outgoing("yes", thread=thread, answers=event.platform_message_id))
        await channel.deliver(outgoing("more", key="out-2", thread=thread))
        await channel.deliver(outgoing("# News\nof today", key="out-3"))
        sent = [read(raw) for _, raw in host.sent]
        answer = sent[0]["Message-ID"]
        assert shown == f"{answer.strip('<>')} ada@example.org"
        host.arrive(letter("no", id="a2@example.org", In_Reply_To=answer, Subject="Re: Lunch"))
        assert (await heard.until(2))[1].thread_id == thread, "though it names the last mail alone"
    assert [one["Subject"] for one in sent] == ["Re: Lunch", "Re: Lunch", "News"]
    assert [one["In-Reply-To"] for one in sent] == ["<a1@example.org>", "<a1@example.org>", None]
    assert [one["Auto-Submitted"] for one in sent] == ["auto-replied", "auto-replied", "auto-generated"]
    assert [one.get_content_type() for one in sent[0].walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert [read(one.raw)["Message-ID"] for one in host.copies.mails] == [one["Message-ID"] for one in sent]


async def test_whoever_is_not_verified_is_answered_at_the_address_they_gave(tmp_path: Path) -> None:
    async with open_mail_host() as host, connected(told(host), tmp_path, Heard()) as channel:
        await channel.deliver(outgoing("yes", "unverified:ada@example.org"))
        assert [to for to, _ in host.sent] == ["ada@example.org"]
        with pytest.raises(DeliveryError, match="no address"):
            await channel.deliver(outgoing("yes", "ada@example.org\r\nRCPT TO:<eve@example.org>"))
        assert await channel.open_direct_messages(_user("ada@example.org")) == "ada@example.org"
        assert await channel.open_direct_messages(_user("unverified:ada@example.org")) is None


def _user(name: str) -> UserId:
    return UserId(f"email:{name}")


@pytest.mark.parametrize(
    ("fault", "retryable", "reached"),
    [
        (Fault.LATER, True, False),
        (Fault.BROKEN, True, False),
        (Fault.LATE, True, False),
        (Fault.REFUSED, False, False),
        (Fault.NEVER, False, False),
        (Fault.SILENT, True, True),
        (Fault.LOST, True, True),
        (Fault.CUT, True, True),
    ],
)
async def test_each_failure_says_whether_it_may_have_arrived(
    tmp_path: Path, fault: Fault, retryable: bool, reached: bool
) -> None:
    async with open_mail_host() as host, connected(told(host), tmp_path, Heard()) as channel:
        host.faults.append(fault)
        with pytest.raises(DeliveryError) as failed:
            await channel.deliver(outgoing("yes"))
    assert (failed.value.retryable, failed.value.reached) == (retryable, reached)
    assert host.password not in str(failed.value)


async def test_a_server_that_does_not_let_us_in_is_not_asked_all_the_time(tmp_path: Path) -> None:
    async with open_mail_host() as host, connected(told(host), tmp_path, Heard()) as channel:
        host.password = "changed"  # noqa: S105 - of a mailbox that lives for one test
        with pytest.raises(DeliveryError, match="does not let us in") as failed:
            await channel.deliver(outgoing("yes"))
    assert (failed.value.retryable, failed.value.reached, failed.value.retry_after) == (True, False, LOCKED_SECONDS)


async def test_what_is_in_doubt_is_looked_for_before_it_is_sent_again(tmp_path: Path) -> None:
    async with open_mail_host() as host, connected(told(host), tmp_path, Heard()) as channel:
        first = await channel.deliver(outgoing("yes"))
        assert await channel.deliver(outgoing("yes", again=True)) == first
        assert len(host.sent) == 1, "it is among the copies"
        host.copies.mails.clear()
        assert await channel.deliver(outgoing("yes", again=True)) == first
        assert len(host.sent) == 2, "nobody knows of it"
        ids = {read(raw)["Message-ID"] for _, raw in host.sent}
        assert len(ids) == 1
        host.password = "changed"  # noqa: S105 - of a mailbox that lives for one test
        with pytest.raises(DeliveryError) as failed:
            await channel.deliver(outgoing("yes", again=True))
        assert failed.value.reached, "the doubt remains"


async def test_a_file_goes_with_its_mail_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(range(256)) * 30)
    files = (OutgoingFile(name="grüße \u202e.eml", size=path.stat().st_size, path=path),)
    async with open_mail_host() as host, connected(told(host), tmp_path, Heard()) as channel:
        await channel.deliver(outgoing("see", files=files))
        (_, raw), *_ = host.sent
    (part,) = [one for one in read(raw).walk() if one.get_filename()]
    assert part.get_payload(decode=True) == path.read_bytes()
    assert part.get_content_type() == "application/octet-stream"


async def test_a_line_of_one_dot_ends_no_mail(tmp_path: Path) -> None:
    async with open_mail_host() as host, connected(told(host), tmp_path, Heard()) as channel:
        await channel.deliver(outgoing("a\n.\nb\n..\nRCPT TO:<eve@example.org>", speaker=None))
    ((_, raw),) = host.sent
    assert read(raw).get_payload(decode=True) == b"a\r\n.\r\nb\r\n..\r\nRCPT TO:<eve@example.org>\r\n"


async def test_the_servers_are_asked_before_a_channel_is_added(tmp_path: Path) -> None:
    kind = load("email")
    async with open_mail_host() as host:
        host.arrive(letter("hi"))
        checked = await kind.check(means("email", told(host), tmp_path))
        assert (checked.account, len(checked.notes)) == ("nano@example.org", 1)
        assert "whom mx.example.org vouches for is verified" in checked.notes[0]
        for wrong, note in (
            ("mx.other.org", "no mail here has .* mx.other.org yet: .* mx.example.org"),
            ("", "nobody"),
        ):
            (said,) = (await kind.check(means("email", told(host, authserv=wrong), tmp_path))).notes
            assert re.search(note, said)
        with pytest.raises(UsageError, match="does not let us in"):
            await kind.check(means("email", told(host, password="wrong"), tmp_path))  # noqa: S106 - not one
    with pytest.raises(DeliveryError, match="cannot be reached"):
        await kind.check(means("email", told(host), tmp_path))
    assert not host.sent


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "imap.example.org"},
        {"url": "https://example.org"},
        {"url": "imaps://example.org:x"},
        {"url": "imaps://me:secret@example.org"},
        {"smtp": ""},
        {"smtp": "imaps://example.org"},
        {"address": "nano"},
        {"address": ""},
        {"authserv": "mx.example.org; dmarc=pass"},
        {"senders": ""},
        {"senders": "*, a b"},
        {"senders": "*.example.org"},
        {"every": "0"},
        {"every": "1800"},
        {"every": "nan"},
        {"copies": "maybe"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load("email").make(means("email", told(MailHost(), **wrong), tmp_path))


async def test_a_mail_that_comes_just_when_we_begin_to_wait_is_heard_at_once(tmp_path: Path) -> None:
    heard = Heard()
    async with open_mail_host() as host:
        host.late = letter("hi")
        async with connected(told(host, every="1000"), tmp_path, heard):
            await heard.until(1)
    assert heard.texts == ["hi"]


async def test_a_mail_that_comes_while_we_look_through_what_was_numbered_anew_is_heard(tmp_path: Path) -> None:
    heard, marks = Heard(), MarksInMemory()
    async with open_mail_host() as host:
        async with connected(told(host), tmp_path, heard, marks):
            pass
        host.number_anew()
        host.late_for_look = letter("hi")
        async with connected(told(host, every="1000"), tmp_path, heard, marks):
            await heard.until(1)
    assert heard.texts == ["hi"]


async def test_whoever_waits_for_a_silent_server_can_be_cancelled_at_once(tmp_path: Path) -> None:
    heard = Heard()
    async with open_mail_host() as host:
        host.idles = False
        async with connected(told(host, every="1000"), tmp_path, heard) as channel:
            with trio.fail_after(20):
                await host.waited_for.wait()
            host.faults.append(Fault.MUTE)
            with trio.move_on_after(0.2) as scope:
                await channel.deliver(outgoing("yes"))
            assert scope.cancelled_caught
            left = trio.current_time()
        assert trio.current_time() - left < 5
