"""The gateway's process, whose host says nothing: it waits for so long and then does nothing."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from attrs import define, field

from nanoclaw.core.egress import Policy
from nanoclaw.core.model_requests import Refuse
from nanoclaw.core.model_usage import Counted, Meter
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.frames import Allowed, Answer, Found, Granted, MayCall, MayReach, ToHost, Took, Unanswerable
from nanoclaw.gateway.host_line import ANSWER_SECONDS, SILENT_SECONDS, TURN_SECONDS, HostLine
from nanoclaw.model.ids import SessionId

SESSION = SessionId("ses-1")


@define(eq=False)
class Host:
    """What was said to it, and what it answers at once, if anything."""

    answer: Found | None = None
    said: list[ToHost] = field(factory=list[ToHost])
    takes: bool = True
    """Can it hear what is said, whatever becomes of the process?"""
    line: HostLine = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.line = HostLine(self.hear)

    def hear(self, said: ToHost) -> bool:
        self.said.append(said)
        if isinstance(said, MayCall | MayReach) and self.answer is not None:
            self.line.answered(Answer(number=said.number, found=self.answer))
        return self.takes

    async def beat(self) -> None:
        while True:
            self.line.beat()
            await trio.sleep(1)

    async def call(self) -> Meter | Refuse:
        async with self.line.turn(SESSION, True) as found:
            return found


async def test_a_host_that_is_silent_lets_no_call_pass(autojump_clock: trio.testing.MockClock) -> None:
    host = Host()
    found = await host.call()
    assert isinstance(found, Refuse)
    assert (found.status, found.again) == (503, True)
    assert trio.current_time() == pytest.approx(SILENT_SECONDS)
    assert host.said[-1] == Took(number=1, counted=Counted(), over=True), "it is told that nobody waits any more"


async def test_one_that_is_there_is_waited_for_while_another_call_has_its_turn_and_not_for_ever(
    autojump_clock: trio.testing.MockClock,
) -> None:
    host = Host()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(host.beat)
        assert isinstance(await host.call(), Refuse)
        nursery.cancel_scope.cancel()
    assert trio.current_time() == pytest.approx(TURN_SECONDS)


async def test_a_host_that_does_not_say_what_is_allowed_allows_nothing(autojump_clock: trio.testing.MockClock) -> None:
    host = Host()
    with pytest.raises(UnreachableError, match="does not say"):
        await host.line.policy(1)
    assert trio.current_time() == pytest.approx(min(ANSWER_SECONDS, SILENT_SECONDS))
    host.line.answered(Answer(number=1, found=Allowed(way=1, policy=Policy())))  # too late: nobody has it


@pytest.mark.parametrize("answer", [Granted(), Unanswerable(why="the host cannot read what is allowed")])
async def test_an_answer_to_another_question_allows_nothing_either(answer: Found) -> None:
    with pytest.raises(UnreachableError):
        await Host(answer).line.policy(1)
    assert isinstance(await Host(Allowed(way=1, policy=Policy())).call(), Refuse)


async def test_what_is_allowed_is_said_once_and_asked_each_time() -> None:
    host = Host(Allowed(way=1, policy=Policy(agent="ada")))
    assert await host.line.policy(1) == Policy(agent="ada")
    host.answer = Allowed(way=1, policy=None)
    assert await host.line.policy(1) == Policy(agent="ada")
    assert len(host.said) == 2
    host.line.shut(1)
    with pytest.raises(UnreachableError):
        await host.line.policy(1)


async def test_what_a_call_may_cost_is_said_before_its_bytes_go_out_and_while_an_answer_comes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    host = Host(Granted())
    async with host.line.turn(SESSION, True) as meter:
        assert isinstance(meter, Meter)
        meter.asked(300)
        assert host.said[-1] == Took(number=1, counted=Counted(read=100, estimated=True))
        meter.put()
        meter.begins(200, b"application/json", b"")
        await trio.sleep(1)
        meter.heard(b'{"usage": {"input_tokens": 7, ')
        assert host.said[-1] == Took(number=1, counted=Counted(read=100, written=10, estimated=True))
        meter.heard(b'"output_tokens": 5}}')
    assert host.said[-1] == Took(number=1, counted=Counted(read=7, written=5), over=True)
