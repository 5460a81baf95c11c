"""What a task's script said: is the agent to be asked? Pure.

The last line that is not empty decides: a JSON object with `wakeAgent`, true or false, and, if it likes, `data` for the
agent. Whatever else there is, is the script's own business.
"""

from __future__ import annotations

import json
from typing import TypeAlias

from attrs import frozen

from schema.strict_json import JsonError, read

MOST_DATA = 100_000
"""Characters of data, as JSON."""


@frozen
class Open:
    """The agent is asked, and told *data*: JSON text, or None for none."""

    data: str | None


@frozen
class Shut:
    """There is nothing for the agent to do."""

    why: str


@frozen
class Broken:
    """The script did not do what a script has to."""

    why: str


Gate: TypeAlias = Open | Shut | Broken


def decide_gate(code: int, output: str) -> Gate:
    """Judge a script that ended with *code* after saying *output*, or the end of it."""
    if code != 0:
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        return Broken(f"its script {how}")
    lines = output.strip().splitlines()
    if not lines:
        return Broken("its script said nothing; its last line has to be JSON with wakeAgent")
    try:
        said = read(lines[-1].strip())
    except JsonError as exc:
        return Broken(f"the last line of its script is no JSON: {exc}")
    if not isinstance(said, dict) or type(said.get("wakeAgent")) is not bool:
        return Broken("the last line of its script has no wakeAgent that is true or false")
    if not said["wakeAgent"]:
        return Shut("its script said that nothing is to be done")
    data = said.get("data")
    text = None if data is None else json.dumps(data, ensure_ascii=False)
    if text is not None and len(text) > MOST_DATA:
        return Broken(f"the data of its script is longer than {MOST_DATA:,} characters")
    return Open(text)
