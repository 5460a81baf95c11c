"""A code is for whoever says it first, in private, in time; guessing does not pay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from nanoclaw.core.pairing import LIFETIME, MOST_WRONG, Code, Guessed, NoCode, Paired, judge
from nanoclaw.model.ids import UNVERIFIED, ChannelName, QuestionId, UserId
from nanoclaw.model.messages import Choice, InboundEvent
from tests.support.central import CHANNEL, NOW, said

CODE = Code(channel=CHANNEL, digits="0427", expires_at=NOW + LIFETIME)
BEFORE = NOW + LIFETIME - timedelta(seconds=1)


def private(text: str, number: int = 1) -> InboundEvent:
    return evolve(said(number), text=text, is_group=False)


@pytest.mark.parametrize("text", ["0427", " 0427\n"])
def test_whoever_says_it_is_meant(text: str) -> None:
    message = private(text)
    assert judge(message, CODE, now=BEFORE) == Paired(evolve(CODE, said_in=message.platform_message_id))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "427",
        "00427",
        "my code is 0427",
        "0427 0427",
        "\uff10\uff14\uff12\uff17",
        "\u0660\u0664\u0662\u0667",
        "042a",
        "+427",
    ],
)
def test_other_words_are_no_guess(text: str) -> None:
    assert judge(private(text), CODE, now=NOW) == NoCode()


def test_it_has_to_be_said_in_private_and_by_words() -> None:
    pressed = evolve(private("0427"), choice=Choice(question=QuestionId("q"), said="0427"))
    for message in (evolve(private("0427"), is_group=True), pressed):
        assert judge(message, CODE, now=NOW) == NoCode()


def test_nobody_becomes_an_owner_for_whom_nothing_vouches() -> None:
    forged = evolve(private("0427"), sender_id=UserId(f"{CHANNEL}:{UNVERIFIED}ada@example.org"))
    assert judge(forged, CODE, now=NOW) == NoCode()


def test_it_has_to_be_said_in_time_on_its_channel_and_only_if_there_is_one() -> None:
    assert judge(private("0427"), CODE, now=NOW + LIFETIME) == NoCode()
    assert judge(private("0428"), CODE, now=NOW + LIFETIME) == NoCode()
    assert judge(private("0427"), evolve(CODE, channel=ChannelName("other")), now=NOW) == NoCode()
    assert judge(private("0427"), None, now=NOW) == NoCode()


def test_it_is_good_once_and_for_the_message_that_said_it_again() -> None:
    paired = judge(private("0427"), CODE, now=NOW)
    assert isinstance(paired, Paired)
    assert judge(private("0427"), paired.code, now=NOW + LIFETIME) == paired
    assert judge(private("0427", number=2), paired.code, now=NOW) == NoCode()


def test_it_dies_of_too_many_wrong_ones() -> None:
    code: Code | None = CODE
    for number in range(1, MOST_WRONG + 1):
        guess = judge(private("9999", number), code, now=NOW)
        assert isinstance(guess, Guessed)
        assert guess.code is None or guess.code.wrong == number
        code = guess.code
    assert code is None
