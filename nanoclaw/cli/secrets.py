"""`nanoclaw secrets`: keeps, lists and forgets keys of models and of OneCLI. None is ever an argument, or printed."""

from __future__ import annotations

import json
import sys

import click
from rich import box
from rich.console import Console
from rich.table import Table

from nanoclaw.cli.other_secrets import bound
from nanoclaw.cli.recording import recorded
from nanoclaw.cli.words import printable
from nanoclaw.config import FILE, Config
from nanoclaw.core.endpoints import ANTHROPIC, BadEndpoint, Endpoint, read_endpoint
from nanoclaw.core.model_requests import LONGEST_KEY, BadKey, read_key
from nanoclaw.errors import UsageError
from nanoclaw.gateway.other_secrets import OtherSecrets
from nanoclaw.gateway.secrets_file import ANTHROPIC_KEYS, ONECLI_KEYS, SecretsFile
from nanoclaw.kit.clock import SystemClock
from schema.times import write_time

ANTHROPIC_NAME = "anthropic"
"""The API of models: the only one there is so far."""
ONECLI_NAME = "onecli"
FILES = {ANTHROPIC_NAME: ANTHROPIC_KEYS, ONECLI_NAME: ONECLI_KEYS}


def keep(config: Config, name: str, url: str | None) -> None:
    """Ask for a key and keep it. Raises `UsageError`."""
    endpoint = _endpoint(config, name, url)
    key = read_key(_typed(endpoint))
    if isinstance(key, BadKey):
        raise UsageError(f"this is no key: {key.why}. Nothing was changed")
    secrets = SecretsFile(config.home, FILES[name])
    with recorded(config, "secrets set", on=f"{name} for {endpoint.origin}"):
        try:
            secrets.set(endpoint.origin, key, now=SystemClock().now())
        except OSError as exc:
            raise UsageError(f"{secrets.path} cannot be written: {exc.strerror}") from exc
    console = Console(highlight=False, soft_wrap=True)
    console.print(printable(f"kept in {secrets.path}: the {key.kind} of {name} for {endpoint.origin} and no other"))
    console.print(printable(_next(config, name, endpoint)))


def show(config: Config, *, as_json: bool) -> None:
    """Print for whom there are keys. Raises `UsageError`."""
    found = [(name, secret) for name, file in FILES.items() for secret in SecretsFile(config.home, file).all()]
    rows = [(name, secret.origin, secret.key.kind, secret.set_at) for name, secret in found]
    for other in OtherSecrets(config.home).all():
        hosts = dict.fromkeys(one.place for one in bound(config, other.name))
        rows.append((other.name, ", ".join(hosts) or "nothing yet", "secret", other.set_at))
    if as_json:
        for name, url, kind, set_at in rows:
            click.echo(json.dumps({"name": name, "url": url, "kind": kind, "set": write_time(set_at)}))
        return
    console = Console(highlight=False)
    if not rows:
        console.print("no key yet: set one with nanoclaw secrets set anthropic")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("name", "for", "kind", "set"):
        table.add_column(column, overflow="fold")
    for name, url, kind, set_at in rows:
        table.add_row(name, printable(url), kind, f"{set_at:%Y-%m-%d %H:%M} UTC")
    console.print(table)


def forget(config: Config, name: str, url: str | None) -> None:
    """Forget a key. Raises `UsageError` if there is none."""
    endpoint = _endpoint(config, name, url)
    secrets = SecretsFile(config.home, FILES[name])
    with recorded(config, "secrets remove", on=f"{name} for {endpoint.origin}"):
        try:
            was_there = secrets.remove(endpoint.origin)
        except OSError as exc:
            raise UsageError(f"{secrets.path} cannot be written: {exc.strerror}") from exc
        if not was_there:
            raise UsageError(
                f"there is no key of {name} for {endpoint.origin}: nanoclaw secrets list shows those there are"
            )
    Console(highlight=False, soft_wrap=True).print(printable(f"forgotten: the key of {name} for {endpoint.origin}"))


def _endpoint(config: Config, name: str, url: str | None) -> Endpoint:
    usual = ANTHROPIC if name == ANTHROPIC_NAME else config.onecli.url
    if not (url or usual):
        raise UsageError("where is OneCLI? Say --url, or set url under [onecli] in nanoclaw.toml first")
    found = read_endpoint(url or usual)
    if isinstance(found, BadEndpoint):
        raise UsageError(f"--url: {url}: {found.why}")
    return found


def _typed(endpoint: Endpoint) -> str:
    """The key, from a prompt that shows nothing of it or from whatever is piped in."""
    if sys.stdin.isatty():
        return str(click.prompt(f"key for {endpoint.origin}", hide_input=True, err=True))
    return sys.stdin.read(LONGEST_KEY + 2)


def _next(config: Config, name: str, endpoint: Endpoint) -> str:
    """What to do with it, for who sets the first one."""
    if name == ONECLI_NAME:
        there = read_endpoint(config.onecli.url)
        used = isinstance(there, Endpoint) and there.origin == endpoint.origin
        return "used from now on" if used else f'used once {FILE} says so under [onecli]: url = "{endpoint}"'
    where = "" if endpoint.origin == ANTHROPIC else f" --base-url {endpoint}"
    return f"an agent uses it after: nanoclaw groups update GROUP --provider claude{where}"
