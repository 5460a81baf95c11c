"""Providers by name."""

from __future__ import annotations

import pytest

from runner.errors import ConfigError
from runner.model import Container
from runner.providers.demo import DemoProvider
from runner.providers.registry import PROVIDERS, make_provider
from runner.tools.base import NoTools


def test_the_demo_goes_by_the_name_of_its_agent() -> None:
    provider = make_provider("demo", Container(assistant_name="Bo"), NoTools())
    assert isinstance(provider, DemoProvider)
    assert provider.agent == "Bo"


def test_every_provider_is_registered_under_its_own_name() -> None:
    for name in PROVIDERS:
        assert make_provider(name, Container(), NoTools()).name == name


def test_an_unknown_provider_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no provider 'claud'; there are: .*demo"):
        make_provider("claud", Container(), NoTools())
