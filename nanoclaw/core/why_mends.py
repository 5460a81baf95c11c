"""What to do about something that was not passed on, by the reason in its record. Pure."""

from __future__ import annotations

from nanoclaw.model.messages import Drop
from nanoclaw.model.stories import Story, Turn

EXPLAIN = "nanoclaw explain says what would become of another"


def mend_drop(drop: Drop, story: Story) -> str:
    """The command or the act that lets the next one pass."""
    chat = story.chat or story.chat_name or "CHAT"
    agent = "GROUP" if drop.agent_group_id is None else story.agent_names.get(drop.agent_group_id, drop.agent_group_id)
    who = drop.sender_id or (story.arrival.sender_id if story.arrival is not None else None) or "USER"
    wiring = f"{agent}@{story.chat_name or chat}"
    pattern = f"nanoclaw wirings update {wiring} --engage-mode pattern --engage-pattern ."
    mends = {
        "not-wired": f"nanoclaw wirings create {chat} GROUP, or nanoclaw approvals list if somebody was asked",
        "chat-denied": f"nanoclaw chats update {chat} --no-denied, then nanoclaw wirings create {chat} GROUP",
        "not-engaged": f"address the agent, or {pattern}",
        "not-addressed": f"address the agent, or nanoclaw wirings create {chat} GROUP",
        "bad-pattern": f"nanoclaw wirings update {wiring} --engage-pattern PATTERN",
        "unknown-sender": f"nanoclaw members add {who} {agent}, or nanoclaw approvals list if somebody was asked",
        "sender-scope": f"nanoclaw members add {who} {agent}, or nanoclaw wirings update {wiring} --sender-scope all",
        "command-denied": f"nanoclaw roles grant {who} admin --group {agent}, if they shall give commands",
        "command-not-addressed": "address the agent that the command is for",
        "filtered-command": "say it in other words: that command is not for agents",
        "unknown-destination": f"nanoclaw destinations add {agent} --chat CHAT",
        "no-destination": f"nanoclaw destinations list --group {agent} shows the names that it can write to",
        "not-allowed": f"nanoclaw destinations add {agent} --chat CHAT",
        "not-for-agents": f"nanoclaw destinations list --group {agent} shows where it may write what",
        "file-refused": "have the agent send another file; the reason says what was wrong with this one",
        "said-before": "nothing: it is there already",
        "quarantined": "nothing: its session goes on in a new sandbox; nanoclaw logs says what was in this one",
    }
    return mends.get(drop.reason, EXPLAIN)


def mend_context(turn: Turn, story: Story) -> str:
    """What has an agent take up what it only keeps as context."""
    wiring = f"{turn.agent_name}@{story.chat_name or story.chat}"
    return f"address the agent, or nanoclaw wirings update {wiring} --engage-mode pattern --engage-pattern ."
