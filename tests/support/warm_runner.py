"""Runners of the process engine that need not import anything first: forks of a template that the host has forked.

A host that is killed a hundred times would spend most of its lives on waiting for its runner to start. What a cold
start does is tested where that is the point.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys

import runner
from nanoclaw.kit.spawner import Command, Program, Spawner
from nanoclaw.sandboxes.process import ProcessEngine
from nanoclaw.sandboxes.runtime import Runtime
from tests.support.codecs import work_out_codecs
from tests.support.forks import Asked, Forked, fork_template, show_command_line

NOT_WANTED = "runner.providers.claude"
"""What the demo provider does without."""


def import_runner() -> None:
    """Import all that a runner may, and what is found out at a first use: every fork of this process has it then."""
    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        if not module.name.startswith(NOT_WANTED):
            importlib.import_module(module.name)
    work_out_codecs()


def warm_engine(runtime: Runtime) -> ProcessEngine:
    """The process engine, whose runners are forks of a template that this process forks now: it has no thread yet."""
    start = fork_template(_be_python)

    def born(command: Command) -> Program:
        asked = {"argv": list(command.argv), "env": dict(command.environment), "cwd": str(command.directory)}
        return Forked(
            start,
            asked,
            stdin=subprocess.PIPE if command.parent_pipe else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    return ProcessEngine(runtime, Spawner(born))


def _be_python(asked: Asked) -> None:
    """Do what the interpreter would: `python … -c PROGRAM ARGUMENT…`."""
    os.setsid()
    show_command_line(asked["argv"])
    at = asked["argv"].index("-c")
    program, sys.argv = asked["argv"][at + 1], ["-c", *asked["argv"][at + 2 :]]
    exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - the runtime's own bootstrap
