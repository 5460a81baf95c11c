"""Striking secrets out of a line of a log: those that are known, and what looks like one. Pure.

A line of the host's is JSON already, so nothing that is struck out may reach over a quotation mark or a backslash: what
is left is the same line, with `[struck out]` in a secret's place. What a sandbox says comes in pieces, cut anywhere:
`ready` says how much of it can be struck without a secret that goes on in the next piece.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence

STRUCK = "[struck out]"
SHORTEST = 6
"""Characters: what is shorter is no secret, and would be found in everything."""
LONGEST_LINE = 8192
"""Characters of a line that is waited for; of a longer one, which has no end yet, the end is waited for no more."""
MOST_STEPS = 100
"""Back from the end of what is there, over forms that overlap: who says nothing else must not have all of it kept."""
_WORD = r'[^\s"\\,;&<>)\]}]'
_BEFORE = r"""['\\"]*\s*[:=,]\s*(?:b?['\\"]+)?"""
"""Between a name and its value: in JSON, in a header, in Python's own words for a pair of them."""
_NAMES = (
    r"(?:x-api-key|x-slack-signature|api[-_]?key|access[-_]?token|refresh[-_]?token|client[-_]?secret|password|passwd"
    r"|secret|set-cookie|cookie)"
)
_LOOKS: Sequence[re.Pattern[str]] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # A name that tells what follows; the first group stays.
        rf"((?:proxy-)?authorization{_BEFORE}(?:(?:bearer|basic|bot|token|digest)\s+)?){_WORD}+",
        rf"(\b(?:bearer|basic)\s+){_WORD}{{8,}}",
        rf"({_NAMES}{_BEFORE}){_WORD}{{4,}}",
        rf"(#login=|[?&](?:token|key|sig|signature|access_token|secret)=){_WORD}+",
        r'(://)[^\s"\\/@:]*:[^\s"\\/@]+(?=@)',
        # Secrets that can be told by how they begin.
        r"()sk-[a-z]{2,5}-[A-Za-z0-9_-]{8,}",
        r"()xox[a-z]-[A-Za-z0-9-]{8,}|()xapp-[A-Za-z0-9-]{8,}",
        r"(\bbot|\b)\d{6,12}:[A-Za-z0-9_-]{30,}",
        r"()\bgh[pousr]_[A-Za-z0-9]{20,}|()\bgithub_pat_\w{20,}",
        r"()\blin_(?:api|wh)_\w{16,}|()\bsyt_\w{10,}|()\bmat_\w{16,}",
        r"()\b[MNO][A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6,7}\.[A-Za-z\d_-]{27,}",
    )
)


def forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Every way in which one of *secrets* may stand in a line, the longest first."""
    found = {one for one in secrets if len(one) >= SHORTEST}
    # Python's own words for a text and for bytes, as they stand in exceptions.
    spoken = found | {repr(one)[1:-1] for one in found} | {repr(one.encode(errors="replace"))[2:-1] for one in found}
    written = {json.dumps(one, ensure_ascii=True)[1:-1] for one in spoken}
    found |= spoken
    return tuple(sorted(found | written, key=lambda one: (-len(one), one)))


def strike(text: str, known: Collection[str]) -> str:
    """*text* without what is *known* to be secret, in one of its `forms`, and without what looks like it."""
    for secret in known:
        if secret in text:
            text = text.replace(secret, STRUCK)
    for look in _LOOKS:
        text = look.sub(_keep_name, text)
    return text


def ready(text: str, known: Collection[str]) -> int:
    """How many characters of *text*, which goes on, can be struck and let go: those of its whole lines.

    None of the *known* forms is cut, nor begins before that place and may go on in what is still to come. What only
    looks like a secret is not cut unless its line is longer than `LONGEST_LINE`.
    """
    end = text.rfind("\n") + 1
    if len(text) - end > LONGEST_LINE:
        end = len(text)
    for _ in range(MOST_STEPS):
        place = min((_begins(text, form, end) for form in known), default=end)
        if place == end:
            break
        end = place
    return end


def _begins(text: str, form: str, end: int) -> int:
    """Where *form* begins that stands on both sides of *end*, or may once *text* goes on; *end*: nowhere."""
    place = text.find(form[0], max(0, end - len(form) + 1), end)
    while place >= 0:
        if form.startswith(text[place : place + len(form)]):
            return place
        place = text.find(form[0], place + 1, end)
    return end


def _keep_name(found: re.Match[str]) -> str:
    return f"{next((group for group in found.groups() if group), '')}{STRUCK}"
