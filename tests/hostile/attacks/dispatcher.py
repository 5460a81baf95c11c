"""The program of an evil sandbox: makes the attack that was ordered; afterwards, and in later lives, the honest runner.

Runs in the place of the runner, as `tests/hostile/image.py` or `tests/hostile/evil_bubblewrap.py` has it,
with the runner's own command line.
"""

from __future__ import annotations

import json
import os
import runpy
import sqlite3
import sys
from pathlib import Path

HERE = "/opt/evil"
ORDER = Path("/workspace/agent/attack.json")
INBOUND = "/nanoclaw/in/inbound.db"
IMPORTED = (HERE, "/app", "/opt/nanoclaw/packages", "/app/packages")


def main() -> None:
    """Be evil for as many epochs as were ordered, then good."""
    honest = sys.argv[2:]
    order = json.loads(ORDER.read_text()) if ORDER.exists() else None
    if order is None or epoch() > order["epochs"]:
        os.execvp(honest[0], honest)  # noqa: S606 - there is no shell, and need not be one
    os.environ["EPOCH"] = str(epoch())
    sys.path[:0] = IMPORTED
    sys.argv = [order["attack"], *order["words"]]
    runpy.run_module(f"tests.hostile.attacks.{order['attack']}", run_name="__main__")
    os.execvp(honest[0], honest)  # noqa: S606 - as above


def epoch() -> int:
    """The number of this life. The host may be writing to the file."""
    conn = sqlite3.connect(f"file:{INBOUND}?mode=ro", uri=True, timeout=10)
    try:
        return int(conn.execute("SELECT epoch FROM meta").fetchone()[0])
    finally:
        conn.close()


if __name__ == "__main__":
    main()
