"""Arbitrary chats, wirings, rights and events, of few enough values that they meet."""

from __future__ import annotations

from hypothesis import strategies as st

from nanoclaw.core.routing import Facts
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
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, SessionId, UserId, WiringId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.model.rights import Rights
from tests.routing import oracle
from tests.support.central import CHANNEL, NOW

AGENTS = tuple(map(AgentGroupId, ("agt-a", "agt-b", "agt-c", "agt-d")))
CHAT = MessagingGroupId("chat-test-room")
THREADS = (None, "", "t1", "t2")
PATTERNS = (".", "deploy", "(?i)DEPLOY", "^/", "a.c", "x{2,3}", "now|later", "[0-9]+", *oracle.BROKEN)
COMMANDS = tuple(f"/{name}" for name in (*oracle.NOBODY_HEARS, *oracle.FOR_MANAGERS, "weather", "clearly", "etc/hosts"))

agents = st.sampled_from(AGENTS)
addresses = st.sampled_from(["", "@nano ", "@nano: ", "<@U1> ", "@a @b @c ", "@a @b @c @d ", "@ "])
tails = st.sampled_from(["", " now", "\nplease", "@nano_bot", "@nano_bot now", "@", "é"])
commands = st.builds(
    lambda before, name, after: f"{before}{name}{after}",
    addresses,
    st.sampled_from([*COMMANDS, *map(str.upper, COMMANDS)]),
    tails,
)
talk = st.text(st.characters(exclude_characters="@<", codec="utf-8"), max_size=20)
FAR = tuple("x" * letters + "deploy" for letters in (8186, 8187))
"""The last word that is searched, and the first that is not."""
LIKELY = ("deploy it", "Deploy", "lunch?", "", "abc", "a\nc", "xx 12", "/clear", "/files all of them")
"""What is said often enough that it meets itself."""
texts = st.one_of(commands, talk, st.sampled_from([*LIKELY, *FAR]))


@st.composite
def wirings(draw: st.DrawFn, agent: AgentGroupId) -> Wiring:
    """How *agent* hears the chat."""
    mode = draw(st.sampled_from(EngageMode))
    return Wiring(
        id=WiringId(f"wir-{agent}"),
        messaging_group_id=CHAT,
        agent_group_id=agent,
        engage_mode=mode,
        engage_pattern=draw(st.sampled_from(PATTERNS)) if mode is EngageMode.PATTERN else None,
        sender_scope=draw(st.sampled_from(SenderScope)),
        ignored_message_policy=draw(st.sampled_from(IgnoredMessagePolicy)),
        session_mode=draw(st.sampled_from(SessionMode)),
        priority=draw(st.integers(-1, 1)),
        created_at=NOW,
    )


@st.composite
def wired(draw: st.DrawFn, *, least: int = 0) -> list[Wiring]:
    """Who hears the chat: none, some or all, in any order."""
    chosen = draw(st.lists(agents, unique=True, min_size=least))
    return [draw(wirings(agent)) for agent in chosen]


chats = st.builds(
    MessagingGroup,
    id=st.just(CHAT),
    channel=st.just(CHANNEL),
    platform_id=st.just("room"),
    name=st.just("Room"),
    is_group=st.booleans(),
    unknown_sender_policy=st.sampled_from(UnknownSenderPolicy),
    denied_at=st.sampled_from([None, NOW]),
    created_at=st.just(NOW),
)
some_agents = st.frozensets(agents, max_size=2)
rights = st.builds(
    Rights,
    owner=st.integers(0, 5).map(lambda number: number == 0),
    global_admin=st.integers(0, 5).map(lambda number: number == 0),
    admin_of=some_agents,
    member_of=some_agents,
)
keys = st.builds(
    SessionKey,
    agent_group_id=agents,
    messaging_group_id=st.sampled_from([None, CHAT]),
    thread_id=st.sampled_from([None, "t1", "t2"]),
)
sessions = st.frozensets(keys).map(
    lambda found: {key: SessionId(f"ses-{number}") for number, key in enumerate(sorted(found, key=str))}
)


@st.composite
def events(draw: st.DrawFn, *, text: st.SearchStrategy[str] = texts, number: int = 1) -> InboundEvent:
    """Something that is said in the room."""
    sender = draw(st.sampled_from(["Ada", "Eve"]))
    return InboundEvent(
        channel=ChannelName(CHANNEL),
        platform_message_id=str(number),
        platform_id="room",
        thread_id=draw(st.sampled_from(THREADS)),
        starts_thread=draw(st.booleans()),
        mention=draw(st.booleans()),
        is_group=draw(st.booleans()),
        sender_id=UserId(f"{CHANNEL}:{sender.lower()}"),
        sender=sender,
        text=draw(text),
    )


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """All that a plan is made from besides the event."""
    chat = draw(st.none() | chats)
    return Facts(
        threaded=draw(st.booleans()),
        chat=chat,
        wirings=() if chat is None else tuple(draw(wired())),
        rights=draw(rights),
        engaged=draw(some_agents),
        sessions=draw(sessions),
    )


def as_world(known: Facts) -> oracle.World:
    """The same, for the oracle."""
    return oracle.World(
        chat=known.chat,
        wirings=known.wirings,
        rights=known.rights,
        engaged=known.engaged,
        threaded=known.threaded,
    )
