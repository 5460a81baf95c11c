"""An outbox that is no database any more: quarantined with its reason, and the agent goes on with a fresh one."""

from __future__ import annotations

from tests.conftest import Figures
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil

SANDBOXES = 6
LIVES = 2
"""Of each that are evil: at the third failure within a minute a session is parked."""
REASONS = {"header", "unreadable", "corrupt", "schema", "missing", "worker-died", "deadline", "nonsense"}


def test_damaged_outboxes_are_read_or_quarantined_once_and_the_agent_answers_from_a_fresh_one(
    build_town: BuildTown, figures: Figures
) -> None:
    """AT-01, a sample: six sandboxes install their share of sixty damaged files, ten a second.

    The 10^5 mutations go through the same customs in tests/link/test_mutations.py.
    """
    evils = [
        Evil(name=f"evil-{n}", attack="at_01_damaged_outbox", words=[str(n), str(SANDBOXES)], epochs=LIVES)
        for n in range(SANDBOXES)
    ]
    with build_town(*evils) as there:
        there.wake_all()
        for evil in evils:
            there.await_answer(evil.name)
            endings = there.endings(evil.name)
            assert [ending for ending, _ in endings] == ["quarantined"] * LIVES
            assert {detail.partition(":")[0] for _, detail in endings} <= REASONS, endings
        figures(quarantined=LIVES * SANDBOXES)
