"""A NanoClaw v2 home with everything in it: the same meaning in both ages."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import define

from tests.support.v2_home import WHEN, V2Home, chat, run_script, task


def full_home(folder: Path, *, is_new: bool) -> V2Home:
    """Three agents in four chats, with everything an old home can have; the same meaning in both ages."""
    home = V2Home(folder, is_new).make()
    for name in ("anna", "bob", "Cleo"):
        provider = "claude" if name == "bob" else None
        home.add(
            "agent_groups", id=f"ag-{name}", name=name.title(), folder=name, agent_provider=provider, created_at=WHEN
        )
    chats = (("dm", 0, "strict"), ("team", 1, "public"), ("lobby", 1, "request_approval"), ("quiet", 1, "strict"))
    for name, is_group, policy in chats:
        home.add(
            "messaging_groups",
            id=f"mg-{name}",
            channel_type="telegram" if name != "team" else "slack",
            platform_id=f"telegram:{name}",
            name=None if name == "quiet" else name.title(),
            is_group=is_group,
            unknown_sender_policy=policy,
            created_at="2026-01-02 03:04:05",
        )
    if is_new:
        run_script(home.central, f"UPDATE messaging_groups SET denied_at = '{WHEN}' WHERE id = 'mg-quiet'")
    for wiring in WIRINGS:
        home.add("messaging_group_agents", **(wiring.new if is_new else wiring.old), created_at=WHEN, **wiring.row)
    for user, called in (("telegram:1", "Ada"), ("telegram:2", None), ("slack:9", "Eve")):
        home.add("users", id=user, kind=user.split(":")[0], display_name=called, created_at=WHEN)
    home.add("user_roles", user_id="telegram:1", role="owner", agent_group_id=None, granted_by=None, granted_at=WHEN)
    home.add("user_roles", user_id="telegram:1", role="owner", agent_group_id=None, granted_by=None, granted_at=WHEN)
    home.add(
        "user_roles", user_id="slack:9", role="admin", agent_group_id="ag-bob", granted_by="telegram:1", granted_at=WHEN
    )
    home.add(
        "agent_group_members", user_id="telegram:2", agent_group_id="ag-anna", added_by="telegram:1", added_at=WHEN
    )
    home.add("user_dms", user_id="telegram:1", channel_type="telegram", messaging_group_id="mg-dm", resolved_at=WHEN)
    for agent, name, kind, target in (
        ("ag-anna", "my-dm", "channel", "mg-dm"),
        ("ag-anna", "bob", "agent", "ag-bob"),
        ("ag-bob", "team", "channel", "mg-team"),
    ):
        home.add(
            "agent_destinations",
            agent_group_id=agent,
            local_name=name,
            target_type=kind,
            target_id=target,
            created_at=WHEN,
        )
    _settings(home)
    _sessions(home)
    home.group_folder("anna", {"CLAUDE.local.md" if is_new else "CLAUDE.md": "I am Anna.", "notes/list.txt": "milk"})
    home.group_folder("bob", {"work.txt": "done"})
    shared = folder / "data" / "v2-sessions" / "ag-anna" / ".claude-shared"
    (shared / "projects").mkdir(parents=True)
    (shared / "settings.json").write_text("{}")
    (shared / "skills").mkdir()
    (shared / "skills" / "welcome").symlink_to("/app/skills/welcome")
    return home


@define
class Wired:
    """A wiring as each age wrote it."""

    row: dict[str, object]
    old: dict[str, object]
    new: dict[str, object]


def _wired(number: int, chat: str, agent: str, old: dict[str, object], new: dict[str, object], **more: object) -> Wired:
    row: dict[str, object] = {
        "id": f"mga-{number}",
        "messaging_group_id": f"mg-{chat}",
        "agent_group_id": f"ag-{agent}",
        "session_mode": "shared",
        "priority": 0,
    }
    return Wired(row | more, old, new)


def _engaged(mode: str | None, pattern: str | None, scope: str | None = "all") -> dict[str, object]:
    return {"engage_mode": mode, "engage_pattern": pattern, "sender_scope": scope, "ignored_message_policy": "drop"}


def _pattern(pattern: str) -> dict[str, object]:
    return _engaged("pattern", pattern)


def _rules(rules: object, scope: str | None) -> dict[str, object]:
    text = rules if rules is None or isinstance(rules, str) else json.dumps(rules)
    return {"trigger_rules": text, "response_scope": scope}


TOGETHER = "agent-shared"
WIRINGS = (
    _wired(1, "dm", "anna", _rules(None, "all"), _engaged("pattern", ".")),
    _wired(
        2,
        "team",
        "anna",
        _rules({"pattern": "^deploy", "requiresTrigger": False}, "all"),
        _engaged("pattern", "^deploy"),
    ),
    _wired(3, "team", "bob", _rules({"requiresTrigger": True}, "triggered"), _engaged("mention", None), priority=3),
    _wired(4, "lobby", "bob", _rules({"requiresTrigger": False}, "allowlisted"), _engaged("pattern", ".", "known")),
    _wired(5, "lobby", "anna", _rules("{not json", "allowlisted"), _engaged(None, None, "known")),
    _wired(
        6, "dm", "Cleo", _rules({"pattern": ""}, None), _engaged("mention", None, None), session_mode="agent-shared"
    ),
    _wired(7, "lobby", "Cleo", _rules({"pattern": "(?=x)"}, "all"), _engaged("pattern", "(?=x)")),
)
"""Every rule of the back-fill, and the last with a pattern that is none of RE2."""


def _settings(home: V2Home) -> None:
    """Anna's settings: in a table, or in the file of before."""
    if home.is_new:
        home.add(
            "container_configs",
            agent_group_id="ag-anna",
            model="small",
            assistant_name="Anna",
            max_messages_per_prompt=5,
            skills='["welcome"]',
            mcp_servers='{"x": {"command": "y"}}',
            packages_apt='["jq"]',
            additional_mounts="[]",
            updated_at=WHEN,
        )
        home.add("container_configs", agent_group_id="ag-bob", provider="claude", updated_at=WHEN)
        home.add("container_configs", agent_group_id="ag-Cleo", updated_at=WHEN)
        return
    said = {
        "model": "small",
        "assistantName": "Anna",
        "maxMessagesPerPrompt": 5,
        "skills": ["welcome"],
        "mcpServers": {"x": {"command": "y"}},
        "packages": {"apt": ["jq"]},
    }
    home.group_folder("anna", {"container.json": json.dumps(said)})
    home.group_folder("bob", {"container.json": "{}"})
    home.group_folder("Cleo", {"container.json": json.dumps({"provider": ""})})


def _sessions(home: V2Home) -> None:
    """Four conversations, one of them an older one for a place that has another."""
    for session, agent, chat_, thread, active in (
        ("sess-1", "ag-anna", "mg-dm", None, WHEN),
        ("sess-2", "ag-bob", "mg-team", "t1", WHEN),
        ("sess-3", "ag-Cleo", "mg-dm", None, "2026-02-01T00:00:00.000Z"),
        ("sess-4", "ag-Cleo", "mg-lobby", None, WHEN),
        ("sess-5", "ag-Cleo", None, None, WHEN),
    ):
        home.add(
            "sessions",
            id=session,
            agent_group_id=agent,
            messaging_group_id=chat_,
            thread_id=thread,
            last_active=active,
            created_at=WHEN,
        )
    state = {"continuation:claude": "thread-1"} if home.is_new else {"sdk_session_id": "thread-1"}
    series: dict[str, object] = {"series_id": "task-1"} if home.is_new else {}
    home.session(
        "ag-anna",
        "sess-1",
        messages=[
            task(1, recurrence="0 9 * * *", process_after="2026-01-03T09:00:00Z", **series),
            task(2, status="paused", process_after="2026-01-04 09:00:00", platform_id="p", channel_type="telegram"),
            task(3, status="completed"),
            chat(1, status="completed"),
            chat(2),
        ],
        state={**state, "other": "x"},
        said=2,
    )
    home.session("ag-bob", "sess-2", state={"continuation:codex": "thread-2"} if home.is_new else {})
    home.session("ag-Cleo", "sess-3", state=state, messages=[task(9)])
