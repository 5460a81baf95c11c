"""`nanoclaw audit`: its command. What it does is imported when it runs."""

from __future__ import annotations

import click

from nanoclaw import config


@click.command()
@click.option("--who", help="Only acts of those whose id has this in it, such as operator, host, agent or telegram:47.")
@click.option("--what", help="Only acts that have this in their name, such as roles, secrets or approval.")
@click.option("--since", help="Only of this time: 90m, 12h, 7d or 4w ago, or a date such as 2026-11-01.")
@click.option("--most", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many, the latest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a record, for programs.")
def audit(who: str | None, what: str | None, since: str | None, most: int, as_json: bool) -> None:
    """Who did what with a say in the house, to what, and how it ended; refused attempts too. The latest last.

    Works with and without a running host, and changes nothing.
    """
    from nanoclaw.cli import audit

    audit.show(config.load(config.home_folder()), who=who, what=what, since=since, most=most, as_json=as_json)
