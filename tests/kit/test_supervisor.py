"""`supervise`: order, restarts, giving up, stopping in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from nanoclaw.errors import RestartIntensityError
from nanoclaw.kit.restart import Restart, RestartPolicy
from nanoclaw.kit.supervisor import ChildSpec, Service, supervise
from tests.kit.logged import Logged


def failing_every(seconds: float, starts: list[float]) -> Service:
    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        starts.append(trio.current_time())
        task_status.started()
        await trio.sleep(seconds)
        raise ValueError("boom")

    return run


def noting(events: list[str], name: str, stops_for: float = 1, starts_for: float = 0) -> Service:
    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        try:
            await trio.sleep(starts_for)
            events.append(f"{name} up")
            task_status.started()
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(stops_for, shield=True):
                await trio.sleep_forever()
            events.append(f"{name} down at {trio.current_time():g}")

    return run


async def serve_until(seconds: float, *children: ChildSpec) -> None:
    with trio.move_on_after(seconds):
        await supervise(*children)


async def test_children_start_in_order_and_stop_in_reverse(autojump_clock: MockClock) -> None:
    events: list[str] = []
    await serve_until(5, *(ChildSpec(id=name, run=noting(events, name)) for name in "ab"))
    assert events == ["a up", "b up", "b down at 6", "a down at 7"]


async def test_the_next_child_waits_until_the_one_before_is_ready(
    autojump_clock: MockClock,
) -> None:
    ready_at: list[float] = []

    async def last(*, task_status: trio.TaskStatus[None]) -> None:
        ready_at.append(trio.current_time())
        task_status.started()

    async with trio.open_nursery() as nursery:
        slow = ChildSpec(id="slow", run=noting([], "slow", starts_for=3))
        once = ChildSpec(id="last", run=last, restart=Restart.TRANSIENT)
        await nursery.start(supervise, slow, once)
        assert trio.current_time() == 3
        nursery.cancel_scope.cancel()
    assert ready_at == [3]


async def test_a_failing_child_is_restarted_with_growing_delays(autojump_clock: MockClock) -> None:
    starts: list[float] = []
    policy = RestartPolicy(intensity=3, period=60, first_delay=1)

    def says(exc: RestartIntensityError) -> bool:
        return (exc.child, exc.restarts) == ("flaky", 3) and isinstance(exc.__cause__, ValueError)

    with pytest.RaisesGroup(pytest.RaisesExc(RestartIntensityError, check=says)):
        await supervise(ChildSpec(id="flaky", run=failing_every(10, starts)), policy=policy)
    assert starts == pytest.approx([0, 11, 23, 37])


async def test_slow_failures_are_forgiven_for_ever(autojump_clock: MockClock) -> None:
    starts: list[float] = []
    policy = RestartPolicy(intensity=1, period=5, first_delay=0)
    with trio.move_on_after(100):
        await supervise(ChildSpec(id="hourly", run=failing_every(10, starts)), policy=policy)
    assert len(starts) == 10


async def test_a_temporary_child_may_fail_and_is_left_alone(autojump_clock: MockClock) -> None:
    starts: list[float] = []
    failing = failing_every(1, starts)
    await serve_until(100, ChildSpec(id="once", run=failing, restart=Restart.TEMPORARY))
    assert starts == [0]


async def test_a_permanent_child_that_returns_is_started_again(autojump_clock: MockClock) -> None:
    starts: list[float] = []

    async def brief(*, task_status: trio.TaskStatus[None]) -> None:
        starts.append(trio.current_time())
        task_status.started()

    await serve_until(0.2, ChildSpec(id="brief", run=brief))
    assert starts == pytest.approx([0, 0.1])


async def test_a_restart_that_fails_before_it_is_ready_counts_as_a_failure(
    autojump_clock: MockClock,
) -> None:
    starts: list[float] = []

    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        starts.append(trio.current_time())
        if len(starts) == 1:
            task_status.started()
        raise ValueError("boom")

    policy = RestartPolicy(intensity=2, first_delay=1)
    with pytest.RaisesGroup(RestartIntensityError):
        await supervise(ChildSpec(id="a", run=run), policy=policy)
    assert starts == [0, 1, 3]


async def test_a_child_that_never_becomes_ready_fails_the_supervisor() -> None:
    events: list[str] = []

    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        raise OSError("port taken")

    with pytest.RaisesGroup(pytest.RaisesGroup(OSError)):
        await supervise(
            ChildSpec(id="store", run=noting(events, "store", stops_for=0)),
            ChildSpec(id="web", run=run),
        )
    assert [event[:8] for event in events] == ["store up", "store do"]


async def test_giving_up_stops_the_siblings_in_reverse(autojump_clock: MockClock) -> None:
    events: list[str] = []
    policy = RestartPolicy(intensity=0)
    with pytest.RaisesGroup(RestartIntensityError):
        await supervise(
            ChildSpec(id="a", run=noting(events, "a")),
            ChildSpec(id="bad", run=failing_every(1, [])),
            ChildSpec(id="b", run=noting(events, "b")),
            policy=policy,
        )
    assert events == ["a up", "b up", "b down at 2", "a down at 3"]


async def test_two_children_with_one_id_are_refused() -> None:
    child = ChildSpec(id="a", run=noting([], "a"))
    with pytest.raises(ValueError, match="same id"):
        await supervise(child, child)


async def test_a_child_that_does_not_stop_in_time_holds_up_nobody(autojump_clock: MockClock, logged: Logged) -> None:
    events: list[str] = []
    await serve_until(
        5,
        ChildSpec(id="a", run=noting(events, "a")),
        ChildSpec(id="stuck", run=noting(events, "stuck", stops_for=300), stop_seconds=2),
    )
    # a is asked to stop at 7, when the patience with the stuck one ends.
    assert events[2:] == ["a down at 8", "stuck down at 305"]
    assert [(entry["event"], entry["child"]) for entry in logged] == [("child_does_not_stop", "stuck")]


async def test_a_cancellation_in_the_moment_a_child_becomes_ready_ends_that_child_too(
    autojump_clock: MockClock,
) -> None:
    events: list[str] = []
    scope = trio.CancelScope()

    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        scope.cancel()
        await trio.sleep_forever()

    with scope:
        await supervise(ChildSpec(id="a", run=noting(events, "a")), ChildSpec(id="late", run=run))
    assert events == ["a up", "a down at 1"]


async def test_a_start_that_is_cancelled_halfway_is_waited_for(autojump_clock: MockClock) -> None:
    events: list[str] = []

    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        with trio.move_on_after(2, shield=True):  # a step that has to be finished
            await trio.sleep_forever()
        task_status.started()
        await trio.sleep_forever()

    await serve_until(1, ChildSpec(id="a", run=noting(events, "a")), ChildSpec(id="late", run=run))
    assert events == ["a up", "a down at 3"]


async def test_a_child_waiting_for_its_restart_stops_at_once(autojump_clock: MockClock) -> None:
    policy = RestartPolicy(first_delay=30)
    with trio.move_on_after(5):
        await supervise(ChildSpec(id="a", run=failing_every(1, [])), policy=policy)
    assert trio.current_time() == 5


async def raise_at_once() -> None:
    raise ValueError("clean-up failed")


async def raise_beside_a_task() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        raise ValueError("clean-up failed")


async def swallow() -> None:
    """Return, as a careless service might."""


@pytest.mark.parametrize("clean_up", [raise_at_once, raise_beside_a_task, swallow])
async def test_what_a_child_does_while_stopping_goes_no_further(
    autojump_clock: MockClock, clean_up: Callable[[], Awaitable[None]], logged: Logged
) -> None:
    events: list[str] = []

    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            await clean_up()

    a = ChildSpec(id="a", run=noting(events, "a"))
    await serve_until(5, a, ChildSpec(id="careless", run=run))
    assert events == ["a up", "a down at 6"]
    told = [] if clean_up is swallow else ["child_failed_while_stopping"]
    assert [entry["event"] for entry in logged] == told
