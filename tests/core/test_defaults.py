"""How a wiring listens when nobody says otherwise."""

from __future__ import annotations

import pytest

from nanoclaw.core.defaults import WiringDefaults, wiring_defaults
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SenderScope


@pytest.mark.parametrize(
    ("is_group", "threaded", "mode", "pattern", "scope", "ignored"),
    [
        (False, False, EngageMode.PATTERN, ".", SenderScope.ALL, IgnoredMessagePolicy.DROP),
        (False, True, EngageMode.PATTERN, ".", SenderScope.ALL, IgnoredMessagePolicy.DROP),
        (True, True, EngageMode.MENTION_STICKY, None, SenderScope.KNOWN, IgnoredMessagePolicy.ACCUMULATE),
        (True, False, EngageMode.MENTION, None, SenderScope.ALL, IgnoredMessagePolicy.DROP),
    ],
)
def test_each_kind_of_chat_has_its_own(
    is_group: bool,
    threaded: bool,
    mode: EngageMode,
    pattern: str | None,
    scope: SenderScope,
    ignored: IgnoredMessagePolicy,
) -> None:
    assert wiring_defaults(is_group=is_group, threaded=threaded) == WiringDefaults(
        engage_mode=mode, engage_pattern=pattern, sender_scope=scope, ignored_message_policy=ignored
    )
