"""The tool by which an agent gives one of the operator's commands: admin."""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import frozen

from runner.core.arguments import Options, Refused, Text
from runner.tools.asking import request
from runner.tools.base import Answer
from runner.tools.desk import Definition, Desk, define_tool
from schema.requests import Admin as AdminRequest

MOST_COMMAND = 100


@frozen(kw_only=True)
class _Admin:
    command: str
    options: Mapping[str, str | int | bool] | None = None


async def _admin(desk: Desk, said: _Admin) -> Answer | Refused:
    return await request(
        desk, AdminRequest(command=said.command, options=json.dumps(said.options or {}, ensure_ascii=False))
    )


ADMIN: tuple[Definition, ...] = (
    define_tool(
        "admin",
        "Look at how you are set up, as your operator would: which sessions, tasks, destinations, members you have; or "
        "ask for a change of it, which a person has to approve: you are told later what came of that. How far it "
        "reaches depends on what your operator allows and on who asks. The command help lists the commands and their "
        "options.",
        [
            Text(name="command", about="Such as help, or sessions list.", most=MOST_COMMAND),
            Options(name="options", about="The command's options by name; those in brackets may be left out."),
        ],
        _Admin,
        _admin,
    ),
)
