"""The filter for system calls that every container gets: what is not listed in seccomp.json is refused."""

from __future__ import annotations

import json
from importlib.resources import files


def seccomp_profile() -> str:
    """The profile as one line of JSON: a daemon wants its text, not its path."""
    text = (files("nanoclaw.sandboxes") / "seccomp.json").read_text(encoding="utf-8")
    return json.dumps(json.loads(text), separators=(",", ":"))
