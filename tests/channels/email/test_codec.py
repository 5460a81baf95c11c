"""What a mail says, whatever its sender put into it. The forms are those of RFC 2045-2049, 2231, 3676 and 5322."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.email.codec import Account, Nothing, Said, understand
from nanoclaw.channels.email.quoting import without_history
from nanoclaw.core.attachments import safe_names
from nanoclaw.model.ids import ChannelName
from schema.files import MOST_FILES
from tests.support.email.mail_host import AUTHSERV, ME, letter

ACCOUNT = Account(channel=ChannelName("email"), addresses=(ME,), authserv=AUTHSERV)


def said(raw: bytes) -> Said:
    """What it means."""
    meaning = understand(raw, ACCOUNT)
    assert isinstance(meaning, Said), meaning
    return meaning


def mixed(*parts: str, kind: str = "mixed") -> bytes:
    """A mail of several parts, each with its fields."""
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    return letter(body, Content_Type=f"multipart/{kind}; boundary=b")


def enclosed(name: str, data: bytes = b"data", more: str = "") -> str:
    encoded, named = base64.encodebytes(data).decode(), more or f'filename="{name}"'
    return (
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; {named}\r\n\r\n{encoded}"
    )


def test_a_plain_mail_is_its_text_with_its_subject_and_begins_a_thread() -> None:
    event = said(letter("Hello,\r\nyou.\r\n", id="m1@example.org", Subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=")).event
    assert event.text == "Subject: Grüße\n\nHello,\nyou."
    assert (event.platform_message_id, event.thread_id) == ("m1@example.org ada@example.org", "m1@example.org")
    assert (event.starts_thread, event.mention, event.is_group) == (True, True, False)


def test_an_answer_belongs_to_the_first_mail_that_it_names() -> None:
    event = said(letter("yes", id="m3@x", References="<m1@x>\r\n <m2@x>", In_Reply_To="<m2@x>", Subject="Re: a")).event
    assert (event.thread_id, event.starts_thread, event.text) == ("m1@x", False, "yes")
    assert said(letter("yes", In_Reply_To="<m2@x>")).event.thread_id == "m2@x"


@pytest.mark.parametrize("named", ["", "<>", "<a b@x>", "<" + "x" * 300 + "@x>", "<a@x> <b@x>", "none"])
def test_a_mail_without_an_id_that_can_be_used_gets_one_of_its_own_and_the_same_each_time(named: str) -> None:
    raw = letter("hi", Message_ID=named)
    own = said(raw).event.platform_message_id
    assert own.partition(" ")[0].endswith("@no-message-id.invalid")
    assert said(raw).event.platform_message_id == own
    assert said(letter("ho", Message_ID=named)).event.platform_message_id != own


def test_nobody_takes_the_place_of_a_mail_of_somebody_else_by_its_id() -> None:
    ids = {
        said(letter("hi", id="m1@x", sender=sender, verified=verified)).event.platform_message_id
        for sender in ("ada@example.org", "eve@example.org")
        for verified in (True, False)
    }
    assert len(ids) == 4


def test_of_several_forms_the_plain_one_is_read_and_html_where_there_is_no_other() -> None:
    plain, html = "Content-Type: text/plain\r\n\r\nplain", "Content-Type: text/html\r\n\r\n<p>html</p>"
    assert said(mixed(plain, html, kind="alternative")).event.text == "plain"
    assert said(mixed("Content-Type: text/plain\r\n\r\n  ", html, kind="alternative")).event.text == "html"
    unseen = "<style>p{}</style><script>x()</script>"
    shown = "<p>Hello <b>you</b></p><ul><li>one<li>two</ul><a href='javascript:x'>z</a>"
    text = said(letter(unseen + shown, Content_Type="text/html")).event.text
    assert text == "Hello **you**\n\n- one\n- two\n\nz"


def test_all_that_is_to_be_read_is_read_in_its_order_and_the_rest_are_files() -> None:
    text = "Content-Type: text/plain\r\n\r\n"
    meaning = said(mixed(f"{text}one", enclosed("a.bin"), f"{text}two", "Content-Type: image/png\r\n\r\npixels"))
    assert meaning.event.text == "one\n\ntwo"
    assert [(one.name, one.data) for one in meaning.files] == [("a.bin", b"data"), ("file", b"pixels")]


def test_a_mail_within_a_mail_is_a_file() -> None:
    inner = "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nsecret"
    (file,) = said(mixed(inner)).files
    assert (file.name, file.mime_type) == ("message.eml", "message/rfc822")
    assert b"Subject: inner" in file.data


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"Gr\xfc\xdfe", "text/plain; charset=utf-8", "Grüße"),
        (b"Gr\xc3\xbc\xc3\x9fe", "text/plain; charset=no-such", "Grüße"),
        (b"Gr\xc3\xbc\xc3\x9fe", "text/plain; charset=us-ascii", "Grüße"),
        (b"x\\u0041", "text/plain; charset=unicode_escape", "x\\u0041"),
        (b"a\0b", "text/plain; charset=utf-8", "a\ufffdb"),
        (b"a\xed\xa0\x80b", "text/plain", "aí\xa0\x80b"),
        (b"\xe2\x80\xaeevil", "text/plain; charset=utf-8", "\u202eevil"),
        (b"one \r\ntwo\r\nthree", "text/plain; format=flowed", "one two\nthree"),
        (b"x", "text", "x"),
        (b"x", 'text/plain; charset="', "x"),
    ],
)
def test_a_lie_about_its_signs_costs_a_mail_nothing(body: bytes, kind: str, text: str) -> None:
    raw = letter("BODY", Content_Type=kind).replace(b"BODY", body)
    assert said(raw).event.text == text


@pytest.mark.parametrize(
    "name", ["../../x", "..\\..\\x", "/etc/passwd", "winmail.dat", "a\u202egpj.exe", "\x00", "." * 300]
)
def test_a_file_is_called_what_its_sender_says_and_stored_under_a_safe_name(name: str) -> None:
    (file,) = said(mixed(enclosed(name))).files
    (safe,) = safe_names([file.name])
    assert "/" not in safe
    assert "\\" not in safe
    assert not safe.startswith(".")


def test_names_of_other_alphabets_are_read_in_every_form() -> None:
    forms = [
        "filename*=utf-8''gr%C3%BCn.txt",
        'filename="=?utf-8?b?Z3LDvG4udHh0?="',
        "filename*0*=utf-8''gr%C3%BC; filename*1=n.txt",
    ]
    assert [said(mixed(enclosed("", more=form))).files[0].name for form in forms] == ["grün.txt"] * 3


def test_more_files_than_may_come_at_once_are_named_in_the_text() -> None:
    meaning = said(mixed(*(enclosed(f"{number}.bin") for number in range(MOST_FILES + 2))))
    assert len(meaning.files) == MOST_FILES
    assert f"[file '{MOST_FILES}.bin' is not here: more than {MOST_FILES} came at once]" in meaning.event.text


def test_a_mail_that_is_too_large_to_be_fetched_says_so() -> None:
    meaning = understand(letter("x"), ACCOUNT, size=70 << 20)
    assert isinstance(meaning, Said)
    assert "70 MiB" in meaning.event.text


def deep(levels: int) -> bytes:
    """A mail of parts within parts."""
    body = "Content-Type: text/plain\r\n\r\nbottom"
    for level in range(levels):
        body = f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n{body}\r\n--b{level}--\r\n"
    kind, _, rest = body.partition("\r\n\r\n")
    return letter(rest, Content_Type=kind.removeprefix("Content-Type: "))


def test_parts_within_parts_are_read_as_deep_as_makes_sense() -> None:
    assert said(deep(20)).event.text == "bottom"
    assert "nested deeper" in said(deep(90)).event.text
    for levels in (101, 2_000):
        meaning = said(deep(levels))
        assert "too many parts" in meaning.event.text
        assert meaning.files[0].data == deep(levels)


@pytest.mark.parametrize(
    "raw",
    [
        mixed(*(["\r\n"] * 5_000)),
        mixed("a: b\r\n" * 30_000 + "\r\nx"),
        letter("<div>" * 50_000, Content_Type="text/html"),
        letter("<b>x" * 50_000, Content_Type="text/html"),
        letter("<div></x>" * 7_000, Content_Type="text/html"),
        letter("x", Subject="=?utf-8?q?" + "=41" * 50_000 + "?="),
        letter("x", To=", ".join(["a@b.c"] * 5_000)),
        letter(">" * 100_000),
        letter("x", References="<a@b> " * 30_000),
        letter("x", Content_Type='text/plain; x="' + "\\" * 50_000),
    ],
    ids=range(10),
)
def test_a_mail_that_is_made_to_be_costly_is_not(raw: bytes) -> None:
    assert isinstance(understand(raw, ACCOUNT), Said | Nothing)


def test_more_fields_than_anybody_needs_are_not_read() -> None:
    assert understand(b"A: b\r\n" * 100_000 + letter("x"), ACCOUNT) == Nothing(
        "it has more fields on top than anybody reads", weighty=True
    )


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"Content-Type: ", b"From: ", b"Subject: ", b"References: ", b"\r\n\r\n"]),
)
def test_whatever_a_mail_is_made_of_it_raises_nothing(junk: bytes, before: bytes) -> None:
    for raw in (junk, before + junk + b"\r\n" + letter("x"), letter("x") + before + junk):
        assert isinstance(understand(raw, ACCOUNT), Said | Nothing)


HISTORY = "\n\nOn Friday, Ada <ada@example.org> wrote:\n> old\n>> older\n"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("new" + HISTORY, "new"),
        ("new\n\nAm 27.11.2026 schrieb\nAda:\n> old", "new"),
        ("> old\nnew", "> old\nnew"),
        ("> old\nnew\n> older", "> old\nnew\n> older"),
        ("> only", "> only"),
        ("new\n\n-----Original Message-----\nFrom: Ada\nold", "new"),
        ("see here:\n> quoted", "see here:\n> quoted"),
        ("no quotes:", "no quotes:"),
        ("a\n\nI agree with:\n> this", "a\n\nI agree with:\n> this"),
    ],
)
def test_what_an_answer_repeats_at_its_end_is_cut_off(text: str, kept: str) -> None:
    assert without_history(text, answers=True, subject="Re: x") == kept


def test_what_is_passed_on_is_kept() -> None:
    assert without_history("see" + HISTORY, answers=True, subject="Fwd: x") == "see" + HISTORY
    assert without_history("see" + HISTORY, answers=False, subject="") == "see" + HISTORY
