"""What an old home means where it says nothing: the rules by which NanoClaw v2 itself filled in its newer columns.

Pure. The rules are those of its migration 010 (engage modes) and of its start-up (container.json).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.engage import ALWAYS
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SenderScope
from schema import strict_json
from schema.rows import CONTINUATION
from schema.sqlite import Row, Value

Json: TypeAlias = object


@frozen
class Engagement:
    """How a wiring listens."""

    mode: EngageMode
    pattern: str | None
    scope: SenderScope
    ignored: IgnoredMessagePolicy


def engagement(row: Row) -> Engagement:
    """How a row of messaging_group_agents listens, of either age. Raises `ValueError` for a word that is none."""
    if "engage_mode" in row:
        return _said(row)
    rules = _object(row.get("trigger_rules"))
    pattern = rules.get("pattern")
    scope = row.get("response_scope")
    known = SenderScope.KNOWN if scope == "allowlisted" else SenderScope.ALL
    if isinstance(pattern, str) and pattern:
        return Engagement(EngageMode.PATTERN, pattern, known, IgnoredMessagePolicy.DROP)
    if rules.get("requiresTrigger") is False or scope == "all":
        return Engagement(EngageMode.PATTERN, ALWAYS, known, IgnoredMessagePolicy.DROP)
    return Engagement(EngageMode.MENTION, None, known, IgnoredMessagePolicy.DROP)


def _said(row: Row) -> Engagement:
    """The newer columns, which may be NULL: they were added without defaults."""
    mode = EngageMode(row["engage_mode"] or "mention")
    pattern = row.get("engage_pattern")
    return Engagement(
        mode,
        str(pattern or ALWAYS) if mode is EngageMode.PATTERN else None,
        SenderScope(row.get("sender_scope") or "all"),
        IgnoredMessagePolicy(row.get("ignored_message_policy") or "drop"),
    )


def settings_of_file(text: str, provider: Value) -> dict[str, Value]:
    """A group's container.json as a row of container_configs. *provider* is the agent group's own, which wins.

    Raises `ValueError` or `TypeError` if it is no JSON object.
    """
    found = strict_json.read(text)
    if not isinstance(found, dict):
        raise TypeError("it is no JSON object")
    packages = found.get("packages")
    packages = packages if isinstance(packages, dict) else {}
    return {
        "provider": provider or _text(found.get("provider")),
        "model": _text(found.get("model")),
        "effort": _text(found.get("effort")),
        "image_tag": _text(found.get("imageTag")),
        "assistant_name": _text(found.get("assistantName")),
        "max_messages_per_prompt": _number(found.get("maxMessagesPerPrompt")),
        "skills": json.dumps(found.get("skills", "all")),
        "mcp_servers": json.dumps(found.get("mcpServers", {})),
        "packages_apt": json.dumps(packages.get("apt", [])),
        "packages_npm": json.dumps(packages.get("npm", [])),
        "additional_mounts": json.dumps(found.get("additionalMounts", [])),
    }


def continuations(state: Mapping[str, str]) -> dict[str, str]:
    """What of a runner's state is the model's own thread, by provider.

    The oldest runners knew one provider, and called its thread `sdk_session_id`.
    """
    found = {key: value for key, value in state.items() if key.startswith(CONTINUATION) and value}
    if (legacy := state.get("sdk_session_id")) and not found:
        found[f"{CONTINUATION}claude"] = legacy
    return found


def _object(text: Value) -> dict[str, Json]:
    """JSON that should be an object; anything else counts as an empty one, as it did there."""
    if not isinstance(text, str):
        return {}
    try:
        found = strict_json.read(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
