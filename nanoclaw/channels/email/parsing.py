"""A mail as a tree of parts, by the standard library's parser, within bounds that hold whatever was sent. Pure.

The parser makes an object for each part and each field, and asks of each line whether it ends one of the parts that it
stands in: a few megabytes can be made to cost gigabytes, or minutes. What is made like that is not parsed.
"""

from __future__ import annotations

import re
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser

MOST_HEADER = 256 << 10
"""Bytes of the fields on top. Servers take less."""
MOST_FIELDS = 20_000
MOST_BOUNDARIES = 100
"""Words `boundary` in a mail, that is, parts that have parts."""
MOST_SEPARATORS = 2_000
MOST_DECODED = 2_000
_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"^[!-9;-~]{1,80}:", re.MULTILINE)
# These would do more than to say which bytes are which signs.
_NO_CHARSETS = frozenset({"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined"})

_parser = BytesParser(policy=policy.compat32)


def headers_of(raw: bytes) -> Message | None:
    """The fields on top of *raw*; None: there are more of them than anybody needs."""
    found = _END.search(raw, 0, MOST_HEADER)
    if found is None and len(raw) > MOST_HEADER:
        return None
    top = raw if found is None else raw[: found.end()]
    return _parser.parsebytes(top, headersonly=True)


def parse(raw: bytes) -> Message | None:
    """All of *raw*; None: it is made to be costly."""
    if raw.count(b"\n--") > MOST_SEPARATORS or len(re.findall(rb"boundary", raw, re.IGNORECASE)) > MOST_BOUNDARIES:
        return None
    if sum(1 for _ in zip(range(MOST_FIELDS), _FIELD.finditer(raw), strict=False)) >= MOST_FIELDS:
        return None
    try:
        return _parser.parsebytes(raw)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        # The parser promises to raise nothing, and does so now and then.
        return None


def fields(message: Message, name: str) -> list[str]:
    """The fields called *name*, from the top, unfolded, and not decoded. What is no ASCII is replaced."""
    found = []
    for value in message.get_all(name, []):
        try:
            text = str(value)
        except (UnicodeError, LookupError, ValueError):
            text = ""
        found.append(re.sub(r"[\r\n]+[ \t]*", " ", clean(text)))
    return found


def decoded(field: str) -> str:
    """The words of a field, whose encoded words are decoded; what cannot be is left."""
    try:
        return clean("".join(_word(word, charset) for word, charset in decode_header(field[:MOST_DECODED])))
    except (HeaderParseError, ValueError, LookupError, TypeError):
        return clean(field[:MOST_DECODED])


def as_text(data: bytes, charset: str | None) -> str:
    """*data* as text; where its charset is a lie, as the one that fits."""
    for name in (charset, "utf-8"):
        try:
            if name is not None and name.lower().replace("-", "_") not in _NO_CHARSETS:
                return clean(data.decode(name))
        except (UnicodeError, LookupError, ValueError):
            continue
    return clean(data.decode("latin-1"))


def clean(text: str) -> str:
    """*text* as it can be stored: NUL and half surrogates are replaced."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _word(word: bytes | str, charset: str | None) -> str:
    return word if isinstance(word, str) else as_text(word, charset)
