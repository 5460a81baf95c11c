"""Which engine? The strongest that answers, or the one that was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.engine import Engine, Unusable, Usable

AUTO = "auto"


@frozen(kw_only=True)
class Choice:
    """The engine, what it is, and why not a stronger one."""

    engine: Engine
    usable: Usable
    passed_over: tuple[tuple[str, Unusable], ...]


async def choose(engines: Sequence[Engine], wanted: str) -> Choice:
    """Probe *engines*, the strongest first, until one answers.

    Args:
      engines: All there are.
      wanted: `AUTO`, or the name of the one to use and no other.

    Raises:
      SandboxError: none answers, or the wanted one does not.
    """
    passed_over: list[tuple[str, Unusable]] = []
    for engine in engines:
        if wanted not in (AUTO, engine.name):
            continue
        found = await engine.probe()
        if isinstance(found, Usable):
            return Choice(engine=engine, usable=found, passed_over=tuple(passed_over))
        passed_over.append((engine.name, found))
    if not passed_over:
        names = ", ".join(engine.name for engine in engines)
        raise SandboxError(engine=wanted, why=f"there is no such engine: choose one of {AUTO}, {names}")
    name, failed = passed_over[0]
    raise SandboxError(engine=name, why=failed.why + (f" (try: {failed.mend})" if failed.mend else ""))
