"""The mail of a session's actor. A letter says "look again"; what there is to see is in the database or the link."""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen


@frozen
class Look:
    """Something may have changed in the truth."""


@frozen
class Commit:
    """The runner has committed."""


@frozen
class Gone:
    """The sandbox has ended."""


@frozen
class MakeRoom:
    """Others wait for the place, or for the memory, that the sandbox takes up while it idles."""


Letter: TypeAlias = Look | Commit | Gone | MakeRoom
