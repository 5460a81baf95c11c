"""What a session's actor has of this machine: its link, the files that are open of that, what its sandbox takes."""

from __future__ import annotations

from nanoclaw.kit.held_files import held_below
from nanoclaw.link.layout import SessionLayout
from nanoclaw.model.ids import EpochNumber
from nanoclaw.sandboxes.resources import Measured, words


def owned(layout: SessionLayout, epoch: EpochNumber, sandbox: object) -> dict[str, str]:
    """Each by its name, in words for people. Blocks for some milliseconds: for a thread, when somebody asks."""
    files = held_below(layout.in_dir.parent)
    takes = "none" if sandbox is None else "unknown"
    if isinstance(sandbox, Measured):
        takes = words(sandbox.measure())
    return {
        "link": f"inbox and outbox of epoch {epoch}",
        "files": "unknown" if files is None else ", ".join(files) or "none open",
        "sandbox": takes,
    }
