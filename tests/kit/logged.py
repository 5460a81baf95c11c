"""What the `logged` fixture hands out."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, TypeAlias

Logged: TypeAlias = list[MutableMapping[str, Any]]
"""Log entries, oldest first."""
