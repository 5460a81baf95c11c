"""How the demo provider is asked to use a tool, so that each can be seen without a model. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias, cast

from attrs import frozen

from runner.tools.base import Answer

_WORDS = r"(\S.*)"
_TELL = re.compile(rf"tell (\S+) {_WORDS}", re.DOTALL | re.IGNORECASE)
_PASS = re.compile(rf"pass ([a-z0-9-]+(?: [a-z0-9-]+)*): {_WORDS}", re.DOTALL | re.IGNORECASE)
_IN_MINUTES = re.compile(rf"schedule (\d{{1,5}}) {_WORDS}", re.DOTALL | re.IGNORECASE)
_FIELD = r"(?:[\d*][\w*/,#-]*|(?:sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[\w,#-]*)"
_AGAIN = re.compile(rf"schedule (@[a-z]+|(?:{_FIELD} ){{4}}{_FIELD}) {_WORDS}", re.DOTALL | re.IGNORECASE)
_TASK = re.compile(r"(pause|resume|cancel) (task-\S+)", re.IGNORECASE)
_UPDATE = re.compile(rf"update (task-\S+) {_WORDS}", re.DOTALL | re.IGNORECASE)
_AGENT = re.compile(r"create an agent (?:named|called) ([^:\n]+?)(?:: (.+))?", re.DOTALL | re.IGNORECASE)
_ADMIN = re.compile(r"admin ([a-z]+(?: [a-z]+)?)((?: [a-z_]+=\S+)*)", re.IGNORECASE)
_SERVER = re.compile(rf"add mcp server ([\w-]+): {_WORDS}", re.DOTALL | re.IGNORECASE)
_PACKAGES = re.compile(r"install ((?:(?:apt|npm|pip)=\S+ ?)+)(?:for (.+))?", re.DOTALL | re.IGNORECASE)
_ASK = re.compile(rf"ask a question of {_WORDS}", re.IGNORECASE)
_CALL = re.compile(r"use ([\w-]+) of ([\w-]+)", re.IGNORECASE)
_VARIABLE = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_NUMBER = re.compile(r"\(id: (\d+)\)")


QUESTION: Mapping[str, object] = MappingProxyType(
    {"title": "A question", "question": "Tea or coffee?", "options": ["Tea", "Coffee"]}
)


@frozen
class Use:
    """Call the tool *name*, and go on with what *then* makes of its answer: words to say, or more tools."""

    name: str
    arguments: Mapping[str, object]
    then: Callable[[Answer], Sequence[Use | str]]
    to: str | None = None
    """Who those words are for; None: nobody in particular."""


Part: TypeAlias = Use | str


def tools_asked_for(text: str, *, number: int, to: str | None, now: datetime) -> list[Use]:
    """What *text* asks for; empty if it asks for nothing of the kind.

    Args:
      text: What was said.
      number: Of the message that says it.
      to: Where it came from, if that has a name.
      now: The time by the user's clock.
    """
    here = {} if to is None else {"to": to}
    match text.lower().strip("!.,? "):
        case "ask me a question" | "ask":
            return [Use("ask_user_question", {**QUESTION, **here}, _said)]
        case "edit":
            return [Use("send_message", {"text": "I am about to change my mind.", **here}, _change)]
        case "react":
            return [Use("add_reaction", {"message_id": number, "emoji": "thumbs_up"}, _said)]
        case "card":
            card = {"title": "A card", "description": "What is on a card is set apart from the talk around it."}
            return [Use("send_card", {**card, **here}, _said)]
        case "tasks":
            return [Use("list_tasks", {}, _scheduled)]
        case _:
            return (
                _asked(text.strip(), here)
                or _told(text)
                or _tasks(text, now)
                or _agents(text.strip())
                or _admin(text.strip())
                or _more(text.strip())
            )


def _asked(text: str, here: Mapping[str, object]) -> list[Use]:
    if asked := _ASK.fullmatch(text):
        names = [name.strip() for name in asked[1].split(",")]
        return [Use("ask_user_question", {**QUESTION, "responders": names, **here}, _said)]
    return []


def _told(text: str) -> list[Use]:
    if told := _TELL.fullmatch(text):
        return [Use("send_message", {"to": told[1], "text": told[2]}, _said)]
    if passed := _PASS.fullmatch(text):
        to, *others = passed[1].split()
        again = f"pass {' '.join([*others, to])}: {passed[2]}"
        return [Use("send_message", {"to": to, "text": again}, _passed)]
    return []


def send_file(path: str, name: str, text: str, to: str | None) -> Use:
    """Send the file at *path*. There is something to say about it only if that does not work."""
    here = {} if to is None else {"to": to}
    words = {"text": text} if text else {}
    return Use(
        "send_file",
        {"path": path, "filename": name, **words, **here},
        lambda answer: [f"{name}: {answer.text}"] if answer.failed else [],
    )


def _tasks(text: str, now: datetime) -> list[Use]:
    if again := _AGAIN.fullmatch(text):
        return [Use("schedule_task", {"prompt": again[2], "recurrence": again[1]}, _asked_host)]
    if once := _IN_MINUTES.fullmatch(text):
        at = (now + timedelta(minutes=int(once[1]))).isoformat(timespec="seconds")
        return [Use("schedule_task", {"prompt": once[2], "process_after": at}, _asked_host)]
    if task := _TASK.fullmatch(text.strip()):
        return [Use(f"{task[1].lower()}_task", {"task_id": task[2]}, _asked_host)]
    if update := _UPDATE.fullmatch(text):
        return [Use("update_task", {"task_id": update[1], "prompt": update[2]}, _asked_host)]
    return []


def _agents(text: str) -> list[Use]:
    if asked := _AGENT.fullmatch(text):
        instructions = {} if asked[2] is None else {"instructions": asked[2]}
        return [Use("create_agent", {"name": asked[1], **instructions}, _asked_host)]
    return []


def _admin(text: str) -> list[Use]:
    if asked := _ADMIN.fullmatch(text):
        options = dict(option.split("=", 1) for option in asked[2].split())
        return [Use("admin", {"command": asked[1], **({"options": options} if options else {})}, _asked_host)]
    return []


def _more(text: str) -> list[Use]:
    if asked := _PACKAGES.fullmatch(text):
        packages: dict[str, object] = {} if asked[2] is None else {"reason": asked[2]}
        for word in asked[1].split():
            kind, _, name = word.partition("=")
            packages[kind.lower()] = [*cast("list[str]", packages.get(kind.lower(), [])), name]
        return [Use("install_packages", packages, _asked_host)]
    if asked := _CALL.fullmatch(text.strip("!.,? ")):
        return [Use(f"mcp__{asked[2]}__{asked[1]}", {}, _said)]
    if asked := _SERVER.fullmatch(text):
        try:
            words = shlex.split(asked[2])
        except ValueError:
            words = asked[2].split()
        env: dict[str, str] = {}
        while words and (variable := _VARIABLE.fullmatch(words[0])):
            env[variable[1]] = variable[2]
            words = words[1:]
        if words:
            server = {"name": asked[1], "command": words[0], "args": words[1:], "env": env}
            return [Use("add_mcp_server", server, _asked_host)]
    return []


def _said(answer: Answer) -> list[Part]:
    return [answer.text]


def _passed(answer: Answer) -> list[Part]:
    """What goes round needs no words to whom it came from."""
    return [answer.text] if answer.failed else []


def _asked_host(answer: Answer) -> list[Part]:
    return [f"I have asked the host: {answer.text}"]


def _scheduled(answer: Answer) -> list[Part]:
    return [f"Scheduled: {answer.text}"]


def _change(answer: Answer) -> list[Part]:
    number = _NUMBER.search(answer.text)
    if answer.failed or number is None:
        return [answer.text]
    return [Use("edit_message", {"message_id": int(number[1]), "text": "I have changed my mind."}, _said)]
