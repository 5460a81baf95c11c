"""`nanoclaw wirings`: which agent hears which chat, and how."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import attrs
from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb
from nanoclaw.core.defaults import wiring_defaults
from nanoclaw.core.engage import BadPattern, compile_pattern
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import ApprovalKind
from nanoclaw.model.entities import (
    AgentGroup,
    EngageMode,
    IgnoredMessagePolicy,
    MessagingGroup,
    SenderScope,
    SessionMode,
    Wiring,
)
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId, WiringId
from nanoclaw.store import wirings
from nanoclaw.store.approvals import decide, matching
from nanoclaw.store.askings import SEEN_TO
from nanoclaw.store.entities import agent_groups, messaging_groups
from schema.sqlite import Connection

WIRING = Says("its id, or AGENT-GROUP@CHAT", positional=True)
MODE = Says("when the agent takes up what is said")
PATTERN = Says("RE2, searched in the text; . is every message. Makes the engage mode pattern")
SCOPE = Says("whom it answers: all whom the chat lets through, or only those with a role or a membership")
IGNORED = Says("what becomes of messages that it does not take up: accumulate keeps them as context")
SESSIONS = Says("how the chat is divided into conversations")
PRIORITY = Says("who comes first, the highest; it changes nothing else")
MOST_PRIORITY = 1_000_000


@frozen(kw_only=True)
class List:
    """Which ones."""

    chat: Annotated[str | None, Says("only those of this chat")] = None
    group: Annotated[str | None, Says("only those of this agent group")] = None


@frozen(kw_only=True)
class Get:
    """Which one."""

    wiring: Annotated[str, WIRING]


@frozen(kw_only=True)
class Create:
    """A new one; what is not said follows from the kind of the chat."""

    chat: Annotated[str, Says("the chat", positional=True)]
    group: Annotated[str, Says("the agent group", positional=True)]
    engage_mode: Annotated[EngageMode | None, MODE] = None
    engage_pattern: Annotated[str | None, PATTERN] = None
    sender_scope: Annotated[SenderScope | None, SCOPE] = None
    ignored_message_policy: Annotated[IgnoredMessagePolicy | None, IGNORED] = None
    session_mode: Annotated[SessionMode | None, SESSIONS] = None
    priority: Annotated[int, PRIORITY] = 0


@frozen(kw_only=True)
class Update:
    """What changes; what is not said stays."""

    wiring: Annotated[str, WIRING]
    engage_mode: Annotated[EngageMode | None, MODE] = None
    engage_pattern: Annotated[str | None, PATTERN] = None
    sender_scope: Annotated[SenderScope | None, SCOPE] = None
    ignored_message_policy: Annotated[IgnoredMessagePolicy | None, IGNORED] = None
    session_mode: Annotated[SessionMode | None, SESSIONS] = None
    priority: Annotated[int | None, PRIORITY] = None


def list_wirings(conn: Connection, asked: List, _: Request) -> Answer:
    """Who hears what, chat by chat."""
    chat = None if asked.chat is None else references.chat(conn, asked.chat).id
    group = None if asked.group is None else references.agent_group(conn, asked.group).id
    known = _known(conn)
    rows = tuple(
        _line(one, known)
        for one in wirings.wirings(conn)
        if chat in (None, one.messaging_group_id) and group in (None, one.agent_group_id)
    )
    return Answer(
        rows=rows,
        hidden=("id", "engage_mode", "engage_pattern"),
        said=None if rows else "no wiring here: make one with nanoclaw wirings create CHAT GROUP",
    )


def get(conn: Connection, asked: Get, _: Request) -> Answer:
    """One wiring."""
    return Answer(rows=(_line(references.wiring(conn, asked.wiring), _known(conn)),), one=True)


def create(conn: Connection, asked: Create, request: Request) -> Answer:
    """Let an agent hear a chat, and write there. What is not said follows from the kind of the chat."""
    chat = references.chat(conn, asked.chat)
    group = references.agent_group(conn, asked.group)
    if any(one.agent_group_id == group.id for one in wirings.wirings_of(conn, chat.id)):
        raise UsageError(
            f"{group.name} hears {chat.name} already: "
            f"change how with nanoclaw wirings update {group.folder}@{chat.name}"
        )
    usual = wiring_defaults(is_group=chat.is_group, threaded=request.threaded.get(chat.channel, False))
    mode, pattern = _engage(asked, usual.engage_mode, usual.engage_pattern)
    wiring = Wiring(
        id=WiringId(request.mint("wir")),
        messaging_group_id=chat.id,
        agent_group_id=group.id,
        engage_mode=mode,
        engage_pattern=pattern,
        sender_scope=asked.sender_scope or usual.sender_scope,
        ignored_message_policy=asked.ignored_message_policy or usual.ignored_message_policy,
        session_mode=asked.session_mode or usual.session_mode,
        priority=_priority(asked.priority),
        created_at=request.now,
    )
    wirings.add_wiring(conn, wiring, now=request.now)
    for waiting in matching(conn, ApprovalKind.CHAT, chat=chat.id):
        decide(conn, waiting.id, SEEN_TO, by=request.operator, now=request.now)
    return Answer(
        rows=(_line(wiring, _known(conn)),),
        one=True,
        said=f"{group.name} hears {chat.name} from now on; see how with: nanoclaw explain {chat.id} TEXT",
    )


def update(conn: Connection, asked: Update, _: Request) -> Answer:
    """Change how an agent hears a chat, from the next message on. Sessions that are there stay."""
    wiring = references.wiring(conn, asked.wiring)
    mode, pattern = _engage(asked, wiring.engage_mode, wiring.engage_pattern)
    changed = attrs.evolve(
        wiring,
        engage_mode=mode,
        engage_pattern=pattern,
        sender_scope=asked.sender_scope or wiring.sender_scope,
        ignored_message_policy=asked.ignored_message_policy or wiring.ignored_message_policy,
        session_mode=asked.session_mode or wiring.session_mode,
        priority=wiring.priority if asked.priority is None else _priority(asked.priority),
    )
    if changed == wiring:
        raise UsageError("nothing to change: it is so already, or see nanoclaw wirings update --help")
    wirings.update_wiring(conn, changed)
    line = _line(changed, _known(conn))
    return Answer(rows=(line,), one=True, said=f"changed how {line['group']} hears {line['chat']}")


def delete(conn: Connection, asked: Get, request: Request) -> Answer:
    """Let an agent no longer hear a chat, nor write there. What was said stays."""
    wiring = references.wiring(conn, asked.wiring)
    line = _line(wiring, _known(conn))
    request.confirm(f"Let {line['group']} no longer hear {line['chat']}?")
    wirings.delete_wiring(conn, wiring)
    return Answer(one=True, said=f"{line['group']} hears {line['chat']} no longer")


def _engage(asked: Create | Update, mode: EngageMode, pattern: str | None) -> tuple[EngageMode, str | None]:
    """The mode and the pattern that go together: a pattern asks for its mode, the others have none."""
    if asked.engage_pattern is not None and asked.engage_mode not in (None, EngageMode.PATTERN):
        raise UsageError(f"--engage-pattern goes with --engage-mode pattern; {asked.engage_mode.value} needs none")
    wanted = EngageMode.PATTERN if asked.engage_pattern is not None else asked.engage_mode or mode
    if wanted is not EngageMode.PATTERN:
        return wanted, None
    found = asked.engage_pattern if asked.engage_pattern is not None else pattern
    if found is None:
        raise UsageError("--engage-mode pattern needs --engage-pattern; . is every message")
    compiled = compile_pattern(found)
    if isinstance(compiled, BadPattern):
        raise UsageError(
            f"the pattern {found!r} does not compile: {compiled.why}. Patterns are RE2: "
            "https://github.com/google/re2/wiki/Syntax"
        )
    return wanted, found


def _priority(said: int) -> int:
    if abs(said) > MOST_PRIORITY:
        raise UsageError(f"--priority: between -{MOST_PRIORITY:,} and {MOST_PRIORITY:,}")
    return said


_Known: TypeAlias = tuple[dict[MessagingGroupId, MessagingGroup], dict[AgentGroupId, AgentGroup]]


def _known(conn: Connection) -> _Known:
    """All chats and agent groups, read once however many lines are made of them."""
    return {one.id: one for one in messaging_groups(conn)}, {one.id: one for one in agent_groups(conn)}


def _line(wiring: Wiring, known: _Known) -> Line:
    chats, groups = known
    return {
        "id": wiring.id,
        "chat": chats[wiring.messaging_group_id].name,
        "chat_id": wiring.messaging_group_id,
        "group": groups[wiring.agent_group_id].name,
        "group_id": wiring.agent_group_id,
        "engages": f"{wiring.engage_mode.value} {wiring.engage_pattern or ''}".strip(),
        "engage_mode": wiring.engage_mode.value,
        "engage_pattern": wiring.engage_pattern,
        "sender_scope": wiring.sender_scope.value,
        "ignored_message_policy": wiring.ignored_message_policy.value,
        "session_mode": wiring.session_mode.value,
        "priority": wiring.priority,
    }


VERBS = (
    Verb("wirings", "list", List, list_wirings),
    Verb("wirings", "get", Get, get),
    Verb("wirings", "create", Create, create, writes=True),
    Verb("wirings", "update", Update, update, writes=True),
    Verb("wirings", "delete", Get, delete, writes=True, destroys=True),
)
