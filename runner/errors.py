"""Every error the runner raises on purpose.

RunnerError
├─ ConfigError   container.json, or a name in it, makes no sense
└─ MarkupError   a text that should be a prompt is none
"""

from __future__ import annotations


class RunnerError(Exception):
    """Base of every deliberate error. Anything else that escapes is a bug."""


class ConfigError(RunnerError):
    """The runner was told something that makes no sense; `str()` says what, for the host's log."""


class MarkupError(RunnerError):
    """Text that `core.prompt.render` cannot have written."""
