"""A mail as an event of ours. Pure: whatever is in the mail, nothing is raised.

Who wrote it is its `From`, which anybody can write: see `authenticity.py`. Whoever is not verified has an id of another
class, and a conversation of their own, so that nobody gets the rights, or into the conversation, of whom they name.
Mail that a program sent is not heard, so that no two programs answer each other for ever.
"""

from __future__ import annotations

import hashlib
from email.message import Message
from typing import TypeAlias

from attrs import field, frozen

from nanoclaw.channels.email.addresses import (
    MOST_ID,
    Mailbox,
    addresses_in,
    canonical,
    ids_in,
    is_among,
    is_id,
    mailbox,
    shown_name,
)
from nanoclaw.channels.email.authenticity import Unverified, Verified, judge
from nanoclaw.channels.email.body import Body, InnerFile, body_of
from nanoclaw.channels.email.bounces import Bounce, bounces_in, is_report
from nanoclaw.channels.email.parsing import clean, decoded, fields, headers_of, parse
from nanoclaw.channels.email.quoting import without_history
from nanoclaw.core.attachments import size_in_words
from nanoclaw.core.notices import plain
from nanoclaw.model.ids import UNVERIFIED, ChannelName, UserId
from nanoclaw.model.messages import InboundEvent
from schema.files import MOST_FILE_BYTES, MOST_FILES

MOST_TEXT = 200_000
MOST_SUBJECT = 200
NO_ID = "no-message-id.invalid"
"""Where the ids come from that mails get here which have none."""
_BULK = frozenset({"bulk", "list", "junk"})
_LISTS = ("List-Id", "List-Unsubscribe", "List-Post")


@frozen(kw_only=True)
class Account:
    """Who we are, and under what name our house knows the channel."""

    channel: ChannelName
    addresses: tuple[str, ...]
    """In small letters; the first is the one that we write from."""
    authserv: str
    """The name of our server in `Authentication-Results`; empty: there is none."""
    senders: tuple[str, ...] = ("*",)
    """Who is heard: addresses and domains in small letters, or `*` for everybody."""


@frozen(kw_only=True)
class Said:
    """Somebody wrote; the files are still to be put into the spool."""

    event: InboundEvent
    files: tuple[InnerFile, ...] = field(default=(), repr=False)
    subject: str
    known: tuple[str, ...]
    """The ids of the mails that it belongs to, its own the last, the first of all the first."""
    why_unverified: str


@frozen
class Nothing:
    """It is nothing for us."""

    why: str
    weighty: bool = False
    """Should the operator know? It is no ordinary thing."""


@frozen
class CameBack:
    """A mail server reports that mails did not arrive."""

    bounces: tuple[Bounce, ...]


Meaning: TypeAlias = Said | CameBack | Nothing


def understand(raw: bytes, me: Account, *, size: int | None = None) -> Meaning:
    """What the mail *raw* means. Blocks for as long as parsers take.

    Args:
      raw: All of it, or the fields on top.
      me: Who we are.
      size: How large it is, if only the fields are there.
    """
    try:
        return _understand(raw, me, size)
    except Exception as exc:
        return Nothing(f"it cannot be read: {type(exc).__name__}: {exc}", weighty=True)


def _understand(raw: bytes, me: Account, size: int | None) -> Meaning:
    top = headers_of(raw)
    if top is None:
        return Nothing("it has more fields on top than anybody reads", weighty=True)
    if is_report(top) and size is None and (bounces := bounces_in(raw)):
        return CameBack(bounces)
    if (why := automatic(top)) is not None:
        return Nothing(why, weighty="came back" in why)
    senders = fields(top, "From")
    sender = mailbox(senders[0]) if len(senders) == 1 else None
    if sender is None:
        return Nothing("its From does not name one sender", weighty=True)
    if sender.address in me.addresses:
        return Nothing("our own")
    if not is_among(sender.address, me.senders):
        return Nothing("its sender is not among those who are heard (setting senders)")
    subject = plain(decoded(" ".join(fields(top, "Subject")[:1])), MOST_SUBJECT)
    before = ids_in(fields(top, "References")) or ids_in(fields(top, "In-Reply-To"))
    body = _body(raw, size)
    text = without_history(body.text, answers=bool(before), subject=subject)
    return _said(top, raw, me, sender, subject, before, Body(text=text, files=body.files))


def automatic(top: Message) -> str | None:
    """Why a mail with these fields is not from a person; None: it may be."""
    sent = [one.partition(";")[0].strip().lower() for one in fields(top, "Auto-Submitted")]
    back = any(one.strip() == "<>" for one in fields(top, "Return-Path")[:1])
    if top.get_content_type() == "multipart/report" or (back and not any(one != "no" for one in sent)):
        return "a mail that came back, or another report of a mail server"
    if back or any(one != "no" for one in sent):
        return "a program sent it (Auto-Submitted)"
    if any(one.strip().lower() in _BULK for one in fields(top, "Precedence")):
        return "a program sent it to many (Precedence)"
    if any(top.get_all(name) for name in _LISTS):
        return "it is from a mailing list"
    return None


def _body(raw: bytes, size: int | None) -> Body:
    if size is not None:
        return Body(text=f"[this mail is larger than what is fetched: it has {size_in_words(size)}]", files=())
    message = parse(raw)
    if message is None:
        kept = InnerFile(name="message.eml", mime_type="message/rfc822", data=raw)
        return Body(text="[this mail has too many parts to be read; all of it is in the file]", files=(kept,))
    return body_of(message)


def _said(
    top: Message, raw: bytes, me: Account, sender: Mailbox, subject: str, before: tuple[str, ...], body: Body
) -> Meaning:
    addressed = bool(addresses_in([*fields(top, "To"), *fields(top, "Cc")]) & set(me.addresses))
    judged = judge(sender, fields(top, "Authentication-Results"), me.authserv, addressed=addressed)
    person = sender.address if isinstance(judged, Verified) else f"{UNVERIFIED}{sender.address}"
    own = _own_id(top, raw)
    words = _shortened(body.text).strip()
    # A command, or a code, is one only where nothing stands above it.
    titled = subject and not before and not words.startswith("/") and len(words.split(None, 1)) != 1
    lines = [*([f"Subject: {subject}"] if titled else []), words]
    lines += [f"[file {plain(one.name, 80)!r} is not here: {why}]" for one, why in _refused(body.files)]
    text = "\n\n".join(one for one in lines if one)
    taken = _taken(body.files)
    if not text and not taken:
        return Nothing("it says nothing")
    event = InboundEvent(
        channel=me.channel,
        platform_message_id=f"{own} {person}",
        platform_id=person,
        thread_id=before[0] if before else own,
        starts_thread=not before,
        mention=True,
        is_group=False,
        chat_name=sender.address,
        sender_id=UserId(f"{me.channel}:{person}"),
        sender=shown_name(decoded(sender.name), person),
        text=text,
    )
    why = judged.why if isinstance(judged, Unverified) else ""
    return Said(event=event, files=taken, subject=subject, known=(*before, own), why_unverified=why)


def _own_id(top: Message, raw: bytes) -> str:
    """Its message id; where it has none that can be used, one made of the whole mail."""
    found = ids_in(fields(top, "Message-ID"))
    if len(found) == 1 and len(found[0]) <= MOST_ID:
        return found[0]
    return f"{hashlib.sha256(raw).hexdigest()[:40]}@{NO_ID}"


def _shortened(text: str) -> str:
    text = clean(text)
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}\n[the rest of the text is not shown]"


def _taken(files: tuple[InnerFile, ...]) -> tuple[InnerFile, ...]:
    return tuple(one for one in files[:MOST_FILES] if len(one.data) <= MOST_FILE_BYTES)


def _refused(files: tuple[InnerFile, ...]) -> list[tuple[InnerFile, str]]:
    late = [(one, f"more than {MOST_FILES} came at once") for one in files[MOST_FILES:][:10]]
    large = f"it is larger than {size_in_words(MOST_FILE_BYTES)}"
    return [(one, large) for one in files[:MOST_FILES] if len(one.data) > MOST_FILE_BYTES] + late


def address_in(platform_id: str) -> str | None:
    """The address that a conversation of ours is with; None: the id is none of ours."""
    return canonical(platform_id.removeprefix(UNVERIFIED))


def message_id_in(platform_message_id: str) -> str:
    """The message id in an id of an event of ours, or of a mail of ours."""
    return platform_message_id.partition(" ")[0]


def may_be_named(message_id: str) -> bool:
    """Can a mail of ours name that one? Nobody knows those ids that mails got here."""
    return is_id(message_id) and not message_id.endswith(f"@{NO_ID}")
