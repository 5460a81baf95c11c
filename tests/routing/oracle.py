"""What the pages say about routing, once more and as naively as can be: no word of it is taken from the code.

It knows the values of `nanoclaw.model` and nothing else of nanoclaw. Patterns are Python's, so the strategies draw only
such as mean the same to Python and to RE2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from nanoclaw.model.entities import (
    EngageMode,
    IgnoredMessagePolicy,
    MessagingGroup,
    SenderScope,
    SessionKey,
    SessionMode,
    UnknownSenderPolicy,
    Wiring,
)
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.model.rights import Rights

BROKEN = ("(", "[z-a]", "a{2,1}", "(?=x)", "")
"""Patterns that RE2 does not take."""
NOBODY_HEARS = ("help", "login", "logout", "doctor", "config", "remote-control", "start")
FOR_MANAGERS = ("clear", "compact", "context", "cost", "files")


@frozen(kw_only=True)
class Said:
    """What becomes of an event at one wiring."""

    agent: AgentGroupId
    what: str
    """`wake`, `accumulate`, `refuse` or `drop`."""
    reason: str | None = None
    session: SessionKey | None = None
    told: bool = False
    """Does the host itself tell the sender?"""
    asked: bool = False
    """Is a person asked about the sender?"""
    engaged: bool = False
    broken: bool = False


@frozen(kw_only=True)
class World:
    """All that counts, as the tests made it."""

    chat: MessagingGroup | None
    wirings: Sequence[Wiring]
    rights: Rights
    engaged: frozenset[AgentGroupId]
    threaded: bool


def judge(event: InboundEvent, world: World) -> list[Said]:
    """One answer for each wiring, the highest priority first."""
    if world.chat is None:
        return []
    in_order = sorted(world.wirings, key=lambda wiring: wiring.agent_group_id)
    in_order = sorted(in_order, key=lambda wiring: wiring.priority, reverse=True)
    return [_one(event, world, world.chat, wiring) for wiring in in_order]


def reasons(event: InboundEvent, world: World) -> list[tuple[AgentGroupId | None, str]]:
    """What is recorded, for whom, in order."""
    if world.chat is None or not world.wirings:
        if not event.mention:
            return []
        return [(None, "chat-denied" if world.chat is not None and world.chat.denied_at is not None else "not-wired")]
    answers = judge(event, world)
    found: list[tuple[AgentGroupId | None, str]] = []
    for answer in answers:
        if answer.broken:
            found.append((answer.agent, "bad-pattern"))
        elif answer.engaged and answer.reason is not None:
            found.append((answer.agent, answer.reason))
    if not found and all(answer.what in {"refuse", "drop"} for answer in answers):
        found.append((None, "not-engaged"))
    return found


def subscribes(event: InboundEvent, world: World) -> bool:
    """Does the channel have to bring everything of the thread from now on?"""
    if world.chat is None or not world.chat.is_group or not world.threaded or not event.thread_id:
        return False
    sticky = {one.agent_group_id for one in world.wirings if one.engage_mode is EngageMode.MENTION_STICKY}
    return any(answer.what == "wake" and answer.agent in sticky for answer in judge(event, world))


def command(text: str) -> str | None:
    """The name of the command that *text* gives, without its slash."""
    words = text.split()
    for _ in range(3):
        if words and _is_address(words[0]):
            words = words[1:]
    if not words or not words[0].startswith("/"):
        return None
    name, at, bot = words[0][1:].partition("@")
    if not name or not (name[0].isascii() and name[0].isalpha()) or len(name) > 64:
        return None
    if not all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in name):
        return None
    if at and not (bot and bot.isascii() and bot.replace("_", "a").isalnum() and len(bot) <= 64):
        return None
    return name.lower()


def _is_address(word: str) -> bool:
    bare = word.rstrip(",:")
    return (bare.startswith("@") and len(bare) > 1) or (bare.startswith("<@") and bare.endswith(">") and len(bare) > 3)


def _one(event: InboundEvent, world: World, chat: MessagingGroup, wiring: Wiring) -> Said:
    agent = wiring.agent_group_id
    broken = wiring.engage_mode is EngageMode.PATTERN and wiring.engage_pattern in BROKEN
    if _engages(event, world, wiring):
        refusal = _kept_out(world, chat, wiring)
        if refusal is not None:
            asks = refusal == "unknown-sender" and chat.unknown_sender_policy is UnknownSenderPolicy.REQUEST_APPROVAL
            return Said(agent=agent, what="refuse", reason=refusal, asked=asks, engaged=True)
        name = command(event.text)
        if name in NOBODY_HEARS:
            return Said(agent=agent, what="drop", reason="filtered-command", engaged=True)
        if name in FOR_MANAGERS and not _manages(world.rights, agent):
            return Said(agent=agent, what="refuse", reason="command-denied", told=True, engaged=True)
        return Said(agent=agent, what="wake", session=_session(event, world, chat, wiring, wakes=True), engaged=True)
    if wiring.ignored_message_policy is IgnoredMessagePolicy.DROP:
        return Said(agent=agent, what="drop", broken=broken)
    if _kept_out(world, chat, wiring) is not None:
        return Said(agent=agent, what="drop", broken=broken)
    if command(event.text) in (*NOBODY_HEARS, *FOR_MANAGERS):
        return Said(agent=agent, what="drop", broken=broken)
    return Said(
        agent=agent, what="accumulate", session=_session(event, world, chat, wiring, wakes=False), broken=broken
    )


def _engages(event: InboundEvent, world: World, wiring: Wiring) -> bool:
    if wiring.engage_mode is EngageMode.PATTERN:
        pattern = wiring.engage_pattern
        assert pattern is not None
        if pattern == ".":
            return True
        return pattern not in BROKEN and re.search(pattern, event.text[:8192]) is not None
    if event.mention:
        return True
    sticky = wiring.engage_mode is EngageMode.MENTION_STICKY
    return sticky and world.threaded and bool(event.thread_id) and wiring.agent_group_id in world.engaged


def _kept_out(world: World, chat: MessagingGroup, wiring: Wiring) -> str | None:
    known = _manages(world.rights, wiring.agent_group_id) or wiring.agent_group_id in world.rights.member_of
    if not known and chat.unknown_sender_policy is not UnknownSenderPolicy.PUBLIC:
        return "unknown-sender"
    if not known and wiring.sender_scope is SenderScope.KNOWN:
        return "sender-scope"
    return None


def _manages(rights: Rights, agent: AgentGroupId) -> bool:
    return rights.owner or rights.global_admin or agent in rights.admin_of


def _session(event: InboundEvent, world: World, chat: MessagingGroup, wiring: Wiring, *, wakes: bool) -> SessionKey:
    thread = event.thread_id if world.threaded and event.thread_id else None
    if wiring.session_mode is SessionMode.AGENT_SHARED:
        return SessionKey(agent_group_id=wiring.agent_group_id, messaging_group_id=None, thread_id=None)
    by_thread = wiring.session_mode is SessionMode.PER_THREAD or chat.is_group
    if not by_thread or (event.starts_thread and not wakes):
        thread = None
    return SessionKey(agent_group_id=wiring.agent_group_id, messaging_group_id=chat.id, thread_id=thread)
