"""What a mail says, and the files in it, out of the tree of its parts. Pure.

Of several forms of one text the plain one is taken. Whatever is neither text to be read at once nor a frame around
other parts is a file, a mail within the mail as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.policy import compat32

from attrs import frozen

from nanoclaw.channels.email.html_text import text_of
from nanoclaw.channels.email.parsing import as_text, clean, decoded

MOST_DEEP = 60
TOO_DEEP = "[what is nested deeper in this mail is not shown]"


@frozen(kw_only=True)
class InnerFile:
    """A file in a mail."""

    name: str
    mime_type: str
    data: bytes


@frozen(kw_only=True)
class Body:
    """What a mail holds."""

    text: str
    files: tuple[InnerFile, ...]


def body_of(message: Message) -> Body:
    """What *message* holds. Blocks for as long as parsers take."""
    texts, files = list[str](), list[InnerFile]()
    for one in _walk(message, 0):
        if isinstance(one, InnerFile):
            files.append(one)
        elif one.strip():
            texts.append(one.strip("\r\n"))
    return Body(text="\n\n".join(texts).replace("\r\n", "\n"), files=tuple(files))


def _walk(part: Message, depth: int) -> Iterator[str | InnerFile]:
    if depth > MOST_DEEP:
        yield TOO_DEEP
        return
    children = _children(part)
    kind = part.get_content_type()
    if kind == "multipart/alternative" and children:
        yield from _walk_best(children, depth)
    elif kind.startswith("multipart/") and children is not None:
        for child in children:
            yield from _walk(child, depth + 1)
    elif kind == "message/rfc822" and children:
        yield InnerFile(name=_name(part) or "message.eml", mime_type=kind, data=_bytes_of(children[0]))
    elif kind in {"text/plain", "text/html"} and _is_to_be_read(part):
        text = as_text(_payload(part), part.get_content_charset())
        yield text_of(text) if kind == "text/html" else _unflowed(part, text)
    elif data := _payload(part):
        yield InnerFile(name=_name(part) or "file", mime_type=kind, data=data)


def _walk_best(forms: list[Message], depth: int) -> Iterator[str | InnerFile]:
    """The plain form, with the files of the others: an invitation lies beside its text."""
    found = [list(_walk(form, depth + 1)) for form in forms]
    holds = [[one for one in form if isinstance(one, str) and one.strip()] for form in found]
    plain = [at for at, form in enumerate(forms) if form.get_content_type() == "text/plain" and holds[at]]
    best = plain[0] if plain else next((at for at in reversed(range(len(forms))) if holds[at]), None)
    if best is not None:
        yield from holds[best]
    for form in found:
        yield from (one for one in form if isinstance(one, InnerFile))


def _children(part: Message) -> list[Message] | None:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else None


def _is_to_be_read(part: Message) -> bool:
    return part.get_content_disposition() != "attachment" and not _name(part)


def _name(part: Message) -> str:
    """What its sender calls it; whoever stores it makes it safe."""
    try:
        return decoded(part.get_filename("") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def _payload(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
        return b""
    return data if isinstance(data, bytes) else b""


def _bytes_of(message: Message) -> bytes:
    try:
        return message.as_bytes(policy=compat32)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return b""


def _unflowed(part: Message, text: str) -> str:
    """Lines that were broken only to be short are one again (RFC 3676, format=flowed)."""
    if clean(str(part.get_param("format", ""))).lower() != "flowed":
        return text
    joined, open_line = list[str](), False
    for line in text.splitlines():
        own = line.removeprefix(" ") if not line.startswith(">") else line
        if open_line and not line.startswith(">"):
            joined[-1] += own
        else:
            joined.append(own)
        open_line = own.endswith(" ") and own != "-- " and not own.startswith(">")
    return "\n".join(joined)
