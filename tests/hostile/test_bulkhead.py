"""Twenty evil agents at once, each with another attack, over and over; five good rooms notice nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.conftest import Figures
from tests.hostile.conftest import BuildTown
from tests.hostile.measures import use_of
from tests.hostile.residents import Evil
from tests.hostile.town import Town, until

SECONDS = 45
GOOD = 5
PAUSE_SECONDS = 0.25
ALWAYS = 1_000
MOST_WORKERS = 6
SHADOW, OTHER = "/etc/shadow", "/nanoclaw/out/../../other"


def zoo(*orders: str) -> tuple[str, ...]:
    """For the attack on file types: these, in turn, for as long as it lives."""
    return (SHADOW, OTHER, *(orders * ALWAYS))


ATTACKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("at_01_damaged_outbox", ("0", "3")),
    ("at_01_damaged_outbox", ("1", "3")),
    ("at_02_hot_journal", ("hot", "stay", SHADOW)),
    ("at_02_hot_journal", ("hot-relative", "exit", SHADOW)),
    ("at_02_hot_journal", ("sparse", "stay", SHADOW)),
    ("at_03_inbox", ()),
    ("at_04_wal", ("flipped",)),
    ("at_04_wal", ("honest",)),
    ("at_05_file_types", zoo("outbound.db:link", "outbound.db:fifo", "outbound.db:flicker")),
    ("at_05_file_types", zoo("outbound.db:socket", "outbound.db:folder", "outbound.db:gone")),
    ("at_05_file_types", zoo("outbound.db-journal:link", "outbound.db-journal:socket")),
    ("at_06_locks", ("inbox",)),
    ("at_06_locks", ("lease",)),
    ("at_07_bombs", ("sparse", "large", "files") * ALWAYS),
    ("at_07_bombs", ("rows", "entries", "long-row") * ALWAYS),
    ("at_08_corpus", ("F10/view", "F12/a-page-that-is-its-own-child") * ALWAYS),
    ("at_08_corpus", ("F10/generated-column", "F10/many-tables") * ALWAYS),
    ("at_08_corpus", ("poison",) * ALWAYS),
    ("at_10_outgoing_files", (SHADOW, "500")),
    ("at_11_replay", ()),
)


def test_twenty_attacks_at_once_slow_nobody_down(build_town: BuildTown, figures: Figures) -> None:
    """AT-12, scaled from ten minutes. A session that fails three times within a minute is parked, as it should be."""
    evils = [
        Evil(name=f"evil-{n}", attack=attack, words=words, epochs=ALWAYS, limits='{"cpus": 0.12, "memory": "256m"}')
        for n, (attack, words) in enumerate(ATTACKS)
    ]
    with build_town(*evils, good=GOOD) as there:
        before, begin = use_of(there.host.pid).cpu, time.monotonic()
        there.wake_all()
        # There is always something to do for each, but people do not all speak at once.
        for number in range(round(SECONDS / PAUSE_SECONDS)):
            time.sleep(PAUSE_SECONDS)
            there.say(evils[number % len(evils)].name, 2 + number)
        until(lambda: lives(there, evils) > len(evils), what=lambda: lives(there, evils))
        cpu = (use_of(there.host.pid).cpu - before) / (time.monotonic() - begin)
        ended = lives(there, evils)
        assert cpu < 1, "of one core"
        assert there.most.workers <= MOST_WORKERS
        assert "root:" not in there.all_text()
        figures(epochs_ended=ended, cpu_percent=round(100 * cpu), workers=there.most.workers)


def lives(there: Town, evils: Sequence[Evil]) -> int:
    """How many evil ones are over."""
    return sum(len(there.endings(evil.name)) for evil in evils)
