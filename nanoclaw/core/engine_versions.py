"""Which container engines have holes that a sandbox could leave by."""

from __future__ import annotations

import re

LEAST_ENGINE = (25, 0, 5)
"""Before it, the resolver of a network without a way out answered for the world (CVE-2024-29018)."""
LEAST_RUNC = {(1, 2): (1, 2, 8), (1, 3): (1, 3, 3), (1, 4): (1, 4, 0)}
"""By branch: before it, masked paths and /dev could be redirected into the machine (CVE-2025-31133, 52565, 52881)."""
FIXED_CANDIDATE = 3
"""The release candidate of 1.4.0 that has the repair as well."""
OVERRIDE = "[sandbox] allow_old_engine = true"

NUMBERS = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-~]rc\.?(\d+))?", re.ASCII)


def old_engine(engine: str, runc: str | None) -> str | None:
    """Why Docker's *engine* with *runc* is too old to hold an agent, and what to do; None if it is not.

    A version that cannot be read is too old. Without a *runc*, which is another runtime, only the engine counts.
    """
    found = _numbers(engine)
    if found is None or found[0] < LEAST_ENGINE:
        return _say(f"Docker Engine {engine} is older than {_dotted(LEAST_ENGINE)}")
    return old_runtime(runc)


def old_runtime(runc: str | None) -> str | None:
    """Why *runc* is too old, whichever engine starts it; None if it is not, or is another runtime."""
    if runc is not None and not _runc_is_repaired(runc):
        return _say(f"runc {runc} is older than {_dotted(LEAST_RUNC[(1, 2)])}, or of a branch without that repair")
    return None


def _runc_is_repaired(runc: str) -> bool:
    found = _numbers(runc)
    if found is None:
        return False
    version, candidate = found
    least = LEAST_RUNC.get(version[:2])
    if least is None:
        return version[:2] > max(LEAST_RUNC)
    if version == least and candidate is not None:
        return version[:2] == (1, 4) and candidate >= FIXED_CANDIDATE
    return version >= least


def _numbers(text: str) -> tuple[tuple[int, int, int], int | None] | None:
    """Major, minor, patch, and which release candidate."""
    match = NUMBERS.match(text)
    if match is None:
        return None
    major, minor, patch, candidate = match.groups()
    return (int(major), int(minor), int(patch or 0)), None if candidate is None else int(candidate)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _say(what: str) -> str:
    return (
        f"{what}, and has known holes: upgrade it, or say that you accept them ({OVERRIDE} in nanoclaw.toml, where it "
        "may still be better than no container at all)"
    )
