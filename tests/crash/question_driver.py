"""The scenario "a question, shown, answered, taken up": dies at every await point; a JSON line a run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import trio

from nanoclaw.actors.absorb import absorb
from nanoclaw.actors.delivery import Delivery
from nanoclaw.actors.ingress import Ingress
from nanoclaw.channels.base import Stored
from nanoclaw.core.speech import Ability
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.tree import TreeNode
from nanoclaw.link.report import AckRow, OutRow, Report
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.store import ledger
from nanoclaw.store.db import Database, open_database
from nanoclaw.store.opening import open_writer
from nanoclaw.store.sessions import session_place
from nanoclaw.store.verify import verify
from schema import payloads, sqlite
from schema.payloads import AskQuestion
from schema.rows import AckStatus, OutKind
from schema.sqlite import Connection, fetch
from tests.crash.lives import run_lives
from tests.support.central import CHANNEL, NOW, World, said
from tests.support.crash import Killer
from tests.support.questions import TEA_OR_COFFEE
from tests.support.scripted_channel import ScriptedChannel

LOOK_SECONDS = 0.002
EPOCH = EpochNumber(1)
ASKED = AskQuestion(question_id="q1", title="Drinks", question="Which?", options=TEA_OR_COFFEE, timeout_seconds=3_600)


def make_template(path: Path) -> None:
    """A session whose agent works on what Ada has said."""
    writer = open_writer(path)
    world = World(conn=writer.conn)
    session = world.session()
    world.accept(said(1))
    world.epoch(session)
    writer.close()


def dies_at_an_await_point(path: Path, step: int) -> None:
    """Live it through; die before task step *step*, the closing of the database included."""
    killer = Killer(at=step)
    trio.run(_live, path, killer.arm, instruments=[killer])


async def _live(path: Path, arm: Callable[[], None]) -> None:
    async with open_database(path) as store:
        arm()
        channel = ScriptedChannel(CHANNEL, keyed=True)
        channel.abilities = frozenset(Ability)
        spool = Spool(Path())
        delivery = Delivery(store, SystemClock(), spool, {CHANNEL: channel}, lambda _: None, TreeNode("delivery"))
        ingress = Ingress(store, SystemClock(), spool, {CHANNEL: False}, *(lambda _: None,) * 2, delivery.nudge)
        async with trio.open_nursery() as nursery:
            await nursery.start(delivery.run)
            await _converse(store, delivery, ingress)
            nursery.cancel_scope.cancel()


async def _converse(store: Database, delivery: Delivery, ingress: Ingress) -> None:
    """What an agent, its platform and a person do; each of them says again what nobody has acknowledged."""
    await _absorb(store, delivery, rows=(_question(await store.read(_heard)),), acks=())
    while await store.read(ledger.lanes):  # noqa: ASYNC110 - in a second life nothing may be left to wait for
        await trio.sleep(LOOK_SECONDS)
    assert await ingress.receive(said(2, text="coffee")) == Stored(answers_for="1")
    done = ("answer-q1", await store.read(_heard))
    acks = tuple(AckRow(message_id=name, status=AckStatus.COMPLETED, error=None) for name in done)
    await _absorb(store, delivery, rows=(), acks=acks)


async def _absorb(store: Database, delivery: Delivery, *, rows: tuple[OutRow, ...], acks: tuple[AckRow, ...]) -> None:
    place = await store.read(_place)
    report = Report(rows=rows, bad=(), acks=acks, states=(), tool=None, cursor=1, more=False)
    absorbed = await store.transact(absorb, place, EPOCH, report, now=NOW)
    delivery.nudge(absorbed.lanes)


def _place(conn: Connection) -> SessionPlace:
    found = session_place(conn, SessionId(str(fetch(conn, "SELECT id FROM sessions")[0]["id"])))
    assert found is not None
    return found


def _heard(conn: Connection) -> str:
    (row,) = fetch(conn, "SELECT id FROM inbound WHERE kind = 'chat'")
    return str(row["id"])


def _question(answers: str) -> OutRow:
    return OutRow(
        rowid=1,
        id="out-3",
        seq=3,
        in_reply_to=answers,
        timestamp=NOW,
        deliver_after=None,
        kind=OutKind.ASK_QUESTION,
        destination=None,
        payload=ASKED,
        content=payloads.write(ASKED),
        digest="digest",
    )


def what_is_wrong(path: Path, whole: bool) -> list[str]:
    """What `nanoclaw verify` finds, and whatever is there twice; after a *whole* life, also what is missing."""
    conn = sqlite.open_read_only(path)
    try:
        problems = verify(conn, path.parent, host=None, now=SystemClock().now())
        asked = fetch(
            conn, "SELECT q.state, q.answer, l.state AS sent FROM questions q JOIN ledger l ON l.id = ledger_id"
        )
        answers = fetch(conn, "SELECT status FROM inbound WHERE kind = 'system'")
        messages = sqlite.integer(conn, "SELECT count(*) FROM ledger WHERE about IS NULL")
    finally:
        conn.close()
    # The epoch is open, as it is while its sandbox lives.
    wrong = [f"{one.what}: {one.where}" for one in problems if "left open" not in one.what]
    if len(asked) > 1 or len(answers) > 1 or messages > 1:
        wrong.append(f"{len(asked)} questions, {len(answers)} answers, {messages} messages")
    if any((row["state"] == "answered") != bool(answers) for row in asked):
        wrong.append("the question was answered, and its agent has no answer; or the other way round")
    if whole and (asked, answers) != (
        [{"state": "answered", "answer": "coffee", "sent": "delivered"}],
        [{"status": "completed"}],
    ):
        wrong.append(f"it ended with {asked} and {answers}")
    return wrong


if __name__ == "__main__":
    sys.exit(run_lives((dies_at_an_await_point,), make_template, what_is_wrong))
