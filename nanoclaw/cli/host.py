"""`nanoclaw up` and `nanoclaw run`: being the host, and starting one for a chat."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time

import structlog
import trio
from attrs import define, field
from rich.console import Console

from nanoclaw import app, config
from nanoclaw.backups.before_upgrade import back_up_before_upgrade, is_older
from nanoclaw.cli import chat, exits
from nanoclaw.cli.breaker import Breaker
from nanoclaw.cli.client import is_open
from nanoclaw.cli.words import printable
from nanoclaw.core.breaker import Start
from nanoclaw.errors import BackupError, NanoclawError, RestartIntensityError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.failures import sole
from nanoclaw.logs import log_to_file
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.store.home import held

log = structlog.get_logger()

START_SECONDS = 30.0
LOOK_SECONDS = 0.05
STOP_SECONDS = 15.0

WEAK_ENGINE = "process"


def up(settings: config.Config, *, debug: bool, pause: bool = True) -> int:
    """Be the host until a signal; returns the exit code.

    With *pause*, a host that has ended badly lately waits first, longer each time.

    Raises:
      HomeInUseError: another host holds the home; nothing was written.
    """
    with held(settings.home, now=SystemClock().now()):
        log_to_file(settings.log_file, debug=debug)
        breaker = Breaker.of(settings.run_folder)
        # What the imports made stays for good: whoever looks through it for garbage stops the loop for 70 ms.
        gc.freeze()
        _back_up_before_upgrade(settings)
        code = trio.run(_up, settings, breaker.begin(now=SystemClock().now()), pause)
        if code == exits.OK:
            breaker.ended_well()
        return code


def _back_up_before_upgrade(settings: config.Config) -> None:
    """Make sure that there is a way back, where this start brings the home up to date. Raises `BackupError`."""
    if not is_older(settings.database):
        return
    with Console(stderr=True).status("making a backup before the home is brought up to date …"):
        try:
            made = back_up_before_upgrade(settings.home, settings.backups_folder, now=SystemClock().now())
        except OSError as exc:
            raise BackupError(f"no backup can be made before the home is brought up to date: {exc}") from exc
    if made is not None:
        log.info("backed_up_before_upgrade", path=str(made.path))
        Console(highlight=False, soft_wrap=True).print("  the home of before is kept in", printable(made.path))


async def _up(settings: config.Config, start: Start, pause: bool) -> int:
    console = _Lasting(highlight=False, soft_wrap=True)
    host = _Host(console)
    failure: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(host.obey_signals)
            with host.scope:
                if pause and start.pause:
                    host.announce_pause(start)
                    await trio.sleep(start.pause.total_seconds())
                await app.serve(settings, announce=host.announce)
            nursery.cancel_scope.cancel()
    except* Exception as group:
        failure = sole(group)
        log.exception("host_failed", exc_info=group)
    if isinstance(failure, RestartIntensityError):
        console.print("[red]nanoclaw gave up:[/red]", printable(f"{failure}; the details are in {settings.log_file}"))
        return exits.GAVE_UP
    if isinstance(failure, NanoclawError):
        raise failure
    if failure is not None:
        console.print("[red]nanoclaw failed:[/red]", printable(f"{failure!r}; the details are in {settings.log_file}"))
        return exits.REFUSED
    console.print("nanoclaw has ended; nothing is lost.")
    return exits.OK


class _Lasting(Console):
    """A console whose reader may go away: a host is not there for who reads what it prints."""

    def on_broken_pipe(self) -> None:
        """From now on nobody reads it."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


@define(eq=False)
class _Host:
    """What the terminal sees of a host, and how it is told to end."""

    _console: Console
    scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _engine: Engine | None = field(default=None, init=False)

    async def obey_signals(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """The first signal drains, a second ends the sandboxes at once, a third everything."""
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            await anext(signals)
            self._console.print("draining: nothing new comes in, sandboxes stop … (Ctrl-C again to hurry)")
            self.scope.cancel()
            await anext(signals)
            self._console.print("hurrying")
            if self._engine is not None:
                self._engine.hurry()
            await anext(signals)
            # Whatever still runs is left as after a power cut, which the next start knows how to deal with.
            os._exit(exits.REFUSED)

    def announce_pause(self, start: Start) -> None:
        """Say why nothing happens yet."""
        bad, seconds = start.attempt - 1, start.pause.total_seconds()
        log.warning("start_paused", bad_endings=bad, seconds=seconds)
        self._console.print(
            f"[yellow]nanoclaw ended badly {bad} times, each within an hour of the one before:[/yellow] it starts in "
            f"{seconds:g} s. Ctrl-C ends it; `nanoclaw up --no-pause` starts at once"
        )

    def announce(self, started: app.Started) -> None:
        self._engine = started.choice.engine
        _announce(self._console, started)


def _announce(console: Console, started: app.Started) -> None:
    choice = started.choice
    console.print("[bold]nanoclaw[/bold] is up in", printable(started.config.home))
    if started.first_start:
        console.print(printable(f"  first start: made the agent “{started.config.agent.name}”, wired to this terminal"))
    version = f" {choice.usable.version}" if choice.usable.version else ""
    colour = "red" if choice.engine.name == WEAK_ENGINE else "green"
    console.print(f"  sandbox:  [{colour}]{choice.engine.name}{version}[/{colour}] - {choice.usable.walls}")
    console.print(f"            [dim]not kept from the agent: {choice.usable.lacks}[/dim]")
    for name in started.open_networks:
        console.print(printable(f"  WARNING:  the network is open to the sandboxes of {name}", "red"))
    for name, why in choice.passed_over:
        mend = f" (try: {why.mend})" if why.mend else ""
        console.print(printable(f"            not {name}: {why.why}{mend}", "dim"))
    if started.config.agent.provider == "demo":
        console.print("  provider: demo - answers offline and shows what the system does")
    else:
        console.print(printable(f"  provider: {started.config.agent.provider}"))
    for sentence in started.without_key:
        console.print(printable(f"            {sentence}", "yellow"))
    if started.page is not None:
        console.print(
            "  web page:", printable(started.page), "[dim](lets you in once; another: nanoclaw web link)[/dim]"
        )
    console.print("  talk to it with: [bold]nanoclaw chat[/bold]")


def run(settings: config.Config) -> int:
    """A chat, with a host of its own if none runs; returns the exit code."""
    host = None if is_open(settings.chat_socket) else _start(settings)
    if host is not None and host.poll() is not None:
        return host.returncode
    try:
        return chat.interactive(settings.chat_socket, settings.home / "chat_history")
    finally:
        if host is not None:
            host.terminate()
            try:
                host.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                host.kill()


def _start(settings: config.Config) -> subprocess.Popen[bytes]:
    """A host of our own, in a session of its own: Ctrl-C in the chat is the chat's."""
    host = subprocess.Popen([sys.executable, "-m", "nanoclaw", "up", "--no-pause"], start_new_session=True)
    end = time.monotonic() + START_SECONDS
    with Console(stderr=True).status("starting …"):
        while host.poll() is None and time.monotonic() < end and not is_open(settings.chat_socket):
            time.sleep(LOOK_SECONDS)
    return host
