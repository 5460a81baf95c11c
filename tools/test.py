"""Run the whole suite with coverage, and hold the parts that promise most to their share of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUARDED = ("nanoclaw/core/*", "nanoclaw/kit/*", "nanoclaw/store/*", "nanoclaw/link/*", "schema/*")
LEAST_PERCENT = 95
SOAK_SECONDS = 7_200
"""For one test, with all its examples."""
WORKERS = max(3, min(4, os.cpu_count() or 2))
"""One more than two cores are, for what waits for sandboxes uses none."""


def main(arguments: list[str]) -> int:
    """`--soak`: the property tests with many more examples, and what waits for minutes. All else goes to pytest."""
    environment = {"NANOCLAW_SAMPLE": _sample(), **os.environ}
    if "--soak" in arguments:
        arguments.remove("--soak")
        environment["HYPOTHESIS_PROFILE"] = "soak"
        patience = ["--timeout", str(SOAK_SECONDS), "-o", f"faulthandler_timeout={SOAK_SECONDS}"]
        arguments += ["-m", "soak or not slow", *patience]
    report = [sys.executable, "-m", "coverage", "report"]
    command = [sys.executable, "-m", "pytest", "-n", str(WORKERS), "--dist", "worksteal"]
    if arguments:
        return _run([*command, *arguments], environment)
    failed = _run([*command, "--cov", "--cov-report="], environment)
    if failed:
        return failed
    shares = [_run([*report, "--include", part, "--fail-under", str(LEAST_PERCENT)], environment) for part in GUARDED]
    return max(shares)


def _sample() -> str:
    """Which part to look at of what is looked at in part: another one after each commit, and the same one again."""
    command = ["git", "rev-parse", "--short=7", "HEAD"]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return str(int(asked.stdout, 16) if asked.returncode == 0 else 0)


def _run(command: list[str], environment: dict[str, str]) -> int:
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
