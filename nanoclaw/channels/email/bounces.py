"""A mail of ours that came back: what a mail server's report says of it (RFC 3464, in a frame of RFC 6522). Pure.

Anybody can write such a report. It is believed only of a mail whose id they had to know, and that went to whom they
name; of what they say, only a number is passed on, in words of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message

from attrs import frozen

from nanoclaw.channels.email.addresses import canonical, ids_in
from nanoclaw.channels.email.parsing import fields, parse

MOST_RECIPIENTS = 10
"""That are read of a report. A mail of ours has one."""
FAILED = "failed"
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\d)")
_ABOUT = {
    "0": "it does not say why",
    "1": "there is no such address",
    "2": "the mailbox takes no mail just now or any more, or is full",
    "3": "the other mail server could not take it",
    "4": "the other mail server was not reached",
    "5": "the mail servers did not understand each other",
    "6": "the other mail server does not take what is in it",
    "7": "the other mail server does not let it in",
}
"""By the second number of a status (RFC 3463, 3)."""


@frozen(kw_only=True)
class Bounce:
    """A mail did not reach somebody."""

    message_id: str
    """That of the mail, without brackets."""
    recipients: tuple[str, ...]
    """Addresses in small letters by which the server knows whom it did not reach."""
    why: str
    """In our own words."""


def is_report(top: Message) -> bool:
    """Is a mail with these fields a report of what became of another?"""
    return top.get_content_type() == "multipart/report" and _parameter(top, "report-type").lower() == "delivery-status"


def bounces_in(raw: bytes) -> tuple[Bounce, ...]:
    """The mails that did not arrive, as the report *raw* says; none, if it is only late, or makes no sense.

    Blocks for as long as parsers take.
    """
    report = parse(raw)
    if report is None:
        return ()
    parts = [part for part in report.walk() if part is not report]
    names = tuple(dict.fromkeys([*_returned(parts), *ids_in(fields(report, "References"))]))[:1]
    found = []
    for status in _statuses(parts):
        action = "".join(fields(status, "Action")[:1]).strip().lower()
        recipients = tuple(
            dict.fromkeys(
                address
                for name in ("Final-Recipient", "Original-Recipient")
                for one in fields(status, name)[:1]
                if (address := canonical(one.partition(";")[2].strip().strip("<>"))) is not None
            )
        )
        if action == FAILED and recipients:
            why = reason("".join(fields(status, "Status")[:1]))
            found += [Bounce(message_id=name, recipients=recipients, why=why) for name in names]
    return tuple(found[:MOST_RECIPIENTS])


def reason(status: str) -> str:
    """What a status such as `5.1.1` means, in our own words."""
    found = _STATUS.match(status.strip())
    if found is None:
        return f"a mail server reported that it did not arrive: {_ABOUT['0']}"
    return f"a mail server reported that it did not arrive: {_ABOUT.get(found[2], _ABOUT['0'])} ({found[0]})"


def _returned(parts: list[Message]) -> Iterator[str]:
    """The id of the mail that the report brings back, or of whose fields."""
    for part in parts:
        if part.get_content_type() == "message/rfc822":
            for inner in _inner(part):
                yield from ids_in(fields(inner, "Message-ID"))
        elif part.get_content_type() in {"text/rfc822-headers", "message/rfc822-headers"}:
            data = part.get_payload(decode=True)
            top = parse(data.lstrip() if isinstance(data, bytes) else b"")
            if top is not None:
                yield from ids_in(fields(top, "Message-ID"))


def _statuses(parts: list[Message]) -> Iterator[Message]:
    """What is said of each recipient; the first block is about the report itself, and names none."""
    for part in parts:
        if part.get_content_type() == "message/delivery-status":
            yield from _inner(part)


def _inner(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _parameter(top: Message, name: str) -> str:
    try:
        found = top.get_param(name, "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""
