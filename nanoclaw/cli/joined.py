"""A group of commands of which the host's table of verbs has some as well: together they are one group.

It says so itself, as to ask the table takes longer than most commands.
"""

from __future__ import annotations

import click


class JoinedGroup(click.Group):
    """One of those."""
