"""What a reader sees as one sign though it is written with several: not to be cut. Pure.

A good part of Unicode's rules for grapheme clusters (UAX #29), with those for emoji: marks and modifiers stay with
what they change, joined emoji with one another, the two letters of a flag, and the parts of a Korean syllable.
"""

from __future__ import annotations

import unicodedata

JOINER = "\u200d"
_MARKS = {"Mn", "Mc", "Me"}


def is_one_sign(text: str, at: int) -> bool:
    """Would a cut before *text*[*at*] part what is seen as one sign?"""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before == "\n":
        return False
    if after == JOINER or before == JOINER or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if unicodedata.category(after) in _MARKS or "\U000e0020" <= after <= "\U000e007f":
        return True
    if "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff":
        return True
    if _is_flag(before) and _is_flag(after):
        letters = 0
        while letters < at and _is_flag(text[at - 1 - letters]):
            letters += 1
        return letters % 2 == 1
    return (before, after) == ("\r", "\n") or _is_one_syllable(before, after)


def _is_flag(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"


def _is_one_syllable(before: str, after: str) -> bool:
    leads, whole = "\u1100" <= before <= "\u115f", "\uac00" <= before <= "\ud7a3"
    middle, last = "\u1160" <= after <= "\u11a7", "\u11a8" <= after <= "\u11ff"
    if leads:
        return "\u1100" <= after <= "\u11a7" or "\uac00" <= after <= "\ud7a3"
    return (middle or last) and (whole or "\u1160" <= before <= "\u11ff")
