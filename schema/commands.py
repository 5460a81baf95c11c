"""What is a command in a chat? One parser, for the host that judges commands and for the runner that obeys them."""

from __future__ import annotations

import re

from attrs import frozen

_ADDRESS = re.compile(r"(?:<@[^>\s]{1,80}>|@[^\s@]{1,80})[\s,:]+")
_COMMAND = re.compile(r"/([a-zA-Z][a-zA-Z0-9_-]{0,63})(?:@[a-zA-Z0-9_]{1,64})?(?=\s|\Z)")
MOST_ADDRESSES = 3


@frozen
class Command:
    """`/name arguments`."""

    name: str
    """In small letters, with the slash."""
    arguments: str


def parse(text: str) -> Command | None:
    """The command that *text* is, if it is one.

    A command is the first word of a message, whole: `/clear` and `/clear now`, but neither `/clearly` nor `/etc/hosts`.
    Whom it is said to may stand before it (`@nano /clear`) or, as Telegram writes it, behind (`/clear@nano_bot`).
    """
    rest = text.strip()
    for _ in range(MOST_ADDRESSES):
        address = _ADDRESS.match(rest)
        if address is None:
            break
        rest = rest[address.end() :]
    found = _COMMAND.match(rest)
    if found is None:
        return None
    return Command(f"/{found.group(1).lower()}", rest[found.end() :].strip())
