"""A process that is killed before a chosen change of the disk."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest


class Killed(BaseException):
    """The process ends here."""


class DyingProcess:
    """Ends before its n-th change of what is on the disk; nothing of it goes on after that, not even tidying up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._left: int | None = None
        for name in ("rename", "mkdir", "unlink", "rmdir", "fsync", "chmod", "symlink", "link"):
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))

    def dies_at(self, step: int, work: Callable[[], object]) -> bool:
        """Do *work* in a process that ends before its change of that number; says whether it came to that."""
        self._left = step
        try:
            work()
        except Killed:
            return True
        else:
            return False
        finally:
            self._left = None

    def _counted(self, call: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **named: object) -> object:
            if self._left is not None:
                self._left -= 1
                if self._left <= 0:
                    raise Killed
            return call(*arguments, **named)

        return counted
