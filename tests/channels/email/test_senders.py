"""Who a mail is from: nobody gets an id by writing a name, whatever else they put into the mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.email.addresses import Mailbox, mailbox
from nanoclaw.channels.email.authenticity import Verified, judge
from nanoclaw.channels.email.codec import Account, Nothing, Said, understand
from nanoclaw.model.ids import ChannelName
from tests.support.email.mail_host import AUTHSERV, ME, letter

# As servers write them, by RFC 8601 (appendix B) and the public documentation of Gmail, OpenDMARC, OpenDKIM and Rspamd.
RECORDED = [
    [
        (
            f"{AUTHSERV}; dkim=pass header.i=@example.org header.s=20230601 header.b=a/B+c;"
            " spf=pass (google.com: domain of ada@example.org designates 192.0.2.1 as permitted sender)"
            " smtp.mailfrom=ada@example.org; dmarc=pass (p=NONE sp=QUARANTINE dis=NONE)"
            " header.from=example.org; dara=pass header.i=@example.org"
        )
    ],
    [f"{AUTHSERV}; dkim=pass header.i=@example.org header.s=20230601 header.b=a/B+c; spf=none smtp.mailfrom=a@b.org"],
    [
        f"{AUTHSERV}; dmarc=pass (p=none dis=none) header.from=example.org",
        (
            f"{AUTHSERV}; dkim=pass (2048-bit key; unprotected) header.d=example.org header.i=@example.org"
            ' header.b="x\\/y"; dkim-atps=neutral'
        ),
    ],
    [
        (
            f"{AUTHSERV}; dkim=pass header.d=example.org header.s=x header.b=y; spf=pass (a: b) smtp.mailfrom=c@d.org;"
            " dmarc=pass (policy=none) header.from=example.org"
        )
    ],
    [f"{AUTHSERV} 1; sender-id=fail header.from=example.org; dkim=pass (good signature) header.d=example.org"],
]
# Without the name of the server, as Microsoft's write it, everybody could have.
NAMELESS = "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.org; dmarc=pass action=none header.from=example.org"
ACCOUNT = Account(channel=ChannelName("email"), addresses=(ME,), authserv=AUTHSERV)
ADA = Mailbox(name="", address="ada@example.org", exact=True)
GOOD = f"{AUTHSERV}; dmarc=pass (p=REJECT) header.from=example.org"


def sender_of(raw: bytes, account: Account = ACCOUNT) -> str:
    """Who it is from, for the house."""
    meaning = understand(raw, account)
    assert isinstance(meaning, Said), meaning
    assert meaning.event.platform_id == meaning.event.sender_id.removeprefix("email:"), "each has a place of their own"
    return meaning.event.sender_id.removeprefix("email:")


@pytest.mark.parametrize(
    "results",
    [
        GOOD,
        f"{AUTHSERV.upper()} 1; spf=fail smtp.mailfrom=other.org; DMARC=PASS header.from=Example.org",
        f"{AUTHSERV}; dkim=pass header.d=example.org header.s=a",
        f"{AUTHSERV}; dkim=fail header.d=other.org; dkim=pass (good; really) header.d=example.org",
        f"{AUTHSERV}; dmarc=none header.from=example.org; dkim=pass header.d=example.org",
    ],
)
def test_whom_our_own_server_vouches_for_is_verified(results: str) -> None:
    assert judge(ADA, [results], AUTHSERV, addressed=True) == Verified()


@pytest.mark.parametrize("results", RECORDED, ids=range(len(RECORDED)))
def test_what_servers_write_is_understood(results: list[str]) -> None:
    assert judge(ADA, results, AUTHSERV, addressed=True) == Verified()


@pytest.mark.parametrize(
    "results",
    [
        [],
        [NAMELESS],
        [f"{AUTHSERV}; dkim=pass header.i=@evil.example"],
        [f"{AUTHSERV}; dkim=pass header.i=@example.org header.i=@evil.example"],
        [f"{AUTHSERV}; dkim=pass header.i=@example.org.evil.example"],
        ["evil.example; dmarc=pass header.from=example.org"],
        [f"evil.example; x={AUTHSERV}; dmarc=pass header.from=example.org"],
        [f"{AUTHSERV}.evil.example; dmarc=pass header.from=example.org"],
        [f"{AUTHSERV}; dmarc=fail header.from=example.org", GOOD],
        [f"{AUTHSERV}; none", GOOD],
        [f"{AUTHSERV}; dmarc=pass header.from=evil.example"],
        [f"{AUTHSERV}; dmarc=pass"],
        [f"{AUTHSERV}; dmarc=fail header.from=example.org; dkim=pass header.d=example.org"],
        [f"{AUTHSERV}; dmarc=pass header.from=example.org; dmarc=fail header.from=example.org"],
        [f"{AUTHSERV}; dmarc=pass header.from=example.org header.from=evil.example"],
        [f"{AUTHSERV}; dkim=pass header.d=evil.example header.i=@example.org"],
        [f"{AUTHSERV}; dkim=pass header.d=org"],
        [f"{AUTHSERV}; spf=pass smtp.mailfrom=example.org"],
        [f"{AUTHSERV}; (dmarc=pass header.from=example.org)"],
        [f"{AUTHSERV}; (a (b; dmarc=pass header.from=example.org) c)"],
        [f'{AUTHSERV}; spf=pass reason="x; dmarc=pass header.from=example.org; y" smtp.mailfrom=evil.example'],
        [f'{AUTHSERV}; spf=pass reason="\\"; dmarc=pass header.from=example.org; " smtp.mailfrom=evil.example'],
        [f"{AUTHSERV}; dmarc=pass header.from=example.org" + " x" * 20_000],
        [f"{AUTHSERV}; dmarc=fail header.from=example.org" + " x" * 20_000, GOOD],
        [f'{AUTHSERV}; spf=fail (an " odd word) x=y; x=y reason="; dmarc=pass header.from=example.org;"'],
        [f"{AUTHSERV}; x=y ((((((( ; dmarc=pass header.from=example.org ; )))))))"],
        [f"{AUTHSERV}; x-dmarc=pass header.from=example.org"],
    ],
)
def test_nothing_else_verifies_anybody(results: list[str]) -> None:
    assert judge(ADA, results, AUTHSERV, addressed=True) != Verified()


def test_without_a_server_of_ours_or_an_address_of_ours_nobody_is_verified() -> None:
    assert judge(ADA, [GOOD], "", addressed=True) != Verified()
    assert judge(ADA, [GOOD.replace(AUTHSERV, "")], "", addressed=True) != Verified()
    assert judge(ADA, [GOOD], AUTHSERV, addressed=False) != Verified()


@given(st.text(st.sampled_from('ab;=. "()\\/dmarcpassheader.fromexample.org'), max_size=80))
def test_what_a_sender_can_have_quoted_verifies_nobody(quoted: str) -> None:
    safe = quoted.replace("\\", "\\\\").replace('"', '\\"')
    results = f'{AUTHSERV}; spf=pass reason="{safe}" smtp.mailfrom=evil.example; dmarc=fail header.from=example.org'
    assert judge(ADA, [results], AUTHSERV, addressed=True) != Verified()


def test_a_mail_is_from_its_one_from_and_from_nobody_else_that_it_names() -> None:
    assert sender_of(letter("hi")) == "ada@example.org"
    assert sender_of(letter("hi", sender="Ada <ADA@Example.ORG>")) == "ada@example.org"
    assert sender_of(letter("hi", sender='"owner@example.org" <eve@example.org>')) == "eve@example.org"
    named = letter("hi", Reply_To="owner@example.org", Sender="owner@example.org", Resent_From="owner@example.org")
    assert sender_of(named) == "ada@example.org"


@pytest.mark.parametrize(
    "raw",
    [
        letter("hi", verified=False),
        letter("hi", verified=False, Authentication_Results="example.org; dmarc=pass header.from=example.org"),
        letter("hi", to="undisclosed-recipients:;"),
        letter("hi", sender="owner@example.org <ada@example.org>"),
        b"Authentication-Results: " + AUTHSERV.encode() + b"; dmarc=fail header.from=example.org\r\n" + letter("hi"),
    ],
)
def test_whoever_is_not_verified_is_of_a_class_of_their_own(raw: bytes) -> None:
    assert sender_of(raw) == "unverified:ada@example.org"


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "Ada",
        "<>",
        "a@example.org, b@example.org",
        "<a@example.org> <b@example.org>",
        "a@example.org <b@example.org",
        "group: a@example.org;",
        "a@b@example.org",
        '"a b"@example.org',
        "unverified:ada@example.org",
        "a\0b@example.org",
        "Ada <ada@exämple.org>",
        "Ada <ada@example.org> (x)",
        "x" * 3_000 + " <ada@example.org>",
        "a@" + "b" * 300,
    ],
)
def test_a_from_that_is_not_clear_is_from_nobody(sender: str) -> None:
    assert mailbox(sender) is None
    assert isinstance(understand(letter("hi", sender=sender), ACCOUNT), Nothing)


@pytest.mark.parametrize(
    ("listed", "heard"),
    [
        ("*", True),
        ("ada@example.org", True),
        ("example.org", True),
        ("org", False),
        ("a@example.org", False),
        ("ple.org", False),
        ("sub.example.org", False),
    ],
)
def test_only_those_who_are_listed_are_heard(listed: str, heard: bool) -> None:
    account = Account(channel=ChannelName("email"), addresses=(ME,), authserv=AUTHSERV, senders=("x@y.z", listed))
    assert isinstance(understand(letter("hi"), account), Said) is heard


def test_two_froms_are_from_nobody() -> None:
    twice = b"From: owner@example.org\r\n" + letter("hi")
    assert isinstance(understand(twice, ACCOUNT), Nothing)


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated (vacation)"},
        {"Precedence": "Bulk"},
        {"Precedence": "list"},
        {"List_Id": "<talk.example.org>"},
        {"List_Unsubscribe": "<https://example.org/>"},
        {"Content_Type": "multipart/report; report-type=delivery-status; boundary=x"},
    ],
)
def test_what_a_program_sent_is_not_answered(fields: dict[str, str]) -> None:
    assert isinstance(understand(letter("hi", more=fields), ACCOUNT), Nothing)
    assert isinstance(understand(letter("hi", Auto_Submitted="no"), ACCOUNT), Said)


def test_what_came_back_and_what_we_wrote_ourselves_is_not_heard() -> None:
    back = letter("hi").replace(b"Return-Path: <example.org>", b"Return-Path: <>")
    assert isinstance(understand(back, ACCOUNT), Nothing)
    assert understand(letter("hi", sender=f"Nano <{ME.upper()}>"), ACCOUNT) == Nothing("our own")
