"""The adapters that the contract suite is run on: for each its rig, as `module:attribute`, which is an `OpenRig`."""

from __future__ import annotations

from importlib import import_module

from tests.channels.contract.rig import OpenRig

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


def rig_of(kind: str) -> OpenRig:
    """How to start the fake platform of *kind*."""
    module, _, attribute = RIGS[kind].partition(":")
    opened: OpenRig = getattr(import_module(module), attribute)
    return opened
