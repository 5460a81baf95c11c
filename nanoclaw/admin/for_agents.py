"""Admin commands that an agent gives: the verbs of the command line, within what it and its turn may reach.

What it may reach is enforced where questions are answered: the handlers see no other rows (`store.scope`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import assert_never

from attrs import frozen

from nanoclaw.actors.approving import ask
from nanoclaw.actors.asker import Asker
from nanoclaw.admin.agent_writes import AdminKind, no_mounts, plan
from nanoclaw.admin.table import BY_NAME
from nanoclaw.admin.verb import Answer, ConfirmationNeededError, Request, Verb
from nanoclaw.core.agent_commands import (
    OPERATORS_OWN,
    WRITES,
    ByApproval,
    NotForAgents,
    Open,
    commands,
    decide_command,
)
from nanoclaw.core.digests import canonical, digest_of
from nanoclaw.core.notices import plain
from nanoclaw.core.requests import Right
from nanoclaw.errors import UsageError
from nanoclaw.kit.ids import mint
from nanoclaw.model.approvals import Needs
from nanoclaw.model.ids import ChannelName, UserId
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
        options = _options(command, said.options)
        access = decide_command(command, options, asker.right)
        if isinstance(access, NotForAgents):
            raise UsageError(access.why)
        verb = BY_NAME[command]
        agent = asker.place.agent_group.id
        if any(one.name == "group" and one.required for one in verb.parameters()):
            options = {"group": agent} | options
        request = self._request(asker, now)
        match access:
            case Open():
                with scoped(conn, agent if asker.right is Right.GROUP else None):
                    return _text(_answer(conn, verb, verb.read(options), request))
            case ByApproval():
                return self._submit(conn, asker, plan(conn, verb, options, agent, asker.right, request), now)
            case _:
                assert_never(access)

    def _submit(self, conn: Connection, asker: Asker, payload: Mapping[str, object], now: datetime) -> str:
        """Ask a person. What is asked for twice is asked once."""
        agent, chat = asker.place.agent_group.id, asker.place.messaging_group
        approval = ask(
            conn,
            kind=AdminKind(),
            subject=f"admin/{agent}/{digest_of(canonical(payload))[:16]}",
            payload=payload,
            agent=agent,
            session=asker.place.session.id,
            chat=None if chat is None else chat.id,
            needs=Needs.ADMIN if asker.right is Right.GROUP else Needs.GLOBAL_ADMIN,
            mint=self.mint,
            now=now,
        )
        return f"submitted: {approval}. A person is asked; you will be told what came of it"

    def _request(self, asker: Asker, now: datetime) -> Request:
        return Request(
            now=now,
            mint=self.mint,
            operator=NOBODY,
            threaded=self.threaded(),
            check_mounts=no_mounts,
            timezone=asker.timezone,
        )


def _options(command: str, text: str) -> dict[str, object]:
    """What was said, strictly. Raises `UsageError`."""
    try:
        said = strict_json.read(text)
    except strict_json.JsonError as exc:
        raise UsageError(f"{plain(command, 80)}: {exc}") from None
    if not isinstance(said, dict):
        raise UsageError(f"{plain(command, 80)}: its options are an object, by name")
    return said


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
        verb, own = BY_NAME[command], OPERATORS_OWN.get(command, frozenset())
        options = [
            one.name if one.required and one.name != "group" else f"[{one.name}]"
            for one in verb.parameters()
            if one.name not in own
        ]
        asks = " A person has to approve it." if command in WRITES else ""
        lines.append(f"{' '.join([command, *options])}: {' '.join(verb.help.split())}{asks}")
    return "\n".join(lines)
