"""Each wrong input gets a sentence that says how to go on, and changes nothing."""

from __future__ import annotations

import pytest

from nanoclaw.errors import UsageError
from tests.support.central import everything
from tests.support.desk import Desk


def furnished() -> Desk:
    """Two agents, two chats, one wiring, and a person who is a member."""
    desk = Desk()
    desk.do("groups create", name="Family")
    desk.do("groups create", name="Familiar")
    desk.do("chats create", channel="test", platform_id="room", name="Home", group=True)
    desk.do("chats create", channel="test", platform_id="den", name="Den")
    desk.do("users create", user="test:ada", name="Ada")
    desk.do("users create", user="test:unverified:ada@example.org", name="Mallory")
    desk.do("wirings create", chat="Home", group="family")
    desk.do("members add", user="Ada", group="family")
    desk.do("roles grant", user="test:operator", role="owner")
    return desk


CASES: list[tuple[str, dict[str, object], str]] = [
    ("groups get", {"group": "xamily"}, "did you mean Family.*nanoclaw groups list"),
    ("groups get", {"group": "nobody at all"}, "there is no agent group .*: `nanoclaw groups list` shows them all"),
    ("groups get", {"group": "fam"}, "could be Familiar .*, Family .* say more of the name"),
    ("groups create", {"name": "Other", "folder": "family"}, "belongs to the agent group Family.*--folder"),
    ("groups create", {"name": "Other", "folder": "../etc"}, "cannot be a folder.*--folder"),
    ("groups create", {"name": "  "}, "needs a name"),
    ("groups update", {"group": "family"}, "nothing to change.*--help"),
    ("groups update", {"group": "family", "name": ""}, "needs a name"),
    ("groups update", {"group": "family", "max_messages_per_prompt": -1}, "--max-messages-per-prompt"),
    ("groups delete", {"group": "family"}, "1 destination, 1 membership, 1 wiring.*nanoclaw wirings delete"),
    ("chats get", {"chat": "hom e"}, "there is no chat"),
    ("chats create", {"channel": "test", "platform_id": "room"}, "is known already, as Home"),
    ("chats create", {"channel": "a/b", "platform_id": "x"}, "without : and /"),
    ("chats update", {"chat": "home"}, "nothing to change.*--help"),
    ("chats update", {"chat": "home", "name": " "}, "needs a name"),
    ("chats update", {"chat": "home", "denied": True}, "delete its wirings first"),
    ("chats delete", {"chat": "home"}, "1 destination, 1 wiring: take them away first"),
    ("wirings get", {"wiring": "family@nowhere"}, "there is no wiring.*nanoclaw wirings list"),
    ("wirings create", {"chat": "home", "group": "family"}, "already.*nanoclaw wirings update family@Home"),
    ("wirings create", {"chat": "den", "group": "family", "engage_pattern": "("}, "does not compile.*RE2"),
    ("wirings create", {"chat": "den", "group": "family", "engage_pattern": "(?=x)"}, "does not compile.*RE2"),
    ("wirings create", {"chat": "den", "group": "family", "engage_pattern": ""}, "for every message is \\."),
    (
        "wirings create",
        {"chat": "den", "group": "family", "engage_pattern": "x", "engage_mode": "mention"},
        "goes with --engage-mode pattern",
    ),
    ("wirings create", {"chat": "den", "group": "family", "priority": 10**9}, "--priority: between"),
    ("wirings update", {"wiring": "family@home", "engage_mode": "pattern"}, "needs --engage-pattern"),
    ("wirings update", {"wiring": "family@home"}, "nothing to change.*--help"),
    ("users create", {"user": "ada", "name": "Ada"}, "<channel>:.*such as telegram:4711"),
    ("users create", {"user": "test:ada", "name": "Ada"}, "known already.*nanoclaw users update"),
    ("users create", {"user": "test:eve", "name": ""}, "needs a name"),
    ("users update", {"user": "ada", "name": " "}, "needs a name"),
    ("users get", {"user": "nobody"}, "there is no user 'nobody': `nanoclaw users list` shows them all"),
    ("users get", {"user": "test:eve"}, "there is no user.*nanoclaw users create test:eve NAME; `nanoclaw users list"),
    (
        "members add",
        {"user": "test:eve", "group": "family"},
        "name them first with nanoclaw users create test:eve NAME",
    ),
    ("users delete", {"user": "ada"}, "1 membership: nanoclaw roles revoke"),
    ("roles grant", {"user": "ada", "role": "owner", "group": "family"}, "leave --group out"),
    ("roles revoke", {"user": "ada", "role": "admin"}, "is not admin of all agent groups.*nanoclaw roles list"),
    ("roles grant", {"user": "Mallory", "role": "owner"}, "gets no role: nothing vouches"),
    ("roles revoke", {"user": "test:operator", "role": "owner"}, "the only owner.*nanoclaw roles grant"),
    ("members remove", {"user": "test:operator", "group": "family"}, "is no member.*nanoclaw members list"),
    ("destinations add", {"group": "family"}, "either --chat or --agent"),
    ("destinations add", {"group": "family", "chat": "home", "agent": "familiar"}, "either --chat or --agent"),
    ("destinations add", {"group": "family", "agent": "family"}, "no destination for itself"),
    ("destinations add", {"group": "family", "chat": "home"}, "may write to Home already, as home"),
    ("destinations add", {"group": "family", "chat": "den", "name": "home"}, "choose another with --name"),
    ("destinations add", {"group": "family", "chat": "den", "name": "The Den"}, "the-den would be"),
    ("destinations add", {"group": "family", "chat": "den", "both": True}, "name the other with --agent"),
    ("destinations add", {"group": "family", "agent": "familiar", "back": "f"}, "say --both as well"),
    ("destinations remove", {"group": "family", "name": "home", "both": True}, "home is a chat"),
    ("destinations remove", {"group": "family", "name": "attic"}, "nanoclaw destinations list --group family"),
    ("sessions get", {"session": "ses-9"}, "there is no session.*nanoclaw sessions list"),
    ("approvals show", {"approval": "apr-9"}, "there is no approval.*nanoclaw approvals list"),
    ("drops list", {"most": 0}, "--most: between"),
    (
        "explain",
        {"chat": "home", "text": "x", "from_": "slack:ada"},
        "anything on test.*--channel test",
    ),
    ("explain", {"chat": "home", "text": "x", "from_": "eve"}, "there is no user"),
    ("explain", {"chat": "home", "text": "x", "from_": ":eve"}, "is no user id"),
    ("explain", {"chat": "home", "text": "x", "top_level": True}, "--thread"),
]


@pytest.mark.parametrize(("verb", "arguments", "sentence"), CASES, ids=str)
def test_a_wrong_input_gets_a_sentence_and_changes_nothing(
    verb: str, arguments: dict[str, object], sentence: str
) -> None:
    desk = furnished()
    before = everything(desk.world.conn)
    with pytest.raises(UsageError, match=sentence):
        desk.do(verb, **arguments)
    assert everything(desk.world.conn) == before
