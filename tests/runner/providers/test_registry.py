"""Providers by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import ConfigError
from runner.model import Container
from runner.providers.demo import DemoProvider
from runner.providers.registry import GROUP, PROVIDERS, make_provider
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


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with two providers, one of which cannot be made, and one that takes the name of ours."""
    package = tmp_path / "theirs.py"
    package.write_text(
        "from runner.providers.demo import DemoProvider\n"
        "def make(container, toolbox): return DemoProvider(f'their {container.assistant_name}')\n"
        "def broken(container, toolbox): raise ZeroDivisionError('oops')\n"
    )
    metadata = tmp_path / "theirs-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(
        f"[{GROUP}]\nmine = theirs:make\nbroken = theirs:broken\ndemo = theirs:broken\ngone = nowhere:make\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("installed")
def test_a_package_may_bring_a_provider() -> None:
    provider = make_provider("mine", Container(assistant_name="Bo"), NoTools())
    assert isinstance(provider, DemoProvider)
    assert provider.agent == "their Bo"


@pytest.mark.usefixtures("installed")
def test_no_package_takes_the_place_of_a_provider_of_ours() -> None:
    provider = make_provider("demo", Container(assistant_name="Bo"), NoTools())
    assert isinstance(provider, DemoProvider)
    assert provider.agent == "Bo"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken", r"the provider 'broken' \(theirs:broken\): ZeroDivisionError: oops"),
        ("gone", r"the provider 'gone' \(nowhere:make\): ModuleNotFoundError"),
        ("none", r"no provider 'none'; there are: broken, claude, demo, gone, mine"),
    ],
)
def test_a_provider_that_cannot_be_had_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        make_provider(name, Container(), NoTools())
