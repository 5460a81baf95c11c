"""What acts at the debug console: `wake`, `stop`, `restart`, `cancel`, `park`, `unpark`, as of `nanoclaw sessions`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import click
from rich.console import Console

from nanoclaw.cli import resources
from nanoclaw.config import Config
from nanoclaw.core.session_acts import Act
from nanoclaw.errors import UsageError

ACTS = {act.value: act for act in Act}
REASONED = {Act.CANCEL, Act.PARK}
"""Behind the session, whatever is no option is the reason."""


def words_of(line: str) -> list[str]:
    """What was typed, as words: what acts has quotes as a shell has; whatever looks takes them as they are.

    Raises:
      UsageError: a quote does not end.
    """
    words = line.split()
    if not words or words[0] not in ACTS:
        return words
    try:
        return shlex.split(line)
    except ValueError as exc:
        raise UsageError(f"{words[0]}: {exc}") from None


def act(config: Config, _: Console, words: Sequence[str]) -> None:
    """Do it, as the command of that name does: `park ses-1 it loops` is `nanoclaw sessions park ses-1 --because …`.

    Raises:
      UsageError: it is refused.
      NotRunningError: there is no host.
    """
    name, *rest = words
    if ACTS[name] in REASONED and len(rest) > 1 and not any(word.startswith("-") for word in rest):
        rest = [rest[0], "--because", " ".join(rest[1:])]
    group = resources.command("sessions", lambda: config)
    assert isinstance(group, click.Group)
    try:
        group.main(args=[name, *rest], prog_name="nanoclaw sessions", standalone_mode=False)
    except click.ClickException as exc:
        raise UsageError(exc.format_message()) from None
    except click.Abort:
        raise UsageError("left as it was") from None
