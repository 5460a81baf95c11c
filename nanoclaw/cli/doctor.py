"""`nanoclaw doctor`: what is wrong with a home, and what this machine can wall agents off with, by real starts."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import click
import structlog
import trio
from attrs import frozen
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from nanoclaw.app import docker_settings
from nanoclaw.cli import exits
from nanoclaw.cli.checks import Health, examine
from nanoclaw.cli.checks_of_closedness import closed
from nanoclaw.cli.checks_of_containers import leftovers
from nanoclaw.cli.finding import Finding as CheckFinding
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.core.egress import Policy
from nanoclaw.core.endpoints import BadEndpoint, read_endpoint
from nanoclaw.core.onecli import OneCliAwayError, OneCliRefusedError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.sandboxes.available import all_engines
from nanoclaw.sandboxes.choice import AUTO
from nanoclaw.sandboxes.engine import Engine, Probe, Unusable, Usable
from nanoclaw.store.home import make_folders
from schema import sqlite

NOBODY = "home-none"
"""Whose containers a probe's are where no home is yet."""


@frozen(kw_only=True)
class Finding:
    """One engine, as it answered."""

    engine: str
    found: Probe
    used: bool
    """Is it the one that a host would start with now?"""


def run(config: Config, *, as_json: bool) -> int:
    """Look at the home, try every engine, and print what came of it; returns the exit code: is nothing wrong?"""
    with _quiet():
        health = examine(config, now=SystemClock().now())
    with _home(config) as settings, Console(stderr=True).status("trying each engine by a real start …"):
        findings, tried = trio.run(_examine, settings, _install(settings))
        left = trio.run(leftovers, settings, _install(settings))
    health = Health((*health.findings, *tried, *left))
    sentences = onecli_trouble(config)
    if as_json:
        checks = [attrs.asdict(finding) for finding in health.findings]
        engines = [_plain(finding) for finding in findings]
        click.echo(json.dumps({"checks": checks, "engines": engines, "warnings": list(sentences)}))
    else:
        _print_checks(health)
        _print(findings, config)
        for sentence in sentences:
            Console(soft_wrap=True).print(printable(f"! {sentence}", "yellow"))
    well = health.is_well and any(finding.used for finding in findings)
    return exits.OK if well else exits.REFUSED


@contextmanager
def _quiet() -> Iterator[None]:
    """What parts of the host write into its log is said here in other words."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _print_checks(health: Health) -> None:
    signs = {"well": "[green]✓[/green]", "note": "[dim]·[/dim]", "bad": "[red]✗[/red]"}
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for finding in health.findings:
        words = printable(finding.words)
        if finding.mend:
            words.append_text(Text("\n→ ", "bold")).append_text(printable(finding.mend, "bold"))
        table.add_row(signs[finding.mark], finding.check, words)
    Console(highlight=False).print(table)


async def _examine(config: Config, install: str) -> tuple[list[Finding], list[CheckFinding]]:
    """What each engine answers; and whether a sandbox of the one in use is closed, as one from inside sees it."""
    there_are = await all_engines(docker_settings(config, install))
    found = judge([(one, await one.probe()) for one in there_are], config.sandbox.engine)
    used = next((one for one, finding in zip(there_are, found, strict=True) if finding.used), None)
    return found, [] if used is None else [await closed(used, config.run_folder, Policy())]


def judge(probed: Sequence[tuple[Engine, Probe]], wanted: str) -> list[Finding]:
    """What was found, the strongest first; *wanted* is the setting."""
    usable = [one.name for one, found in probed if isinstance(found, Usable) and wanted in (AUTO, one.name)]
    return [Finding(engine=one.name, found=found, used=usable[:1] == [one.name]) for one, found in probed]


@contextmanager
def _home(config: Config) -> Iterator[Config]:
    """The home, or one for the moment where there is none: looking makes nothing."""
    if config.home.exists():
        make_folders(config.home)
        yield config
        return
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        settings = attrs.evolve(config, home=Path(folder))
        make_folders(settings.home)
        yield settings


def _install(config: Config) -> str:
    if not config.database.exists():
        return NOBODY
    conn = sqlite.open_read_only(config.database)
    try:
        return str(sqlite.scalar(conn, "SELECT install_id FROM home") or NOBODY)
    finally:
        conn.close()


def onecli_trouble(config: Config) -> tuple[str, ...]:
    """What is wrong with OneCLI, if there is one: asked once, and not waited for."""
    server = read_endpoint(config.onecli.url)
    if isinstance(server, BadEndpoint):
        return ()
    from nanoclaw.gateway.onecli import client_for

    client = client_for(config.home, server, project=config.onecli.project, gateway=config.onecli.gateway_url)
    try:
        trio.run(client.look)
    except (OneCliAwayError, OneCliRefusedError) as exc:
        return (f"no sandbox starts while OneCLI does not let it: {exc}",)
    return ()


def _plain(finding: Finding) -> dict[str, object]:
    works = isinstance(finding.found, Usable)
    return {"engine": finding.engine, "works": works, "used": finding.used, **attrs.asdict(finding.found)}


def _print(findings: Sequence[Finding], config: Config) -> None:
    console = Console()
    table = Table(title="what agents can be walled off with, the strongest first", title_justify="left")
    for column in ("", "engine", "walls", "what they lack"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        match finding.found:
            case Usable(version=version, walls=walls, lacks=lacks):
                mark = "[green]✓ used[/green]" if finding.used else "[green]✓[/green]"
                table.add_row(mark, escape(f"{finding.engine} {version}".strip()), escape(walls), escape(lacks))
            case Unusable(why=why, mend=mend):
                advice = f"mend it with: [bold]{escape(mend)}[/bold]" if mend else ""
                table.add_row("[red]✗[/red]", escape(finding.engine), f"[red]{escape(why)}[/red]", advice)
    console.print(table)
    if not any(finding.used for finding in findings):
        wanted = escape(config.sandbox.engine)
        console.print(f"[red]No host can start:[/red] {wanted}, which nanoclaw.toml asks for, does not work")
