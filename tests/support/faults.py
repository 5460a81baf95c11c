"""Faults on the way of a message, each as the truth and a running host have it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

from attrs import evolve

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SenderScope, UnknownSenderPolicy
from nanoclaw.model.ids import EpochNumber, OutboundId, SessionId
from nanoclaw.model.messages import Drop, EpochEnding, LedgerState
from nanoclaw.model.stories import Live
from nanoclaw.store import drops, ending, entities, epochs, inbound, ledger
from tests.support.central import CHANNEL, World, said

Prepare: TypeAlias = Callable[[World], Live | None]


def live(**known: Any) -> Live:
    """A host that runs, and knows of nothing but what is said."""
    nothing = Live(doing={}, parked={}, progress={}, stuck=frozenset(), channels=frozenset({CHANNEL}))
    return evolve(nothing, **known)


def spoken(world: World, **other: Any) -> SessionId:
    """A chat that an agent hears, and something said in it; its session."""
    session = world.session()
    world.accept(said(**other))
    return session


def answered(world: World) -> tuple[SessionId, OutboundId]:
    """Something was said, and answered; nothing of the answer is decided."""
    session = spoken(world)
    epoch = world.epoch(session)
    (row,) = inbound.open_rows(world.conn, session)
    inbound.claim(world.conn, row.id, epoch, now=world.now)
    reply = world.reply(session, epoch, 1, answers=row.id)
    inbound.settle(world.conn, row.id, error=None, now=world.wait(seconds=2))
    return session, reply


def not_wired(world: World) -> Live | None:
    """Not wired."""
    world.chat()
    world.accept(said())
    return live()


def denied(world: World) -> Live | None:
    """Denied."""
    chat = world.chat()
    entities.update_messaging_group(world.conn, evolve(chat, denied_at=world.now))
    world.accept(said())
    return live()


def not_engaged(world: World) -> Live | None:
    """Not engaged."""
    world.wire(world.chat(), world.agent(), mode=EngageMode.MENTION)
    world.accept(said(mention=False))
    return live()


def bad_pattern(world: World) -> Live | None:
    """Bad pattern."""
    wiring = world.wire(world.chat(), world.agent(), pattern="hello")
    world.conn.execute("UPDATE wirings SET engage_pattern = '(' WHERE id = ?", (wiring.id,))
    world.accept(said())
    return live()


def unknown_sender(world: World) -> Live | None:
    """Unknown sender."""
    world.wire(world.chat(policy=UnknownSenderPolicy.STRICT), world.agent())
    world.accept(said())
    return live()


def known_only(world: World) -> Live | None:
    """Known only."""
    world.wire(world.chat(), world.agent(), scope=SenderScope.KNOWN)
    world.accept(said())
    return live()


def command_denied(world: World) -> Live | None:
    """Command denied."""
    spoken(world, text="/clear")
    return live()


def filtered_command(world: World) -> Live | None:
    """Filtered command."""
    spoken(world, text="/login")
    return live()


def command_not_addressed(world: World) -> Live | None:
    """Command not addressed."""
    world.wire(world.chat(), world.agent(), mode=EngageMode.MENTION, ignored=IgnoredMessagePolicy.ACCUMULATE)
    world.accept(said(mention=False, text="/clear"))
    return live()


def only_context(world: World) -> Live | None:
    """Only context."""
    world.wire(world.chat(), world.agent(), mode=EngageMode.MENTION, ignored=IgnoredMessagePolicy.ACCUMULATE)
    world.accept(said(mention=False))
    return live()


def nobody_runs(world: World) -> Live | None:
    """Nobody runs."""
    spoken(world)
    return None


def claimed_by_the_dead(world: World) -> Live | None:
    """Claimed by the dead."""
    claimed(world)
    return None


def claimed(world: World) -> SessionId:
    """An agent has been at it for a while."""
    session = spoken(world)
    (row,) = inbound.open_rows(world.conn, session)
    inbound.claim(world.conn, row.id, world.epoch(session), now=world.now)
    world.wait(seconds=90)
    return session


def parked(world: World) -> Live | None:
    """Parked."""
    return live(parked={spoken(world): "docker: no such image"})


def no_sandbox(world: World) -> Live | None:
    """No sandbox."""
    session = spoken(world)
    epochs.end(
        world.conn, session, world.epoch(session), EpochEnding.NOT_STARTED, "docker: no such image", now=world.now
    )
    return live()


def tried_again_later(world: World) -> Live | None:
    """Tried again later."""
    session = claimed(world)
    ending.close_epoch(world.conn, session, EpochNumber(1), EpochEnding.KILLED, "", policy=RetryPolicy(), now=world.now)
    return live()


def others_before_it(world: World) -> Live | None:
    """Others before it."""
    spoken(world)
    world.wait(seconds=1)
    world.accept(said(2))
    return live()


def stuck(world: World) -> Live | None:
    """Stuck."""
    session = claimed(world)
    return live(stuck=frozenset({session}), progress={session: "stuck silent for 31 min"})


def deaf(world: World) -> Live | None:
    """Deaf."""
    session = spoken(world)
    return live(stuck=frozenset({session}), progress={session: "stuck deaf for 6 min"})


def at_work(world: World) -> Live | None:
    """At work."""
    session = claimed(world)
    return live(progress={session: "waiting for a person"})


def starting(world: World) -> Live | None:
    """Starting."""
    return live(doing={spoken(world): "waiting for a place"})


def failed(world: World) -> Live | None:
    """Failed."""
    session = spoken(world)
    (row,) = inbound.open_rows(world.conn, session)
    inbound.settle(world.conn, row.id, error="the sandbox ended 5 times while at it (killed)", now=world.now)
    return live()


def said_nothing(world: World) -> Live | None:
    """Said nothing."""
    session = spoken(world)
    (row,) = inbound.open_rows(world.conn, session)
    inbound.settle(world.conn, row.id, error=None, now=world.now)
    return live()


def dropped(reason: str, kind: str = "outbound") -> Prepare:
    """Something that the agent said was not passed on."""

    def prepare(world: World) -> Live | None:
        session = spoken(world)
        world.epoch(session)
        drop = Drop(
            key="d",
            kind=kind,
            session_id=session,
            epoch=EpochNumber(1),
            reference="r1",
            reason=reason,
            detail="the record says how",
            dropped_at=world.wait(seconds=1),
        )
        drops.record(world.conn, drop)
        (row,) = inbound.open_rows(world.conn, session)
        inbound.settle(world.conn, row.id, error=None, now=world.wait(seconds=1))
        return live()

    return prepare


def answer_waits_for_a_host(world: World) -> Live | None:
    """Answer waits for a host."""
    answered(world)
    return None


def answer_was_being_sent(world: World) -> Live | None:
    """Answer was being sent."""
    world.sent(answered(world)[1])
    return None


def answer_without_a_channel(world: World) -> Live | None:
    """Answer without a channel."""
    answered(world)
    return live(channels=frozenset())


def answer_behind_another(world: World) -> Live | None:
    """Answer behind another."""
    session, first = answered(world)
    world.wait(seconds=1)
    world.accept(said(2))
    (row,) = inbound.open_rows(world.conn, session)
    world.reply(session, EpochNumber(1), 3, answers=row.id)
    inbound.settle(world.conn, row.id, error=None, now=world.now)
    assert first
    return live()


def answer_is_sent_again_later(world: World) -> Live | None:
    """Answer is sent again later."""
    _, reply = answered(world)
    world.sent(reply)
    ledger.put_back(world.conn, reply, not_before=world.now + timedelta(seconds=30), error="test: 503")
    return live()


def nobody_there(world: World) -> Live | None:
    """Nobody there."""
    _, reply = answered(world)
    world.sent(reply)
    ledger.put_back(world.conn, reply, not_before=None, error=None, refund=True)
    return live()


def settled(state: LedgerState, error: str | None = None) -> Prepare:
    """The answer is decided."""

    def prepare(world: World) -> Live | None:
        _, reply = answered(world)
        world.sent(reply)
        ledger.settle(world.conn, reply, state, error=error, now=world.now)
        return live()

    return prepare
