"""Every adapter: when a platform asks us to come later, in whichever form, we do, and nobody else waits for it.

Trio's clock is fast here, and so is the wall clock of the house.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import trio.testing
from attrs import field, frozen

from nanoclaw.channels.http import UNASKED_SECONDS
from nanoclaw.model.ids import OutboundId
from nanoclaw.model.messages import LedgerState
from tests.channels.contract.house import ContractHouse
from tests.channels.contract.putting_off import Form
from tests.channels.contract.rigs import forms_of

RATE = 20.0
BRIEFLY, AN_HOUR = 2.0, 3_600.0
ONE_PLACE = {"webhook"}
"""Kinds for which all chats are behind one address: who says there that we are to come later means all of them."""


@frozen
class AlongTrio:
    """A wall clock that goes as Trio's does."""

    begun: datetime = field(factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """As `Clock` has it."""
        return self.begun + timedelta(seconds=trio.current_time())


@pytest.fixture
def fast_clock() -> trio.testing.MockClock:
    """Real sockets, and a time of their own."""
    return trio.testing.MockClock(rate=RATE)


async def put_off(house: ContractHouse, form: Form, seconds: float) -> OutboundId:
    """The group is put off, and another chat is not; returns what waits."""
    asked = house.clock.now()
    house.rig.put_off(form, seconds)
    waits = house.say(f"to all of you {form.value}")
    await house.until(lambda: house.row(waits).error)
    row = house.row(waits)
    assert (row.state, row.attempts) == (LedgerState.PENDING, 0), f"{form}: to have asked too often is no attempt"
    wanted = timedelta(seconds=UNASKED_SECONDS if form is Form.NOTHING else seconds)
    assert row.not_before is not None
    assert asked + wanted <= row.not_before + timedelta(seconds=0.001), f"{form}: not before it may"
    assert row.not_before <= house.clock.now() + wanted, f"{form}: and not long after"
    if house.rig.kind.name in ONE_PLACE:
        return waits
    direct = house.say("to you alone", chat=house.rig.direct)
    assert (await house.settled(direct)).state is LedgerState.DELIVERED, form
    return waits


async def test_a_platform_that_says_come_later_is_obeyed_in_whichever_form_it_says_so(
    house: ContractHouse, fast_clock: trio.testing.MockClock
) -> None:
    house.patience, house.clock = 200.0, AlongTrio()
    said = []
    async with house.living():
        for form in sorted(forms_of(house.rig.kind.name), key=lambda one: one.value):
            begun = house.clock.now()
            waits, next_one = await put_off(house, form, BRIEFLY), house.say(f"and then {form.value}")
            for message in (waits, next_one):
                row = await house.settled(message)
                assert (row.state, row.attempts) == (LedgerState.DELIVERED, 1), (form, row.error)
                assert row.settled_at is not None
                assert row.settled_at - begun >= timedelta(seconds=BRIEFLY - 0.001)
            said += [f"to all of you {form.value}", f"and then {form.value}"]
        assert [one.text.strip() for one in house.rig.shown(house.rig.chat)] == said
        await put_off(house, Form.OWN, AN_HOUR)
