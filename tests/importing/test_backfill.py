"""What an old home means where it says nothing: every combination, against the rule as it is written down."""

from __future__ import annotations

import json
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.importing.backfill import Engagement, continuations, engagement, settings_of_file
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SenderScope
from schema.sqlite import Row

ABSENT = object()
PATTERNS = (ABSENT, "", "^deploy", ".", None, 7, ["x"])
REQUIRES = (ABSENT, True, False, None, 0, "false")
SCOPES = (None, "all", "allowlisted", "triggered", "ALL")
NO_RULES = (None, "", "{", "null", "[]", '"pattern"', "7", "{'pattern': 'x'}", b"{}", 3, "[" * 5_000)
"""What stands in the column and is no JSON object: it counts as an empty one."""


def written(pattern: object, requires: object) -> str:
    """The rules as JSON, with what is not absent."""
    rules = {"pattern": pattern, "requiresTrigger": requires, "other": 1}
    return json.dumps({key: value for key, value in rules.items() if value is not ABSENT})


def by_the_rule(pattern: object, requires: object, scope: object) -> Engagement:
    """The rule, in its own order: a pattern that is a text wins; else who wants no trigger hears all; else mentions."""
    known = SenderScope.KNOWN if scope == "allowlisted" else SenderScope.ALL
    drop = IgnoredMessagePolicy.DROP
    if isinstance(pattern, str) and pattern != "":
        return Engagement(EngageMode.PATTERN, pattern, known, drop)
    if requires is False or scope == "all":
        return Engagement(EngageMode.PATTERN, ".", known, drop)
    return Engagement(EngageMode.MENTION, None, known, drop)


@pytest.mark.parametrize("scope", SCOPES)
def test_every_combination_of_the_old_columns_means_what_the_rule_says(scope: str | None) -> None:
    for pattern, requires in product(PATTERNS, REQUIRES):
        row: Row = {"trigger_rules": written(pattern, requires), "response_scope": scope}
        assert engagement(row) == by_the_rule(pattern, requires, scope), row


@pytest.mark.parametrize("scope", SCOPES)
def test_rules_that_are_no_object_count_as_none(scope: str | None) -> None:
    assert engagement({"response_scope": scope}) == by_the_rule(ABSENT, ABSENT, scope)
    for rules in NO_RULES:
        row: Row = {"trigger_rules": rules, "response_scope": scope}
        assert engagement(row) == by_the_rule(ABSENT, ABSENT, scope), row


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["pattern", "x"]), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.dictionaries(st.sampled_from(["pattern", "requiresTrigger", "x"]), json_values),
    st.sampled_from(SCOPES) | st.text(st.characters(codec="utf-8")),
)
def test_any_rules_mean_what_the_rule_says(rules: dict[str, object], scope: str | None) -> None:
    row: Row = {"trigger_rules": json.dumps(rules), "response_scope": scope}
    assert engagement(row) == by_the_rule(rules.get("pattern"), rules.get("requiresTrigger"), scope)


@pytest.mark.parametrize("mode", ["pattern", "mention", "mention-sticky", None])
def test_the_newer_columns_mean_what_they_say_and_nothing_is_their_default(mode: str | None) -> None:
    for pattern, scope, ignored in product((None, "", "^x"), ("all", "known", None), ("drop", "accumulate", None)):
        row: Row = {
            "engage_mode": mode,
            "engage_pattern": pattern,
            "sender_scope": scope,
            "ignored_message_policy": ignored,
            "trigger_rules": '{"pattern": "old"}',  # the newer ones count, wherever both are
        }
        assert engagement(row) == Engagement(
            EngageMode(mode or "mention"),
            (pattern or ".") if mode == "pattern" else None,
            SenderScope(scope or "all"),
            IgnoredMessagePolicy(ignored or "drop"),
        )


@pytest.mark.parametrize("column", ["engage_mode", "sender_scope", "ignored_message_policy"])
def test_a_word_that_is_none_is_refused(column: str) -> None:
    with pytest.raises(ValueError, match="loud"):
        engagement({"engage_mode": "mention", column: "loud"})


@pytest.mark.parametrize(
    ("own", "said", "provider"),
    [
        ("codex", {"provider": "claude"}, "codex"),
        (None, {"provider": "claude"}, "claude"),
        (None, {}, None),
        ("", {}, None),
    ],
)
def test_an_agent_groups_own_provider_comes_before_its_files(
    own: str | None, said: dict[str, object], provider: str | None
) -> None:
    assert settings_of_file(json.dumps(said), own)["provider"] == provider


def test_a_file_says_what_the_table_would() -> None:
    said = {
        "model": "small",
        "effort": "high",
        "imageTag": "nano:7",
        "assistantName": "Nano",
        "maxMessagesPerPrompt": 3,
        "skills": ["browser"],
        "mcpServers": {"a": {"command": "b"}},
        "packages": {"apt": ["jq"], "npm": ["left-pad"]},
        "additionalMounts": [{"hostPath": "/srv"}],
        "unknown": True,
    }
    assert settings_of_file(json.dumps(said), None) == {
        "provider": None,
        "model": "small",
        "effort": "high",
        "image_tag": "nano:7",
        "assistant_name": "Nano",
        "max_messages_per_prompt": 3,
        "skills": '["browser"]',
        "mcp_servers": '{"a": {"command": "b"}}',
        "packages_apt": '["jq"]',
        "packages_npm": '["left-pad"]',
        "additional_mounts": '[{"hostPath": "/srv"}]',
    }


def test_what_a_file_does_not_say_or_says_wrongly_is_the_default() -> None:
    plain = settings_of_file("{}", None)
    assert (plain["skills"], plain["mcp_servers"], plain["packages_apt"], plain["additional_mounts"]) == (
        '"all"',
        "{}",
        "[]",
        "[]",
    )
    odd = {"model": 7, "effort": "", "maxMessagesPerPrompt": True, "packages": [], "assistantName": None}
    assert settings_of_file(json.dumps(odd), None) == plain


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"all"', "[[[["])
def test_a_file_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        settings_of_file(text, None)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ({}, {}),
        ({"sdk_session_id": "a"}, {"continuation:claude": "a"}),
        ({"sdk_session_id": ""}, {}),
        ({"sdk_session_id": "a", "continuation:claude": "b"}, {"continuation:claude": "b"}),
        ({"sdk_session_id": "a", "continuation:codex": "b"}, {"continuation:codex": "b"}),
        ({"continuation:claude": "", "sdk_session_id": "a", "mood": "good"}, {"continuation:claude": "a"}),
    ],
)
def test_the_models_thread_goes_on_under_the_name_of_its_provider(state: dict[str, str], kept: dict[str, str]) -> None:
    assert continuations(state) == kept
