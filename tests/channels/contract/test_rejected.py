"""Where a platform says later that a message did not arrive: it is on record, and nobody else can say so."""

from __future__ import annotations

import json

import pytest

from nanoclaw.model.messages import LedgerState
from nanoclaw.store import dead
from nanoclaw.store.ledger import Lane
from schema.sqlite import fetch
from tests.channels.contract.house import ContractHouse
from tests.channels.email.rig import EmailRig
from tests.support.email.reports import report

pytestmark = pytest.mark.parametrize("house", ["email"], indirect=True)


def mails_of(house: ContractHouse) -> EmailRig:
    assert isinstance(house.rig, EmailRig)
    return house.rig


def notes(house: ContractHouse) -> list[str]:
    found = fetch(house.world.conn, "SELECT content FROM inbound WHERE kind = 'system'")
    return [json.loads(str(row["content"]))["text"] for row in found]


async def test_a_mail_that_comes_back_is_rejected_and_its_agent_is_told(house: ContractHouse) -> None:
    rig = mails_of(house)
    async with house.living():
        message = house.say("hello")
        row = await house.settled(message)
        (shown,) = rig.shown(rig.chat)
        rig.host.arrive(report(shown.id.partition(" ")[0], "ada@example.org"))
        await house.until(lambda: house.row(message).state is LedgerState.REJECTED)
        assert row.state is LedgerState.DELIVERED
        assert house.row(message).error == (
            "a mail server reported that it did not arrive: there is no such address (5.1.1)"
        )
        await house.heard(await rig.say("and on"))
        dead.retry(house.world.conn, house.row(message), now=house.clock.now())
        house.delivery.nudge([Lane(house.name, rig.chat)])
        assert (await house.settled(message)).state is LedgerState.DELIVERED
        assert len(rig.shown(rig.chat)) == 2, "a person has mended the address"
    (note,) = notes(house)
    assert "is rejected" in note
    assert "Ignore" not in note, "what a mail server says is nothing for an agent"
    assert house.stored() == ["and on"]


async def test_a_report_that_is_quicker_than_our_own_record_is_heard(house: ContractHouse) -> None:
    rig = mails_of(house)
    rig.host.bounce = lambda to, raw: report(raw.partition(b"Message-ID: <")[2].partition(b">")[0].decode(), to)
    async with house.living():
        message = house.say("hello")
        await house.until(lambda: house.row(message).state is LedgerState.REJECTED)


async def test_forged_reports_reject_nothing(house: ContractHouse) -> None:
    rig = mails_of(house)
    async with house.living():
        message = house.say("hello")
        await house.settled(message)
        (shown,) = rig.shown(rig.chat)
        own = shown.id.partition(" ")[0]
        for about, recipient in (
            ("said-1@example.org", "ada@example.org"),
            (f"nanoclaw.{'0' * 40}@example.org", "ada@example.org"),
            (own, "eve@example.org"),
        ):
            rig.host.arrive(report(about, recipient))
        rig.host.arrive(report(own, "ada@example.org", action="delayed"))
        await house.heard(await rig.say("and on"))
    assert house.row(message).state is LedgerState.DELIVERED
    assert notes(house) == []
