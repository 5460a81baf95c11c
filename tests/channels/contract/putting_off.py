"""The forms in which platforms say when to come again, with the answer 429."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum

from tests.support.fake_http import Reply


class Form(Enum):
    """How it is said."""

    OWN = "as the platform has it"
    SECONDS = "whole seconds in a header"
    FRACTION = "seconds with a fraction in a header"
    DATE = "a date in a header"  # of HTTP, by the other's clock, which is wrong
    NOTHING = "not at all"


EVERY_FORM = frozenset(Form)
"""Of a platform that speaks HTTP: a proxy before it has forms of its own."""
WRONG_BY = timedelta(days=-400)


def put_off(form: Form, seconds: float, own: Callable[[float], Reply]) -> Reply:
    """An answer that asks us to come again after *seconds*; *own* is the platform's own form."""
    match form:
        case Form.OWN:
            return own(seconds)
        case Form.SECONDS:
            return Reply(status=429, headers={"retry-after": f"{seconds:.0f}"})
        case Form.FRACTION:
            return Reply(status=429, headers={"retry-after": f"{seconds:.3f}"})
        case Form.DATE:
            there = datetime.now(UTC) + WRONG_BY
            dates = [format_datetime(one, usegmt=True) for one in (there, there + timedelta(seconds=seconds))]
            return Reply(status=429, headers=dict(zip(("date", "retry-after"), dates, strict=True)))
        case Form.NOTHING:
            return Reply(status=429)
