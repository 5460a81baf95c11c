"""A message of ours as a mail. Pure.

Fields are made of nothing but one line each, so that no text can begin another field. The message id comes from the
message's key: every attempt is the same mail, which mailboxes that look at ids keep once.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from base64 import encodebytes
from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.utils import format_datetime, formataddr

from attrs import frozen

from nanoclaw.channels.dialects import matrix_html
from nanoclaw.channels.dialects import plain as plain_text
from nanoclaw.channels.email.addresses import domain_of
from nanoclaw.core.notices import plain
from nanoclaw.model.ids import ChannelName

MOST_SUBJECT = 120
MOST_REFERENCES = 10
# The library would break lines within ids, or before the first word.
_POLICY = policy.compat32.clone(linesep="\r\n", max_line_length=None, mangle_from_=False)
_OURS = re.compile(r"nanoclaw\.[0-9a-f]{40}@", re.ASCII)
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP


@frozen(kw_only=True)
class Letter:
    """What a mail of ours says, and where it belongs."""

    id: str
    """Its message id, without brackets."""
    sender: str
    """Our address."""
    to: str
    speaker: str | None
    """The agent's name; None: the host itself writes."""
    subject: str
    text: str
    references: tuple[str, ...] = ()
    """The mails before it, from the first to the one that it answers."""
    at: datetime


@frozen(kw_only=True)
class Enclosed:
    """A file that goes with a mail."""

    name: str
    data: bytes


def message_id(channel: ChannelName, key: str, address: str) -> str:
    """The id of the mail with that key, the same for every attempt."""
    made = hashlib.sha256(f"{channel}\n{key}".encode()).hexdigest()[:40]
    return f"nanoclaw.{made}@{domain_of(address)}"


def is_ours(message_id: str) -> bool:
    """Can it be the id of a mail of ours?"""
    return _OURS.match(message_id) is not None


def subject_of(topic: str | None, text: str) -> str:
    """The subject of a mail: that of its conversation, or the beginning of its text."""
    if topic is not None:
        bare = topic
        while bare[:3].lower() == "re:":
            bare = bare[3:].lstrip()
        return f"Re: {plain(bare, MOST_SUBJECT)}".strip()
    first = next((line for line in plain_text.render(text[:2_000]).splitlines() if line.strip()), "")
    return plain(first, 70) or "Files"


def compose(letter: Letter, files: Sequence[Enclosed] = ()) -> bytes:
    """The mail, line by line as it is sent. Blocks while it is encoded."""
    agent = letter.speaker is not None
    shown = _text("plain", plain_text.render(letter.text) if agent else plain_text.literal(letter.text))
    looks = matrix_html.render(letter.text) if agent else ""
    body = MIMEMultipart("alternative", _subparts=[shown, _text("html", looks)]) if looks else shown
    whole = MIMEMultipart("mixed", _subparts=[body, *map(_attached, files)]) if files else body
    for name, pieces in _fields(letter):
        _put(whole, name, pieces)
    return whole.as_bytes(policy=_POLICY)


def _fields(letter: Letter) -> list[tuple[str, tuple[str, ...]]]:
    """The fields, each in pieces that stay whole wherever its lines are broken."""
    name = plain(letter.speaker or "nanoclaw", 60)
    called = formataddr((name, letter.sender)) if _is_plain(name) else None
    found = [
        ("From", (called,) if called else (*_encoded(name), f"<{letter.sender}>")),
        ("To", (letter.to,)),
        ("Subject", _encoded(plain(letter.subject, MOST_SUBJECT + 10))),
        ("Date", (format_datetime(letter.at),)),
        ("Message-ID", (f"<{letter.id}>",)),
        ("Auto-Submitted", ("auto-replied" if letter.references else "auto-generated",)),
        ("X-Auto-Response-Suppress", ("All",)),
    ]
    if chain := letter.references:
        if len(chain) > MOST_REFERENCES:
            chain = (chain[0], *chain[1 - MOST_REFERENCES :])
        found.append(("In-Reply-To", (f"<{chain[-1]}>",)))
        found.append(("References", tuple(f"<{one}>" for one in chain)))
    return found


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text


def _encoded(text: str) -> tuple[str, ...]:
    """*text* in ASCII, as encoded words where it has other signs (RFC 2047)."""
    if _is_plain(text):
        return (text,)
    return tuple(Header(text, "utf-8", maxlinelen=75, header_name="Subject").encode(linesep=" ").split())


def _put(message: Message, name: str, pieces: tuple[str, ...]) -> None:
    if any(ord(sign) < ord(" ") or sign == "\x7f" for piece in pieces for sign in piece):
        raise ValueError(f"{name}: a field is one line")
    message.add_header(name, "\r\n ".join(pieces))


def _text(kind: str, text: str) -> Message:
    part = MIMENonMultipart("text", kind)
    part.set_payload(text.encode(errors="replace").decode(), _UTF8)
    return part


def _attached(file: Enclosed) -> MIMEBase:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    main, _, sub = kind.partition("/")
    if main in {"message", "multipart"}:
        main, sub = "application", "octet-stream"
    part = MIMEBase(main, sub)
    part.set_payload(encodebytes(file.data).decode("ascii"))
    part["Content-Transfer-Encoding"] = "base64"
    name = plain(file.name, 150)
    part.add_header("Content-Disposition", "attachment", filename=name if name.isascii() else ("utf-8", "", name))
    return part
