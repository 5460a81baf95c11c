"""A start of a container that somebody has asked for."""

from __future__ import annotations

import trio
from attrs import define, field

from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.docker_api import ENGINE
from nanoclaw.sandboxes.docker_sandbox import DockerSandbox
from nanoclaw.sandboxes.engine import SandboxSpec


@define(eq=False)
class Order:
    """A start that somebody waits for, or does not any more."""

    spec: SandboxSpec
    done: trio.Event = field(factory=trio.Event, init=False)
    sandbox: DockerSandbox | None = field(default=None, init=False)
    failure: Exception = field(factory=lambda: SandboxError(engine=ENGINE, why="the host is stopping"), init=False)
    abandoned: bool = field(default=False, init=False)
