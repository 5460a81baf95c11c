"""What Linear calls about, as messages. Pure.

Made from Linear's documentation for developers, "Webhooks": `action` is create, update or remove, `type` says of what,
`data` is how it is now, and `updatedFrom` has how changed fields were.
"""

from __future__ import annotations

from collections.abc import Mapping

from nanoclaw.channels.webhook.wording import MOST_ITEMS, Told, at, line, lines, quote, titled, words

DONE = {"create": "created", "update": "changed", "remove": "removed", "restore": "restored"}
NAMES = {
    "stateId": "state",
    "assigneeId": "assignee",
    "projectId": "project",
    "cycleId": "cycle",
    "labelIds": "labels",
    "dueDate": "due date",
    "priorityLabel": "priority",
    "parentId": "parent",
}
"""What people call fields."""
UNSAID = frozenset({"updatedAt", "sortOrder", "boardOrder", "subIssueSortOrder", "prioritySortOrder", "editedAt"})


def tell(call: object) -> Told:
    """The message for a call."""
    kind, action = line(call, "type"), line(call, "action")
    done = DONE.get(action, action or "changed")
    match kind:
        case "Issue":
            return _issue(call, done)
        case "Comment":
            return _comment(call, done)
        case _:
            name = titled(line(call, "data", "name") or line(call, "data", "title"))
            head = words(_who(call), done, kind or "something", name)
            return lines(f"{head}.", _changed(call), line(call, "url"), _text(call, "description"))


def _issue(call: object, done: str) -> str:
    head = words(_who(call), done, line(call, "data", "identifier"), titled(line(call, "data", "title")))
    facts = [line(call, "data", "state", "name"), line(call, "data", "priorityLabel")]
    assignee = line(call, "data", "assignee", "name")
    facts.append(f"assigned to {assignee}" if assignee else "")
    known = ", ".join(filter(None, facts))
    return lines(
        f"{head} ({known})." if known else f"{head}.",
        _changed(call),
        line(call, "url"),
        _text(call, "description"),
    )


def _comment(call: object, done: str) -> str:
    about = words(line(call, "data", "issue", "identifier"), titled(line(call, "data", "issue", "title")))
    did = "commented on" if done == "created" else f"{done} a comment on"
    return lines(f"{words(_who(call), did, about or 'something')}.", line(call, "url"), _text(call, "body"))


def _text(call: object, name: str) -> str:
    """The text of it, if it is new."""
    before = at(call, "updatedFrom")
    is_new = line(call, "action") == "create" or (isinstance(before, Mapping) and name in before)
    return quote(call, "data", name) if is_new else ""


def _changed(call: object) -> str:
    before = at(call, "updatedFrom")
    names = [] if not isinstance(before, Mapping) else [line({"": name}, "") for name in before if name not in UNSAID]
    return f"Changed: {', '.join(NAMES.get(name, name) for name in names[:MOST_ITEMS])}." if names else ""


def _who(call: object) -> str:
    return line(call, "actor", "name") or line(call, "data", "user", "name") or "Somebody"
