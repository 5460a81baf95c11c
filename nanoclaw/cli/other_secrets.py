"""`nanoclaw secrets` for what is bound to hosts: kept, forgotten, and tried by asking those hosts. None is printed."""

from __future__ import annotations

import sys
from functools import partial

import click
import h11
import trio
from rich.console import Console

from nanoclaw.cli import exits
from nanoclaw.cli.recording import recorded
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.core.bindings import path_fault, permitted, secret_fault, value_fault, with_secret
from nanoclaw.core.egress import Denied
from nanoclaw.errors import UsageError
from nanoclaw.gateway.dial import UnreachableError, encrypt
from nanoclaw.gateway.other_secrets import OtherSecrets
from nanoclaw.gateway.reach import Reach
from nanoclaw.gateway.wire import GoneError, client
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.bindings import Binding
from nanoclaw.store import bindings
from schema import sqlite

ANSWER_SECONDS = 20.0
MOST_TYPED = 8194


def keep(config: Config, name: str, url: str | None) -> None:
    """Ask for a secret and keep it. Raises `UsageError`."""
    _check(name, url)
    value = _typed(name).rstrip("\r\n")
    if (why := value_fault(value)) is not None:
        raise UsageError(f"this is no secret for a header: {why}. Nothing was changed")
    secrets = OtherSecrets(config.home)
    with recorded(config, "secrets set", on=name):
        try:
            secrets.set(name, value, now=SystemClock().now())
        except OSError as exc:
            raise UsageError(f"{secrets.path} cannot be written: {exc.strerror}") from exc
    used = "used from the next request on" if bound(config, name) else f"nothing uses it before: {_bind(name)}"
    Console(highlight=False, soft_wrap=True).print(printable(f"kept in {secrets.path}: {name}; {used}"))


def forget(config: Config, name: str, url: str | None) -> None:
    """Forget a secret. Raises `UsageError` if there is none."""
    _check(name, url)
    secrets = OtherSecrets(config.home)
    with recorded(config, "secrets remove", on=name):
        try:
            was_there = secrets.remove(name)
        except OSError as exc:
            raise UsageError(f"{secrets.path} cannot be written: {exc.strerror}") from exc
        if not was_there:
            raise UsageError(f"there is no secret {name}: nanoclaw secrets list shows those there are")
    left = f"; what is bound to it is refused until it is set again: {len(bound(config, name))} bindings"
    Console(highlight=False, soft_wrap=True).print(printable(f"forgotten: {name}{left if bound(config, name) else ''}"))


def test(config: Config, name: str, path: str) -> int:
    """Ask each host that it is bound to; returns the exit code. Raises `UsageError`."""
    _check(name, None)
    if (why := path_fault(path)) is not None:
        raise UsageError(f"--path: {path}: {why}")
    console = Console(highlight=False, soft_wrap=True)
    well = True
    with recorded(config, "secrets test", on=name):
        value = OtherSecrets(config.home).value_of(name)
        if value is None:
            raise UsageError(f"there is no secret {name}: nanoclaw secrets set {name}")
        there = {(one.place, one.header, one.template, one.near): one for one in bound(config, name)}
        if not there:
            raise UsageError(f"{name} is bound to no host: {_bind(name)}")
        for binding in there.values():
            wrong = trio.run(partial(_try, binding, value, path))
            well = well and wrong is None
            sign = printable(f"✓ {binding.place}: it takes it" if wrong is None else f"✗ {binding.place}: {wrong}")
            sign.stylize("green" if wrong is None else "red", 0, 1)
            console.print(sign)
    return exits.OK if well else exits.REFUSED


def bound(config: Config, name: str) -> tuple[Binding, ...]:
    """What uses the secret of that name; nothing where no home is yet."""
    if not config.database.exists():
        return ()
    conn = sqlite.open_read_only(config.database)
    try:
        return tuple(one for one in bindings.all_of(conn) if one.secret == name)
    finally:
        conn.close()


async def _try(binding: Binding, value: str, path: str) -> str | None:
    """What is wrong with it at that host; None: nothing."""
    allowed = permitted(binding, "GET", path)
    try:
        plain = await Reach().connect(allowed)
        if isinstance(plain, Denied):
            return plain.why
        wire = client(await encrypt(plain, str(allowed.asked.place.host)))
    except UnreachableError as exc:
        return f"it cannot be reached: {exc}"
    try:
        headers = [*with_secret(binding, allowed.asked, [], value), (b"user-agent", b"nanoclaw")]
        await wire.send(h11.Request(method="GET", target=path, headers=headers))
        await wire.send(h11.EndOfMessage())
        while isinstance(answer := await wire.receive(ANSWER_SECONDS), h11.InformationalResponse):
            pass
    except GoneError as exc:
        return f"it gave no answer: {exc.why}"
    finally:
        await wire.close()
    return _wrong(answer.status_code) if isinstance(answer, h11.Response) else "it left without an answer"


def _wrong(status: int) -> str | None:
    if status in (401, 403, 407):
        return f"it does not take it: it answers {status}"
    if status >= 500:
        return f"it is in trouble, and says nothing of the secret: it answers {status}"
    if 300 <= status < 400:
        return f"it leads elsewhere, where the secret does not go: it answers {status}; try another --path"
    return None


def _check(name: str, url: str | None) -> None:
    if (why := secret_fault(name)) is not None:
        raise UsageError(f"{name}: anthropic, onecli, or another secret: {why}")
    if url is not None:
        raise UsageError(f"--url is for anthropic and onecli; a host is said by: {_bind(name)}")


def _bind(name: str) -> str:
    return f"nanoclaw secrets bind {name} --host HOST --agents AGENT"


def _typed(name: str) -> str:
    """The secret, from a prompt that shows nothing of it or from whatever is piped in."""
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True, err=True))
    return sys.stdin.read(MOST_TYPED)
