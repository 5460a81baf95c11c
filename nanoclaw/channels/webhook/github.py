"""What GitHub calls about, as messages. Pure.

Made from GitHub's documentation, "Webhook events and payloads". What there are no words for is said in one line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nanoclaw.channels.webhook.wording import Nothing, Told, at, line, lines, listed, quote, titled, words

SHORT = 7
"""Characters of a commit's name."""
WITH_TEXT = frozenset({"opened", "edited", "created", "submitted", "published", "answered"})
"""What is done to something whose text is new then."""


def tell(event: str, call: object) -> Told:
    """The message for a call of that *event*, which is a header's word and was not signed."""
    if event == "ping":
        return Nothing("GitHub has tried whether we are there")
    if event in ("check_run", "check_suite", "workflow_job", "status", "deployment_status"):
        return Nothing("of what runs, workflow runs are told and their pieces are not")
    return _TELLERS.get(event, _anything)(event, call)


def _push(_: str, call: object) -> Told:
    branch = line(call, "ref").removeprefix("refs/heads/").removeprefix("refs/tags/")
    who, where = _who(call), _repository(call)
    if at(call, "deleted") is True:
        return f"{who} deleted {branch} of {where}."
    found = at(call, "commits")
    commits = found if isinstance(found, list) else []
    many = "1 commit" if len(commits) == 1 else f"{len(commits)} commits"
    how = "force-pushed" if at(call, "forced") is True else "pushed"
    said = [words(line(one, "id")[:SHORT], _first(one), _by(line(one, "author", "name"))) for one in commits]
    return lines(f"{who} {how} {many} to {branch} of {where}.", *listed(said), line(call, "compare"))


def _issue(_: str, call: object) -> Told:
    return _about(call, "issue", "issue", line(call, "action"))


def _pull_request(_: str, call: object) -> Told:
    action = line(call, "action")
    if action == "synchronize":
        action = "pushed to"
    if action == "closed" and at(call, "pull_request", "merged") is True:
        action = "merged"
    return _about(call, "pull_request", "pull request", action)


def _comment(_: str, call: object) -> Told:
    name = "pull request" if at(call, "issue", "pull_request") is not None else "issue"
    return _said(call, "comment", "issue", name, _done(call, "comment"))


def _review(_: str, call: object) -> Told:
    state = line(call, "review", "state").lower().replace("_", " ")
    done = f"{_verb(line(call, 'action'))} a review ({state}) of" if state else "reviewed"
    return _said(call, "review", "pull_request", "pull request", done)


def _review_comment(_: str, call: object) -> Told:
    place = line(call, "comment", "path")
    return _said(
        call, "comment", "pull_request", "pull request", _done(call, f"comment on {place}" if place else "comment")
    )


def _release(_: str, call: object) -> Told:
    name = titled(line(call, "release", "name") or line(call, "release", "tag_name"))
    head = words(_who(call), _verb(line(call, "action")), "release", name, "of", _repository(call))
    return lines(f"{head}.", line(call, "release", "html_url"), _text(call, "release"))


def _workflow(_: str, call: object) -> Told:
    if line(call, "action") != "completed":
        return Nothing("a workflow is told of when it has ended")
    run = at(call, "workflow_run")
    ended = line(run, "conclusion").replace("_", " ") or "ended"
    where = words("on", line(run, "head_branch"), "of", _repository(call))
    return lines(f"Workflow {titled(line(run, 'name'))} {where}: {ended}.", line(run, "html_url"))


def _anything(event: str, call: object) -> Told:
    action = line(call, "action").replace("_", " ")
    what = words(line({"": event}, "").replace("_", " "), action) or "something"
    return f"{_who(call)}: {what} in {_repository(call) or 'a repository'}."


_TELLERS: Mapping[str, Callable[[str, object], Told]] = {
    "push": _push,
    "issues": _issue,
    "pull_request": _pull_request,
    "issue_comment": _comment,
    "pull_request_review": _review,
    "pull_request_review_comment": _review_comment,
    "release": _release,
    "workflow_run": _workflow,
}


def _about(call: object, key: str, name: str, action: str) -> str:
    """Something was done to an issue or a pull request."""
    what = words(name, _number(call, key), "of", _repository(call))
    more = line(call, "label", "name") or line(call, "assignee", "login") or line(call, "requested_reviewer", "login")
    head = words(_who(call), _verb(action), what, f"({more})" if more else "")
    return lines(f"{head}: {titled(line(call, key, 'title'))}", line(call, key, "html_url"), _text(call, key))


def _said(call: object, key: str, subject: str, name: str, done: str) -> str:
    """Somebody has said something about an issue or a pull request."""
    what = words(name, _number(call, subject), "of", _repository(call))
    head = f"{_who(call)} {done} {what}: {titled(line(call, subject, 'title'))}"
    return lines(head, line(call, key, "html_url"), _text(call, key))


def _text(call: object, key: str) -> str:
    return quote(call, key, "body") if line(call, "action") in WITH_TEXT else ""


def _done(call: object, what: str) -> str:
    action = line(call, "action")
    return f"wrote a {what} about" if action == "created" else f"{_verb(action)} a {what} about"


def _verb(action: str) -> str:
    return action.replace("_", " ") or "changed"


def _number(call: object, key: str) -> str:
    number = line(call, key, "number")
    return f"#{number}" if number else ""


def _first(commit: object) -> str:
    message = at(commit, "message")
    return line({"": message.strip().partition("\n")[0]}, "") if isinstance(message, str) else ""


def _by(name: str) -> str:
    return f"({name})" if name else ""


def _who(call: object) -> str:
    return line(call, "sender", "login") or line(call, "pusher", "name") or "Somebody"


def _repository(call: object) -> str:
    return line(call, "repository", "full_name") or line(call, "organization", "login")
