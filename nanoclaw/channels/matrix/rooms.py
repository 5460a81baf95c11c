"""What has to be known of a Matrix room to understand what is said in it. Pure.

https://spec.matrix.org/v1.15/client-server-api/: "Room membership", "m.room.member", "m.room.name".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from nanoclaw.channels.matrix.wire import Event, clean, read_event

USER = re.compile(r"@[^\s:\0]{0,254}:[^\s\0]{1,254}")
LONGEST_USER = 255
PRESENT = frozenset({"join", "invite"})
STATE = frozenset({"m.room.member", "m.room.name", "m.room.encryption", "m.room.create"})
"""Events that change what is known of a room."""


@frozen(kw_only=True)
class Room:
    """A room as it is now."""

    id: str
    name: str | None = None
    people: Mapping[str, str] | None = {}
    """Who is in it or asked into it, and what they call themselves there; None: we may not know."""
    encrypted: bool = False

    def is_group(self, me: str) -> bool:
        """Can anybody but *me* and one other person read what is said in it?"""
        return self.people is None or len(self.people.keys() | {me}) > 2

    def called(self, user: str) -> str:
        """What *user* calls themselves; the first part of their id if they do not."""
        return (self.people or {}).get(user, "").strip() or user[1:].partition(":")[0] or user


def is_user(user: str) -> bool:
    """Is *user* the id of a person, such as `@ada:example.org`?"""
    return len(user.encode()) <= LONGEST_USER and USER.fullmatch(user) is not None


def people_of(members: Iterable[object]) -> dict[str, str]:
    """Who is in a room or asked into it, of its members' events."""
    found = {}
    for raw in members:
        event = read_event(raw)
        if isinstance(event, Event) and event.type == "m.room.member" and event.state_key is not None:
            if clean(event.content.get("membership")) in PRESENT:
                found[event.state_key] = clean(event.content.get("displayname"))
            else:
                found.pop(event.state_key, None)
    return found


def since_arrival(events: list[Event], me: str) -> list[Event]:
    """Of *events*, oldest first, what we may take for said to us: what came after we were asked into the room.

    Whoever asks us in may go on to speak before we have come.
    """
    for number in range(len(events) - 1, -1, -1):
        if is_arrival(events[number], me):
            return events[number:]
    return events


def is_arrival(event: Event, me: str) -> bool:
    """Does *me* come into the room by *event*? Whoever is asked in first comes by that."""
    if event.type != "m.room.member" or event.state_key != me:
        return False
    membership = event.content.get("membership")
    return membership == "invite" or (membership == "join" and event.was not in {"join", "invite"})


def inviter(state: Iterable[object], me: str) -> str | None:
    """Who asked *me* into a room, of the state that comes with the invitation; None: it does not say."""
    for raw in state:
        if not isinstance(raw, Mapping) or raw.get("type") != "m.room.member" or raw.get("state_key") != me:
            continue
        sender = clean(raw.get("sender"))
        return sender if is_user(sender) else None
    return None


def may_invite(user: str, allowed: str) -> bool:
    """May *user* take us into rooms? *allowed* has user ids, servers such as `example.org`, or `*`, with commas."""
    words = {word.strip() for word in allowed.split(",")} - {""}
    return bool(words & {"*", user, user.partition(":")[2]})
