"""The provider `claude`: the SDK is loaded on a thread of its own, beside the loop, and first needed by a query."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import trio
from attrs import define, field

from runner.errors import ConfigError
from runner.logs import log
from runner.model import Container
from runner.providers.base import Input, Query
from runner.providers.claude.options import (
    DENIED,
    Server,
    Settings,
    Surroundings,
    option_fields,
    server_fields,
    state_folder,
)
from runner.providers.claude.points import resumable
from runner.providers.claude.transcripts import FOLDER
from runner.relay import open_relay
from runner.tools.base import Toolbox
from schema.files import SANDBOX_EXTRA

SILENCE_SECONDS = 900.0
"""The command line itself gives a request ten minutes."""
NEEDS_SDK = "runner.providers.claude.query"


@define(eq=False)
class Loading:
    """A module that is imported on a thread of its own: for a second, which the first look must not wait for."""

    _name: str
    _error: Exception | None = field(default=None, init=False)
    _module: ModuleType | None = field(default=None, init=False)
    _thread: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        # A daemon: a runner that is told to stop meanwhile does not wait for it.
        self._thread = threading.Thread(target=self._load, name=self._name, daemon=True)
        self._thread.start()

    async def module(self) -> ModuleType:
        """The module, as soon as it is there.

        Raises:
          ConfigError: it, or what it needs, is not in this sandbox.
          Exception: whatever else its import raised.
        """
        await trio.to_thread.run_sync(self._thread.join, abandon_on_cancel=True)
        if isinstance(self._error, ModuleNotFoundError):
            raise ConfigError(f"{self._error}: the sandbox's image was built without what this provider needs")
        if self._error is not None:
            raise self._error
        assert self._module is not None
        return self._module

    def _load(self) -> None:
        try:
            self._module = importlib.import_module(self._name)
        except Exception as exc:
            self._error = exc


@define(eq=False)
class ClaudeProvider:
    """Claude, or whatever speaks the Messages API at the group's endpoint."""

    _settings: Settings
    _surroundings: Surroundings
    _toolbox: Toolbox
    _denied: Mapping[str, str] = field(default=DENIED, kw_only=True)
    _now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), kw_only=True)
    _most_silence: float = field(default=SILENCE_SECONDS, kw_only=True)
    """Seconds after which a command line that owes an answer, and says nothing, is given up."""
    name: str = field(default="claude", init=False)
    native_commands: bool = field(default=True, init=False)
    _loading: Loading = field(factory=lambda: Loading(NEEDS_SDK), init=False)

    @asynccontextmanager
    async def query(self, first: Input, continuation: str | None, instructions: str) -> AsyncGenerator[Query]:
        """Begin an exchange. The continuation is the id of a session of the command line, or a point of one.

        What the block raises comes out as it is. Raises `ConfigError` if the sandbox lacks the SDK, and `OSError` if
        the transcript cannot be copied up to that point.
        """
        module = await self._loading.module()
        state = Path(state_folder(self._surroundings))
        session = await trio.to_thread.run_sync(resumable, continuation, state)
        failed: Exception | None = None
        async with self._way_out() as base_url:
            query = module.ClaudeQuery(
                option_fields(
                    self._settings,
                    self._surroundings,
                    instructions=instructions,
                    continuation=session,
                    base_url=base_url,
                ),
                server_fields(self._settings.servers),
                self._toolbox,
                self._denied,
                Path(self._surroundings.folder, FOLDER),
                self._settings.assistant_name,
                self._now,
                self._most_silence,
            )
            query.push(first)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(query.run)
                try:
                    yield query
                except Exception as exc:
                    failed = exc
                finally:
                    query.abort()
        if failed is not None:
            raise failed

    @asynccontextmanager
    async def _way_out(self) -> AsyncGenerator[str | None]:
        """Where the model answers, as seen from here."""
        if self._settings.gateway is None:
            yield self._settings.base_url
            return
        async with open_relay(self._settings.gateway) as relay:
            yield relay.url


def claude_provider(container: Container, toolbox: Toolbox) -> ClaudeProvider:
    """The provider of that agent group, in the folder that this process is in. Raises `ConfigError`."""
    servers = {
        name: Server(command=server.command, args=server.args, env=server.env)
        for name, server in container.mcp_servers.items()
    }
    settings = Settings(
        assistant_name=container.assistant_name,
        model=container.model,
        effort=container.effort,
        compact_window=container.compact_window,
        base_url=container.base_url,
        gateway=container.gateway,
        servers=servers,
    )
    return ClaudeProvider(settings, surroundings(), toolbox)


def surroundings(folder: Path | None = None) -> Surroundings:
    """Where this process stands."""
    extra = Path(SANDBOX_EXTRA)
    try:
        mounted = sorted(str(path) for path in extra.iterdir() if path.is_dir())
    except OSError as exc:
        if extra.exists():
            log("extra_unreadable", why=str(exc))
        mounted = []
    return Surroundings(
        folder=str(folder or Path.cwd()), environment=dict(os.environ), root=os.geteuid() == 0, extra=mounted
    )
