"""`nanoclaw chat`: one question and its answer, or a conversation with history."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import click
import trio
from attrs import define, field
from rich.console import Console

from nanoclaw.channels.terminal.frames import (
    Declined,
    FromHost,
    Kept,
    Over,
    Say,
    Seen,
    Show,
    Trouble,
    Welcome,
    read_host,
    write_client,
)
from nanoclaw.cli import chat_files, exits
from nanoclaw.cli.chat_words import OpenQuestions, in_words, lines_of, on_terminal
from nanoclaw.cli.client import NotRunningError
from nanoclaw.cli.typed import reader
from nanoclaw.cli.words import printable
from nanoclaw.core.notices import visible
from nanoclaw.errors import UsageError
from nanoclaw.kit.failures import sole
from nanoclaw.kit.lines import BadFrameError, LineStream

RECONNECT_SECONDS = 0.2
PATIENCE_SECONDS = 120.0
FURTHER_SECONDS = 10.0
"""How long to wait for a further answer, which an agent may think better of."""
FURTHER_TALKING_SECONDS = 3.0
"""The same in a conversation, where it is no loss to stop waiting: what comes later appears all the same."""


def one_shot(socket: Path, text: str, seconds: float, files: Sequence[Path] = ()) -> int:
    """Say *text*, with *files*, and print the answer to it on standard output; returns the exit code.

    What is said survives the host: if it dies in between, this waits for the next one and says it again, which is
    harmless because it has an id.

    Raises:
      NotRunningError: nobody listens at *socket*.
      UsageError: *files* are not files, or not ones that can be sent.
    """
    chat_files.check(files)
    return trio.run(_one_shot, socket, Say(id=uuid.uuid4().hex, text=text, files=len(files)), files, seconds)


async def _one_shot(socket: Path, say: Say, files: Sequence[Path], seconds: float) -> int:
    shown = _Shown()
    with trio.move_on_after(seconds) as patience:
        reached = False
        while True:
            try:
                async with _connection(socket) as lines:
                    reached = True
                    await chat_files.send(lines, files)
                    await lines.send(write_client(say))
                    code = await _await_answer(lines, say, shown, patience)
                    if code is not None:
                        return code
            except (trio.BrokenResourceError, BadFrameError, NotRunningError):
                if not reached:
                    raise
            await trio.sleep(RECONNECT_SECONDS)
    if shown.answers:
        return exits.OK
    click.echo(f"no reply within {seconds:g} s; it will be there when you open `nanoclaw chat`", err=True)
    return exits.NO_REPLY


async def _await_answer(lines: LineStream, say: Say, shown: _Shown, patience: trio.CancelScope) -> int | None:
    """Print what answers *say*; the exit code, or None when the host went away first."""
    wanted, ends = {say.id}, say.id
    while (frame := await _receive(lines)) is not None:
        match frame:
            case Welcome(agent=agent):
                shown.agent = agent
            case Kept(id=say.id, answers_for=str(asked)):
                # The answer itself is over as soon as the agent has read it.
                wanted.add(asked)
                ends = asked
            case Over(id=over) if over == ends:
                return shown.all()
            case Show(answers=answers, more=more, key=key) if answers in wanted:
                await shown.show(frame)
                await lines.send(write_client(Seen(key=key)))
                if not more:
                    return exits.OK
                patience.deadline = min(patience.deadline, trio.current_time() + FURTHER_SECONDS)
            case Show(key=key):
                await shown.show_earlier(frame)
                await lines.send(write_client(Seen(key=key)))
            case Declined(id=say.id, why=why):
                click.echo(visible(f"nanoclaw: not accepted: {why}"), err=True)
                return exits.REFUSED
            case Trouble(why=why):
                click.echo(visible(f"nanoclaw: {why}"), err=True)
                return exits.REFUSED
            case _:
                pass
    return None


@define
class _Shown:
    """What was printed on standard output; whoever did not greet is named, so that two can be told apart."""

    agent: str | None = None
    answers: int = 0

    async def show(self, frame: Show) -> None:
        self.answers += 1
        for line in lines_of(frame, self.agent, await chat_files.saved(frame.files)):
            click.echo(line)

    async def show_earlier(self, frame: Show) -> None:
        """What is left from earlier is shown now or never, but is not this question's answer."""
        for line in (in_words(frame), *await chat_files.saved(frame.files)):
            click.echo(visible(f"(earlier) {line}"), err=True)

    def all(self) -> int:
        """Nothing more will come; the exit code."""
        if self.answers:
            return exits.OK
        click.echo(visible(f"{self.agent or 'the agent'} is done with it, and has said nothing"), err=True)
        return exits.NO_REPLY


def interactive(socket: Path, history: Path) -> int:
    """Talk until the end of the input; returns the exit code.

    Raises:
      NotRunningError: nobody listens at *socket*.
    """
    try:
        return trio.run(_interactive, socket, history)
    except* (NotRunningError, trio.BrokenResourceError) as group:
        failure = sole(group)
        if isinstance(failure, NotRunningError):
            raise failure from None
    click.echo("nanoclaw has gone away; what it had accepted is safe", err=True)
    return exits.NOT_RUNNING


async def _interactive(socket: Path, history: Path) -> int:
    console = Console()
    read = reader(history, console)
    async with _connection(socket) as lines, trio.open_nursery() as nursery:
        conversation = _Conversation(lines, console)
        nursery.start_soon(conversation.listen)
        await conversation.welcomed.wait()
        while (text := await trio.to_thread.run_sync(read, abandon_on_cancel=True)) is not None:
            if text.strip():
                await conversation.hear(text)
        nursery.cancel_scope.cancel()
    return exits.OK


class _Conversation:
    """An open chat: prints whatever comes, and knows what is still unanswered."""

    def __init__(self, lines: LineStream, console: Console) -> None:
        self.lines = lines
        self.console = console
        self.welcomed = trio.Event()
        self.agent = "agent"
        self._shown: set[str] = set()
        self._unanswered: dict[str, _Patience] = {}
        self._questions = OpenQuestions()
        self._follows: dict[str, str] = {}
        """By what an agent was asked: the answer that was given to its question about it."""

    async def hear(self, typed: str) -> None:
        """Do what a line says that was *typed*."""
        try:
            match chat_files.read_line(typed):
                case chat_files.WithFile(path, text):
                    chat_files.check([path])
                    await self.say(text, [path])
                case text:
                    await self.say(text)
        except (UsageError, OSError) as exc:
            self.console.print(printable(str(exc), "red"))

    async def say(self, text: str, files: Sequence[Path] = ()) -> None:
        """Say *text* and wait for the answer, with a sign that somebody is at work."""
        question = None if files else self._questions.take(text)
        say = Say(id=uuid.uuid4().hex, text=text, files=len(files), question=question)
        await chat_files.send(self.lines, files)
        await self.lines.send(write_client(say))
        with trio.move_on_after(PATIENCE_SECONDS) as scope:
            waiting = self._unanswered[say.id] = _Patience(scope)
            if self.console.is_terminal:
                with self.console.status(printable(f"{self.agent} is at work …")):
                    await waiting.over.wait()
            else:
                await waiting.over.wait()
        if not waiting.answered:
            late = "still at work; the answer will appear here"
            self.console.print(printable(late if scope.cancelled_caught else "nothing was said to that", "dim"))

    async def listen(self) -> None:
        """Print what comes until the host goes away. Raises `BrokenResourceError` then."""
        while (frame := await _receive(self.lines)) is not None:
            match frame:
                case Welcome(agent=agent, sandbox=sandbox, provider=provider):
                    self.agent = agent
                    line = f"{agent} ({provider}, in {sandbox}) - Ctrl-D ends, “help” explains"
                    self.console.print(printable(line, "dim"))
                    self.welcomed.set()
                case Show(key=key, answers=answers, more=more):
                    if key not in self._shown:
                        self._shown.add(key)
                        self._questions.note(frame)
                        self._print(frame, await chat_files.saved(frame.files))
                    await self.lines.send(write_client(Seen(key=key)))
                    self._answered(answers, more=more)
                case Declined(id=said, why=why):
                    self.console.print("[red]not accepted:[/red]", printable(why))
                    self._answered(said, more=False)
                case Trouble(why=why):
                    self.console.print(printable(why, "red"))
                case Over(id=said):
                    self._over(said)
                case Kept(id=said, answers_for=str(asked)):
                    self._follows[asked] = said
                case Kept():
                    pass
        raise trio.BrokenResourceError("the host hung up")

    def _answered(self, what: str | None, *, more: bool) -> None:
        """Tell who waits for that: they said it, or it led to a question that they have answered."""
        waiting = None if what is None else self._unanswered.get(self._follows.get(what, what))
        if waiting is not None:
            waiting.hear(more=more)

    def _over(self, what: str) -> None:
        """Nothing more comes of that, unless it answers a question: that is over once the agent has read it."""
        waiting = self._unanswered.get(self._follows.get(what, what))
        if waiting is not None and what not in self._follows.values():
            waiting.over.set()

    def _print(self, frame: Show, saved: Sequence[str]) -> None:
        if self.console.is_terminal:
            self.console.print(printable(frame.speaker or "nanoclaw", "bold cyan"))
            self.console.print(on_terminal(frame))
            for line in saved:
                self.console.print(printable(visible(line), "dim"))
        else:
            for line in lines_of(frame, self.agent, saved):
                click.echo(line)


@define
class _Patience:
    """Waiting for the answers to one question."""

    scope: trio.CancelScope
    over: trio.Event = field(factory=trio.Event)
    answered: bool = False

    def hear(self, *, more: bool) -> None:
        """An answer came; another one is waited for, but not for long."""
        self.answered = True
        if more:
            self.scope.deadline = min(self.scope.deadline, trio.current_time() + FURTHER_TALKING_SECONDS)
        else:
            self.over.set()


@asynccontextmanager
async def _connection(socket: Path) -> AsyncIterator[LineStream]:
    """A connection to the host. Raises `NotRunningError` if there is none."""
    try:
        stream = await trio.open_unix_socket(str(socket))
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunningError from None
    lines = LineStream(stream)
    try:
        yield lines
    finally:
        with trio.move_on_after(1, shield=True):
            await lines.aclose()


async def _receive(lines: LineStream) -> FromHost | None:
    frame = await lines.receive()
    return None if frame is None else read_host(frame)
