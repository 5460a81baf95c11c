"""Breaks the decisions of routing in every way mutmut knows, and says how many of the breaks a test notices."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATISTICS = ROOT / "mutants" / "mutmut-cicd-stats.json"
ENOUGH = 0.9
"""The part that has to be noticed."""


def main() -> int:
    """Run mutmut as pyproject.toml says; returns 1 if too few mutants were killed."""
    shutil.rmtree(STATISTICS.parent, ignore_errors=True)  # it holds what earlier tests noticed
    mutmut = str(Path(sys.executable).with_name("mutmut"))
    subprocess.run([mutmut, "run"], cwd=ROOT, check=True)
    subprocess.run([mutmut, "results"], cwd=ROOT, check=True)
    subprocess.run([mutmut, "export-cicd-stats"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found = json.loads(STATISTICS.read_text(encoding="utf-8"))
    part = found["killed"] / found["total"]
    print(f"{found['killed']} of {found['total']} mutants killed: {part:.1%}, {ENOUGH:.0%} are wanted")
    return 0 if part >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
