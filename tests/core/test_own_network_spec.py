"""A container on a network of its own: what is asked for beside the default, and that nothing else passes for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from nanoclaw.core.sandbox_check import EngineFacts, unexpected
from nanoclaw.core.sandbox_spec import NOBODY, create_body
from nanoclaw.model.sandbox import Network
from tests.support.inspected import a_spec, inspected

PLAIN = a_spec()
OWN = attrs.evolve(PLAIN, private="nanoclaw-session-1-3")


def host_config(body: dict[str, object]) -> dict[str, object]:
    """That part of it."""
    found = body["HostConfig"]
    assert isinstance(found, dict)
    return found


def test_nothing_else_of_the_container_is_another() -> None:
    plain, own = host_config(create_body(PLAIN)), host_config(create_body(OWN))
    changed = {key: value for key, value in own.items() if plain.get(key) != value}
    assert changed == {
        "NetworkMode": "nanoclaw-session-1-3",
        "Dns": [NOBODY],
        "DnsOptions": ["timeout:1", "attempts:1"],
    }
    assert plain["NetworkMode"] == "none"


def test_an_open_one_needs_none() -> None:
    is_open = attrs.evolve(OWN, network=Network.OPEN)
    assert host_config(create_body(is_open)) == host_config(create_body(attrs.evolve(is_open, private=None)))


def test_the_container_that_was_asked_for_passes() -> None:
    assert unexpected(OWN, inspected(OWN), EngineFacts()) == ()


def _host(**changes: object) -> Callable[[dict[str, Any]], None]:
    return lambda found: found["HostConfig"].update(changes)


def _joined(*names: str) -> Callable[[dict[str, Any]], None]:
    return lambda found: found["NetworkSettings"].update(Networks={name: {} for name in names})


@pytest.mark.parametrize(
    "change",
    [
        _host(Dns=[]),
        _host(Dns=["8.8.8.8"]),
        _host(NetworkMode="bridge"),
        _host(ExtraHosts=["host:192.0.2.1"]),
        _host(PortBindings={"80/tcp": [{"HostPort": "80"}]}),
        _host(PublishAllPorts=True),
        _joined("bridge"),
        _joined("nanoclaw-session-1-3", "bridge"),
    ],
)
def test_whatever_leads_further_is_seen(change: Callable[[dict[str, Any]], None]) -> None:
    found = inspected(OWN)
    change(found)
    assert unexpected(OWN, found, EngineFacts())
