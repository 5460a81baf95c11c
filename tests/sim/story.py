"""What happens in the simulated world: people talk, things break, hosts die; then all is well, and all must end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import trio
from attrs import define, field

from nanoclaw.core.digests import canonical
from nanoclaw.model.approvals import Approval, ApprovalKind, ApprovalState
from nanoclaw.model.ids import ApprovalId, MessagingGroupId, SessionId, UserId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.model.tasks import TaskState
from nanoclaw.store import tasks
from nanoclaw.store.approvals import approvals, settle
from schema.rows import bindings, insert_sql
from schema.sqlite import execute, fetch, transaction
from tests.sim.checker import CLEARED
from tests.sim.history import Decided, Fault
from tests.sim.host import HostLife
from tests.sim.platform import Platform
from tests.sim.runner import YES
from tests.sim.town import OPERATOR, PLACES, Place
from tests.sim.world import World
from tests.support.central import CHANNEL, said
from tests.support.tasks import a_task

WORDS: Final = (
    *("answer",) * 14,
    *("twice", "silent", "fail", "slow", "tool", "leave", "schedule", "poison", "ask", "ask"),
    *("crash 1", "crash 3", "hang 1", "hang 2", "garbage 1"),
)
"""What people ask of the agents. A number says how many tries go wrong before one does not."""
LENGTHS: Final = (1, 1, 1, 2, 2, 2, 3, 5)
"""How many things happen."""
PAUSES: Final = (0.0, 0.0, 0.02, 1.0, 10.0, 70.0, 700.0, 3 * 3600.0)
ASKED_SECONDS: Final = 60.0
ANSWERED: Final = ((), (5.0,), (5.0, 5.0), (20.0, 21.0), (59.0, 61.0, 62.0))
"""Seconds after which people say yes to what they had an agent ask: not at all, in time, twice, in the last moment."""
PATIENCE: Final = (2.0, 10.0, 60.0, 300.0, *(3600.0,) * 30)
"""Seconds to wait, one after the other, for everything to end once nothing goes wrong any more."""

UNDECIDED = """
SELECT 'message ' || id FROM inbound WHERE status = 'pending' AND trigger = 1
UNION ALL SELECT 'reply ' || id FROM ledger WHERE state IN ('pending', 'sending')
UNION ALL SELECT 'request ' || id FROM approvals WHERE state = 'pending'
UNION ALL SELECT 'occurrence of ' || task_id FROM occurrences WHERE outcome IS NULL
UNION ALL SELECT 'question ' || id FROM questions WHERE state = 'open'
"""


@define(eq=False)
class Story:
    """One run, from the first host to the last."""

    world: World
    _make_life: Callable[[World], HostLife]
    _nursery: trio.Nursery
    life: HostLife = field(init=False)
    host_is_away: float | None = field(default=None, init=False)
    """Seconds until the next one starts; None: as chance has it."""
    _over: bool = field(default=False, init=False)
    _said: list[tuple[Place, InboundEvent]] = field(factory=list[tuple[Place, InboundEvent]], init=False)
    undecided: tuple[str, ...] = field(default=(), init=False)
    """What never ended."""

    async def tell(self) -> None:
        """From the start of the first host to the end of the last."""
        self.life = self._make_life(self.world)
        self._nursery.start_soon(self._keep)
        await self.happen()
        self.world.weather.clear()
        self.world.history.note(CLEARED)
        self.life.mortal.steps_left = None
        self._pause_tasks()
        for platform in self.world.platforms:
            platform.news.set()
        await self._end()

    async def happen(self) -> None:
        """What may go wrong: as chance has it."""
        luck, weather = self.world.weather.luck, self.world.weather
        weather.storm = luck.choice((0.0, 0.05, 0.2))
        if weather.storm:
            self._note(f"a storm of {weather.storm}")
        for _ in range(luck.choice(LENGTHS)):
            self._something()
            await trio.sleep(luck.choice(PAUSES))

    async def _end(self) -> None:
        """Wait until everything has ended, or should have; then stop the host."""
        for seconds in PATIENCE:
            with trio.move_on_after(seconds):
                await self.world.yard.crowded.wait()
            self.undecided = self._undecided()
            if not self.undecided or self.world.yard.crowded.is_set():
                break
        self._over = True
        self.life.mortal.scope.cancel()

    def _something(self) -> None:
        """One thing happens."""
        happens: dict[Callable[[], None], int] = {
            self._say: 40,
            self._say_again: 6,
            self._kill: 24,
            self.stop: 4,
            self._turn_engine: 4,
            self._turn_disk: 4,
            self._turn_platforms: 4,
            self._restart_engine: 4,
            self.add_task: 4,
            self._put_clock: 4,
            self._ask_somebody: 4,
        }
        self.world.weather.luck.choices(list(happens), list(happens.values()))[0]()

    def _kill(self) -> None:
        self.life.mortal.steps_left = self.world.weather.luck.randint(1, 30)

    def stop(self) -> None:
        """Somebody stops the host."""
        self.life.mortal.scope.cancel()

    def _turn_engine(self) -> None:
        weather = self.world.weather
        weather.engine_away = not weather.engine_away
        self._note(f"engine away: {weather.engine_away}")

    def _turn_disk(self) -> None:
        weather = self.world.weather
        weather.disk_full = not weather.disk_full
        self._note(f"disk full: {weather.disk_full}")

    def _turn_platforms(self) -> None:
        weather = self.world.weather
        weather.platform_away = not weather.platform_away
        self._note(f"platforms away: {weather.platform_away}")

    def _restart_engine(self) -> None:
        self._note("the engine restarts")
        self.world.yard.kill_all()

    def _put_clock(self) -> None:
        clock = self.world.clock
        clock.ahead += timedelta(seconds=self.world.weather.luck.choice((-3600, -5, 30, 3600, 86400)))
        self._note(f"the clock is ahead by {clock.ahead}")

    def _note(self, fault: str) -> None:
        self.world.history.note(Fault(fault))

    async def _keep(self) -> None:
        """Start a host whenever there is none, later and later while they end at once."""
        failures = 0
        while True:
            began = trio.current_time()
            await self.life.run()
            failures = failures + 1 if trio.current_time() - began < 1.0 else 0
            away = self.world.weather.luck.choice((0.0, 1.0, 60.0)) if self.host_is_away is None else self.host_is_away
            await trio.sleep(away + 2.0 ** min(failures, 9) - 1.0)
            if self._over:
                return
            self.life = self._make_life(self.world)

    def _say(self) -> None:
        """Somebody says something that was never said before."""
        luck = self.world.weather.luck
        place, word = luck.choices(PLACES, (1, 4, 4))[0], luck.choice(WORDS)
        self.say(place, word)
        if word == "ask":
            for seconds in luck.choice(ANSWERED):
                self._nursery.start_soon(self._say_yes_later, place, seconds)

    async def _say_yes_later(self, place: Place, seconds: float) -> None:
        await trio.sleep(seconds)
        self.say_yes(place)

    def say_yes(self, place: Place) -> None:
        """Somebody says no more than that in a room."""
        self._tell(place, len(self._said) + 1, YES)

    def say(self, place: Place, word: str) -> None:
        """Somebody asks for that in a room."""
        number = len(self._said) + 1
        self._tell(place, number, f"e{number}: {word}")

    def _tell(self, place: Place, number: int, text: str) -> None:
        event = said(number, room=place.room, channel=place.channel, text=text)
        self._said.append((place, event))
        self._platform(place).say(event)

    def _say_again(self) -> None:
        """A platform has forgotten that it told us."""
        if self._said:
            place, event = self.world.weather.luck.choice(self._said)
            self._platform(place).say(event)

    def _platform(self, place: Place) -> Platform:
        return next(platform for platform in self.world.platforms if platform.name == place.channel)

    def add_task(self) -> None:
        """An operator adds a task that comes every hour."""
        world = self.world
        name = world.weather.mint("task")
        session = SessionId(str(fetch(world.conn, "SELECT id FROM sessions ORDER BY id LIMIT 1")[0]["id"]))
        now = world.clock.now()
        task = a_task(
            session,
            name,
            prompt=f"{name}: answer",
            channel=PLACES[0].channel,
            platform_id=PLACES[0].room,
            first_at=now,
            created_at=now,
            changed_at=now,
        )
        with transaction(world.conn):
            tasks.add(world.conn, task, now=now)
        self._note(f"{name} is added")
        if self.life.house is not None:
            self.life.house.changed()

    def _ask_somebody(self) -> None:
        """Something waits for a person, who answers in time, or just when it expires, or never."""
        luck, conn = self.world.weather.luck, self.world.conn
        name, now = self.world.weather.mint("apr"), self.world.clock.now()
        chat = MessagingGroupId(f"chat-{PLACES[0].channel}-{PLACES[0].room}")
        request = Approval(
            id=ApprovalId(name),
            kind=ApprovalKind.SENDER,
            subject=name,
            messaging_group_id=chat,
            payload=canonical({"sender_id": name}),
            digest="",
            requested_at=now,
            expires_at=now + timedelta(seconds=ASKED_SECONDS),
        )
        with transaction(conn):
            execute(conn, insert_sql("approvals", Approval), bindings(request))
        self._note(f"{name} is asked")
        if self.life.house is not None:
            self.life.house.changed()
        if luck.random() < 0.5:
            self._nursery.start_soon(self._answer, request, luck.choice((1.0, ASKED_SECONDS, ASKED_SECONDS + 1)))

    async def _answer(self, request: Approval, seconds: float) -> None:
        await trio.sleep(seconds)
        conn, now = self.world.conn, self.world.clock.now()
        sender, by = UserId(request.subject), UserId(f"{CHANNEL}:{OPERATOR}")
        with transaction(conn):
            settle(conn, request.kind, ApprovalState.DONE, "yes", by=by, now=now, sender=sender)
            answered = any(one.id == request.id and one.state is ApprovalState.DONE for one in approvals(conn))
        if answered:
            self.world.history.note(Decided(request.id))

    def _pause_tasks(self) -> None:
        """Whatever comes again and again shall not keep the world from coming to rest."""
        world = self.world
        with transaction(world.conn):
            for task in tasks.tasks(world.conn):
                if task.state is TaskState.ACTIVE and task.cron is not None:
                    tasks.move(world.conn, task, TaskState.PAUSED, reason="the end", now=world.clock.now())

    def _undecided(self) -> tuple[str, ...]:
        waiting = [f"event {event.platform_message_id}" for p in self.world.platforms for event in p.waiting]
        house = self.life.house
        if house is None or self.life.mortal.dead:
            return ("no host runs",)
        parked = [f"{session} is parked" for session in house.sessions._pool.parked()]
        ownerless = [
            f"an open epoch of {row['session_id']!s} belongs to nobody"
            for row in fetch(self.world.conn, "SELECT session_id FROM epochs WHERE ended_at IS NULL")
            if row["session_id"] not in house.sessions.owned()
        ]
        undecided = [str(next(iter(row.values()))) for row in fetch(self.world.conn, UNDECIDED)]
        return (*waiting, *parked, *ownerless, *undecided)
