"""Asking the host for something by a row, and waiting a moment for what came of it, which is a row as well."""

from __future__ import annotations

from runner.model import Ask
from runner.tools.base import Answer
from runner.tools.desk import Desk
from schema import payloads
from schema.payloads import SystemIn
from schema.requests import NAMES, REFUSED, Asked

PATIENCE_SECONDS = 10.0


async def request(desk: Desk, asked: Asked) -> Answer:
    """Ask the host, and say what it said."""
    action = NAMES[type(asked)]
    row = await desk.say(Ask(in_reply_to=desk.current, action=action, arguments=payloads.write(asked)))
    with desk.waits.waiting((desk.epoch, row.id)) as result:
        told = await result.row(PATIENCE_SECONDS)
    if told is None:
        return Answer(f"It is asked for; what came of it you will be told later, as a system_response to {action}.")
    assert isinstance(told.payload, SystemIn)
    text = told.payload.text
    if text.startswith(REFUSED):
        return Answer(f"It was refused: {text.removeprefix(REFUSED)}", failed=True)
    return Answer(text)
