"""AT-21: signs of life that are forged in every way; then a turn that never ends, in a program that will not either."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from schema.files import HEARTBEAT
from tests.hostile.attacks.evil import NOW, OUT, claim, report, words, write

(canary,) = words()
YEAR_2100 = 4_102_444_800
beat = OUT / HEARTBEAT


def state(**changes: object) -> None:
    """Say what this program is at."""
    row = {"only": 1, "tool": "x", "declared": 10**15, "started": "garbage", "phase": "turn", "at": NOW, **changes}
    sql = "INSERT OR REPLACE INTO container_state VALUES (?, ?, ?, ?, ?, ?)"
    write(lambda conn: conn.execute(sql, tuple(row.values())))


signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(500):
    os.utime(beat)
    time.sleep(0.001)
os.utime(beat, (YEAR_2100, YEAR_2100))
state()
time.sleep(0.2)
state(started="9999-12-31T23:59:59.999Z", declared=-1, at="never")
time.sleep(0.2)
forgeries: list[Callable[[], object]] = [lambda: beat.symlink_to(canary), lambda: os.mkfifo(beat), beat.mkdir]
for make in forgeries:
    beat.unlink()
    make()
    time.sleep(0.3)
    if beat.is_dir():
        beat.rmdir()
        beat.touch()
claim()
write(lambda conn: conn.execute("UPDATE processing_ack SET status_changed = 'garbage'"))
report(forged=True)
while True:
    os.utime(beat)
    time.sleep(0.001)
