"""What `nanoclaw status` names beside its figures."""

from __future__ import annotations

from nanoclaw.cli.look import NAMED_WAITS, _named_waits
from nanoclaw.core.signals import Waiting as NamedWait
from nanoclaw.core.signals import state_of
from nanoclaw.core.stuck import ZERO
from schema.rows import Phase


def seen(session: str, state: str, detail: str = "for 5 s") -> dict[str, object]:
    return {"session": session, "progress": {"state": state, "detail": detail}}


def test_a_session_whose_turn_waits_is_named_with_what_it_waits_for() -> None:
    signals = [seen("ses-1", "working"), seen("ses-2", "rate limit"), seen("ses-3", "waiting for a person")]
    assert _named_waits(signals) == ["ses-2: rate limit, for 5 s", "ses-3: waiting for a person, for 5 s"]


def test_every_phase_that_is_a_named_wait_is_named() -> None:
    waits = [phase for phase in Phase if phase.value.startswith("waiting_")]
    states = {state_of(NamedWait(phase=phase, age=ZERO, allowed=ZERO, turn=ZERO, left=ZERO)) for phase in waits}
    assert states == set(NAMED_WAITS)
