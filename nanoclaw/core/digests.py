"""What a payload is known by. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def canonical(payload: Mapping[str, object]) -> str:
    """*payload* as text: the same for the same meaning."""
    return json.dumps(payload, sort_keys=True, ensure_ascii=False)


def digest_of(payload: str) -> str:
    """The SHA-256 of a payload's text."""
    return hashlib.sha256(payload.encode()).hexdigest()
