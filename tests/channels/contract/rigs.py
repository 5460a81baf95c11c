"""The adapters that the contract suite is run on: for each its rig, as `module:attribute`, which is an `OpenRig`.

Beside it, `CAN` is what the platform has, `TROUBLES` what may go wrong on it, and `FORMS` how it puts us off: what
needs more than a platform has is not run on it, rather than run without a chance to fail.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from tests.channels.contract.putting_off import Form
from tests.channels.contract.rig import Can, OpenRig, Trouble

RIGS: dict[str, str] = {
    "discord": "tests.channels.discord.rig:open_rig",
    "email": "tests.channels.email.rig:open_rig",
    "matrix": "tests.channels.matrix.rig:open_rig",
    "parrot": "tests.channels.example.rig:open_rig",
    "slack": "tests.channels.slack.rig:open_rig",
    "telegram": "tests.channels.telegram.rig:open_rig",
    "webhook": "tests.channels.webhook.rig:open_rig",
}
"""By the name of the kind."""


def kinds(*needed: Can) -> list[str]:
    """The kinds whose platforms have all that is *needed*."""
    return [kind for kind in sorted(RIGS) if _beside(kind, "CAN").issuperset(needed)]


def kinds_in(troubles: Iterable[Trouble]) -> list[tuple[str, Trouble]]:
    """Each kind with each of those *troubles* that it may have."""
    return [(kind, one) for one in troubles for kind in sorted(RIGS) if one in _beside(kind, "TROUBLES")]


def forms_of(kind: str) -> frozenset[Form]:
    """The forms in which a platform of that kind says when to come again."""
    found: frozenset[Form] = import_module(RIGS[kind].partition(":")[0]).FORMS
    return found


def _beside(kind: str, attribute: str) -> frozenset[Can | Trouble]:
    module = RIGS[kind].partition(":")[0]
    found: frozenset[Can | Trouble] = getattr(import_module(module), attribute)
    return found


def rig_of(kind: str) -> OpenRig:
    """How to start the fake platform of *kind*."""
    module, _, attribute = RIGS[kind].partition(":")
    opened: OpenRig = getattr(import_module(module), attribute)
    return opened
