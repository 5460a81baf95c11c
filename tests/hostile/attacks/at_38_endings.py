"""AT-38: ends, in the middle of a turn, in one of the ways a container can. Words: which."""

from __future__ import annotations

import os
import sys
import time

from tests.hostile.attacks.evil import claim, hang, report, words

(kind,) = words()
if kind == "instantly":
    sys.exit(0)
claim()
report(claimed=kind)
time.sleep(0.3)
match kind:
    case "0" | "1" | "137":
        sys.exit(int(kind))
    case "memory":
        hoard = []
        while True:
            hoard.append(bytearray(os.urandom(1 << 20)) * 16)
    case _:
        pass
hang()
