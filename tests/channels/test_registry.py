"""Which kinds of channels there are, and what is said of one that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nanoclaw.channels import registry
from nanoclaw.channels.registry import BUILT_IN, GROUP, Kind, Means, load, names
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.ids import ChannelName
from tests.support.channels import MarksInMemory

GOOD = """
from nanoclaw.channels.registry import Checked, Kind

async def check(means): return Checked(account="parrot")

KIND = Kind(name="parrot", title="Parrot", asks=(), make=lambda means: None, check=check)
"""
Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a package with one module and its entry point, of that name and value, where Python finds it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(code: str, name: str, value: str) -> None:
        module = value.partition(":")[0]
        (tmp_path / f"{module}.py").write_text(code, encoding="utf-8")
        described = tmp_path / f"{module}-1.dist-info"
        described.mkdir()
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n", encoding="utf-8")
        (described / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {value}\n", encoding="utf-8")

    return put


def test_every_kind_of_this_program_can_be_loaded_and_asks_for_no_name_twice() -> None:
    for name in BUILT_IN:
        kind = load(name)
        asked = [one.name for one in kind.asks]
        assert len(asked) == len(set(asked)), name
        assert "url" in asked, name


def test_a_kind_in_a_package_of_its_own_is_found(install: Install) -> None:
    install(GOOD, "parrot", "parrot_1:KIND")
    assert "parrot" in names()
    assert load("parrot").title == "Parrot"


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="there is no kind of channel called 'pigeon'; there are: "):
        load("pigeon")


@pytest.mark.parametrize(
    ("code", "name", "value", "why"),
    [
        ("import nowhere_to_be_found", "parrot", "parrot_2:KIND", "parrot_2:KIND: ModuleNotFoundError"),
        ("1 / 0", "parrot", "parrot_3:KIND", "parrot_3:KIND: ZeroDivisionError"),
        (GOOD, "parrot", "parrot_4:OTHER", "parrot_4:OTHER: AttributeError"),
        ("KIND = 'parrot'", "parrot", "parrot_5:KIND", "parrot_5:KIND is no nanoclaw.channels.registry.Kind"),
        (GOOD, "macaw", "parrot_6:KIND", "parrot_6:KIND calls itself 'parrot'"),
    ],
)
def test_a_broken_package_is_named_and_breaks_no_other(
    install: Install, code: str, name: str, value: str, why: str
) -> None:
    install(code, name, value)
    install(GOOD.replace('"parrot"', '"whole"'), "whole", f"{value.partition(':')[0]}_whole:KIND")
    with pytest.raises(UsageError, match=f"the kind of channel '{name}' cannot be used: {why}"):
        load(name)
    assert load("whole").name == "whole"


def test_two_packages_with_one_name_are_both_named(install: Install) -> None:
    install(GOOD, "parrot", "parrot_7:KIND")
    install(GOOD, "parrot", "parrot_8:KIND")
    with pytest.raises(UsageError, match="parrot_7:KIND and parrot_8:KIND"):
        load("parrot")


def test_no_package_replaces_a_kind_of_this_program(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install(GOOD, "parrot", "parrot_9:KIND")
    install("KIND = None", "parrot", "parrot_10:KIND")
    monkeypatch.setattr(registry, "BUILT_IN", {"parrot": "parrot_9:KIND"})
    assert load("parrot").name == "parrot"


@pytest.mark.parametrize("name", ["", "Parrot", "my parrot", "a:b", "-a", "a--b", "ä"])
def test_the_name_of_a_kind_can_be_part_of_a_user_id(name: str) -> None:
    async def never(_: Means) -> registry.Checked:
        raise AssertionError

    with pytest.raises(ValueError, match="small letters"):
        Kind(name=name, title="", asks=(), make=lambda _: pytest.fail("made"), check=never)


def test_what_a_channel_is_made_of_shows_no_secret(tmp_path: Path) -> None:
    means = Means(
        name=ChannelName("parrot"),
        settings={"token": "cracker"},
        spool=Spool(tmp_path),
        clock=SystemClock(),
        marks=MarksInMemory(),
        engages=lambda _chat, _thread: True,
    )
    assert "cracker" not in repr(means)
