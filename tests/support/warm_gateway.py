"""Gateways that need not import anything first: forks of a template that the host has forked, as in `warm_runner`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import partial

from nanoclaw.gateway import program, start
from nanoclaw.gateway.process import GatewayProcess
from nanoclaw.kit.spawner import Command, Program, Spawner
from tests.support.forks import Asked, Forked, fork_template


def warm_gateway() -> Callable[..., GatewayProcess]:
    """Makes what keeps a gateway: its processes are forks of a template that this process forks now."""
    fork = fork_template(_be_the_gateway)

    def born(command: Command) -> Program:
        asked = {"argv": list(command.argv), "env": dict(command.environment), "cwd": str(command.directory)}
        assert command.stdin is not None
        # `Forked` closes what it is given.
        return Forked(fork, asked, stdin=os.dup(command.stdin), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    return partial(GatewayProcess, spawner=Spawner(born))


def _be_the_gateway(_: Asked) -> None:
    os.setsid()
    start.confine(os.getppid())
    program.main()
