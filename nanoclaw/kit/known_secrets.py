"""The secrets that this process has read or written: what its log must not say. They are kept in memory only.

Whatever reads a file of secrets tells it; nothing else has to be remembered by whoever writes to the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from nanoclaw.kit.striking import forms

_NO_SECRETS = frozenset({"set_at"})
_known: set[str] = set()
_forms: tuple[str, ...] = ()
_lock = Lock()


def remember(content: object) -> None:
    """Every text in *content*, however deep, is secret from now on. From any thread."""
    global _forms  # noqa: PLW0603 - one log a process, and so one list of what it must not say
    with _lock:
        new = set(_texts(content)) - _known
        if new:
            _known.update(new)
            _forms = forms(_known)


def forget(content: object) -> None:
    """The texts in *content* open nothing any more, nowhere. From any thread."""
    global _forms  # noqa: PLW0603 - see above
    with _lock:
        _known.difference_update(_texts(content))
        _forms = forms(_known)


def known_forms() -> tuple[str, ...]:
    """Every way in which one of them may stand in a line of the log."""
    return _forms


def _texts(content: object) -> list[str]:
    if isinstance(content, str):
        return [content]
    if isinstance(content, Mapping):
        return [text for name, value in content.items() if name not in _NO_SECRETS for text in _texts(value)]
    return [text for value in content for text in _texts(value)] if isinstance(content, list | tuple) else []
