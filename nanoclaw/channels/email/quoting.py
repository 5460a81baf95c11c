"""What an answer repeats of earlier mails, cut off where nothing new stands below it. Pure.

An agent has the earlier messages already. What stands between quoted lines is kept with them: it answers them. A mail
that answers none keeps all of its text, as what it passes on is what it says.
"""

from __future__ import annotations

import re

MOST_ATTRIBUTION = 3
"""Lines of a sentence such as `On Friday, Ada wrote:`."""
_FORWARDED = re.compile(r"\s*(?:fwd?|wg|i|tr|rv|enc)\s*:", re.IGNORECASE)
_ORIGINAL = re.compile(
    r"\s*-{2,}\s*(?:original message|ursprüngliche nachricht|message d'origine)\s*-{2,}\s*", re.IGNORECASE
)
_SAYS_WHO = re.compile(r"[0-9@]")
"""A date, or an address."""


def without_history(text: str, *, answers: bool, subject: str) -> str:
    """*text* of a mail without the quotation at its end; whole if nothing else would be left."""
    if not answers or _FORWARDED.match(subject):
        return text
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if _ORIGINAL.fullmatch(line[:200]) and any(one.strip() for one in lines[:number]):
            lines = lines[:number]
            break
    end = _end_of_own(lines)
    kept = "\n".join(lines[:end]).strip("\n")
    return kept if kept.strip() else text


def _end_of_own(lines: list[str]) -> int:
    """Where the block of quoted lines at the end begins, with the sentence that leads to it; without one, it is own."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].startswith(">")):
        end -= 1
    if not any(line.startswith(">") for line in lines[end:]):
        return len(lines)
    begin = end
    while begin and end - begin < MOST_ATTRIBUTION and lines[begin - 1].strip():
        begin -= 1
        sentence = " ".join(line[:300] for line in lines[begin:end]).rstrip()
        if sentence.endswith((":", "\uff1a")) and _SAYS_WHO.search(sentence):
            return begin
    return len(lines)
