"""What holds up whom, written into the tree of actors as JSON has it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from nanoclaw.core.holds_gateway import gateway_hold
from nanoclaw.core.holds_words import Hold

Node: TypeAlias = dict[str, Any]
PARTS = {"sessions": ("sessions", "session"), "delivery": ("lanes", "lane"), "channels": ("channels", "channel")}
"""Whose children have rows in an overview: in which of its lists, and by which name."""
GATEWAY = "gateway"
"""The part that has a hold itself."""
CELLS = ("reason", "mark", "why", "mend")


def cells_of(hold: Hold) -> Node:
    """A hold as cells of a row."""
    return {"reason": hold.reason.value, "mark": hold.mark.value, "why": hold.words, "mend": hold.mend}


def with_holds(tree: Node, overview: Mapping[str, Any]) -> Node:
    """*tree* with a `hold` for the gateway, and for what *overview* has rows of: what has no actor is added."""
    children = []
    for part in tree["children"]:
        if part["name"] == GATEWAY:
            children.append({**part, "hold": cells_of(gateway_hold(part["signals"], part["last_error"]))})
            continue
        if part["name"] not in PARTS:
            children.append(part)
            continue
        rows, name = PARTS[part["name"]]
        holds = {row[name]: {cell: row[cell] for cell in CELLS} for row in overview.get(rows, ())}
        there = [{**one, "hold": holds.pop(one["name"], None)} for one in part["children"]]
        absent = [_without_actor(name, hold) for name, hold in sorted(holds.items())]
        children.append({**part, "children": [*there, *absent]})
    return {**tree, "children": children}


def find_in(node: Node, path: Sequence[str]) -> Node | None:
    """The node at the end of *path*; None: there is none. A name may be how only one begins."""
    if not path:
        return node
    names: list[Node] = node["children"]
    there = [one for one in names if one["name"] == path[0]] or [
        one for one in names if one["name"].startswith(path[0])
    ]
    return find_in(there[0], path[1:]) if len(there) == 1 else None


def _without_actor(name: str, hold: Node) -> Node:
    return {
        "name": name,
        "kind": "",
        "state": "stopped",
        "age": 0.0,
        "restarts": 0,
        "last_error": None,
        "mailbox": None,
        "doing": "",
        "signals": {},
        "hold": hold,
        "children": [],
    }
