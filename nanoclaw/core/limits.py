"""How much of the machine the sandboxes of an agent group may take, as people write it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import attrs
from attrs import frozen

from nanoclaw.core.notices import plain
from nanoclaw.model.sandbox import LEAST_MEMORY, MIB, Limits
from schema.strict_json import JsonError, read

MOST_MEMORY = 1 << 44
MOST_CPUS = 1024.0
MOST_PROCESSES = 1_000_000
LEAST_PROCESSES = 16

_UNITS = {"m": MIB, "g": 1024 * MIB}
_MEMORY = re.compile(r"([0-9]{1,9})([mg])", re.IGNORECASE)
_CPUS = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,3})?")


@frozen
class BadLimit:
    """It is no limit; the sentence says what one looks like."""

    why: str


def read_memory(said: object) -> int | BadLimit:
    """Bytes, from text such as `512m` or `2g`."""
    found = _MEMORY.fullmatch(said) if isinstance(said, str) else None
    number = int(found[1]) * _UNITS[found[2].lower()] if found else 0
    if not LEAST_MEMORY <= number <= MOST_MEMORY:
        return BadLimit(
            f"memory: {_quoted(said)} is not an amount such as 512m or 2g, of {LEAST_MEMORY // MIB}m or more"
        )
    return number


def read_cpus(said: object) -> float | BadLimit:
    """How many processors, from a number or from text such as `1.5`."""
    text = said if isinstance(said, str) else f"{said}" if type(said) in {int, float} else ""
    number = float(text) if _CPUS.fullmatch(text) else 0.0
    if not 0 < number <= MOST_CPUS:
        return BadLimit(f"cpus: {_quoted(said)} is not a number of processors such as 1.5, above 0")
    return number


def read_processes(said: object) -> int | BadLimit:
    """How many processes and threads."""
    if type(said) is not int or not LEAST_PROCESSES <= said <= MOST_PROCESSES:
        return BadLimit(f"pids: {_quoted(said)} is not a number of processes, {LEAST_PROCESSES} or more")
    return said


def limits_of(text: str) -> tuple[Limits, tuple[str, ...]]:
    """The limits in the settings of an agent group, and a sentence for each that makes no sense: that one is usual."""
    found, left = _object(text)
    limits = Limits()
    for name, said in found.items():
        match name:
            case "memory" if not isinstance(memory := read_memory(said), BadLimit):
                limits = attrs.evolve(limits, memory_bytes=memory)
            case "cpus" if not isinstance(cpus := read_cpus(said), BadLimit):
                limits = attrs.evolve(limits, cpus=cpus)
            case "pids" if not isinstance(processes := read_processes(said), BadLimit):
                limits = attrs.evolve(limits, processes=processes)
            case _:
                left.append(f"limits: {plain(name, 60)}: {_quoted(said)} is no limit")
    return limits, tuple(left)


def with_limits(text: str, changes: Mapping[str, object]) -> str | BadLimit:
    """The settings with those changes: `memory`, `cpus` and `pids`; an empty text, or 0, for the usual one."""
    readers = {"memory": read_memory, "cpus": read_cpus, "pids": read_processes}
    found, _ = _object(text)
    for name, said in changes.items():
        if said in ("", 0):
            found.pop(name, None)
            continue
        limit = readers[name](said)
        if isinstance(limit, BadLimit):
            return limit
        found[name] = said if name == "memory" else limit
    return json.dumps({name: found[name] for name in sorted(found)})


def _object(text: str) -> tuple[dict[str, object], list[str]]:
    try:
        found = read(text)
    except JsonError as exc:
        return {}, [f"limits: {exc}"]
    return (found, []) if isinstance(found, dict) else ({}, ["limits: not of the right form"])


def _quoted(said: object) -> str:
    return plain(repr(said), 60)
