"""Admin commands that an agent gives: the verbs of the command line, within what it and its turn may reach.

What it may reach is enforced where questions are answered: the handlers see no other rows (`store.scope`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from attrs import frozen

from nanoclaw.actors.asker import Asker
from nanoclaw.admin.table import BY_NAME
from nanoclaw.admin.verb import Answer, ConfirmationNeededError, Request, Verb
from nanoclaw.core.agent_commands import NotForAgents, commands, decide_command
from nanoclaw.core.mounts import Verdict
from nanoclaw.core.requests import Right
from nanoclaw.errors import UsageError
from nanoclaw.kit.ids import mint
from nanoclaw.model.ids import AgentGroupId, ChannelName, UserId
from nanoclaw.model.settings import GroupMounts
from nanoclaw.store.scope import scoped
from schema import strict_json
from schema.requests import Admin
from schema.sqlite import Connection

HELP = "help"
MOST_ANSWER = 16_000
"""Characters of an answer; what is more is counted."""
NOBODY = UserId("")
"""The operator of a command that changes nothing."""


@frozen(kw_only=True)
class AgentCommands:
    """The handler of what agents ask as `admin`."""

    threaded: Callable[[], Mapping[ChannelName, bool]]
    """Which channels have threads."""
    mint: Callable[[str], str] = mint

    def __call__(self, conn: Connection, asker: Asker, runner_id: str, said: Admin, now: datetime) -> str:
        """Answer a command, as text. Raises `UsageError`."""
        command = " ".join(said.command.split())
        if command == HELP:
            return _help(asker.right)
        access = decide_command(command, asker.right)
        if isinstance(access, NotForAgents):
            raise UsageError(access.why)
        verb = BY_NAME[command]
        agent = asker.place.agent_group.id
        arguments = _arguments(verb, said.options, agent)
        with scoped(conn, agent if asker.right is Right.GROUP else None):
            return _text(_answer(conn, verb, arguments, self._request(asker, now)))

    def _request(self, asker: Asker, now: datetime) -> Request:
        return Request(
            now=now,
            mint=self.mint,
            operator=NOBODY,
            threaded=self.threaded(),
            check_mounts=_no_mounts,
            timezone=asker.timezone,
        )


def _arguments(verb: Verb, options: str, agent: AgentGroupId) -> object:
    """What was said, strictly; the agent itself where it has to say which agent group and does not."""
    try:
        said = strict_json.read(options)
    except strict_json.JsonError as exc:
        raise UsageError(f"{verb.name}: {exc}") from None
    if isinstance(said, dict) and any(one.name == "group" and one.required for one in verb.parameters()):
        said = {"group": agent} | said
    return verb.read(said)


def _answer(conn: Connection, verb: Verb, arguments: object, request: Request) -> Answer:
    try:
        return verb.handler(conn, arguments, request)
    except ConfirmationNeededError as exc:
        raise AssertionError(f"{verb.name} only looks, and asks {exc}") from exc


def _text(answer: Answer) -> str:
    """An answer as a model reads it: a sentence, and a line of JSON for each thing."""
    lines = [answer.said] if answer.said else []
    lines += [
        json.dumps({name: cell for name, cell in row.items() if cell is not None}, ensure_ascii=False)
        for row in answer.rows
    ]
    shown, room = 0, MOST_ANSWER
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        shown += 1
    left = len(lines) - shown
    return "\n".join([*lines[:shown], *([f"and {left} more: ask for less at once"] if left else [])])


def _help(right: Right) -> str:
    """Every command that there is for an agent."""
    lines = []
    for command in commands(right):
        verb = BY_NAME[command]
        options = [one.name if one.required else f"[{one.name}]" for one in verb.parameters()]
        lines.append(f"{' '.join([command, *options])}: {' '.join(verb.help.split())}")
    return "\n".join(lines)


def _no_mounts(_: AgentGroupId, __: Collection[GroupMounts]) -> tuple[Verdict, ...]:
    """Where folders of the machine are from is the operator's alone."""
    return ()
