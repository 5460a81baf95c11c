"""A container that is not what was asked for is noticed, whatever about it is different."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.sandbox_check import EngineFacts, unexpected
from nanoclaw.core.sandbox_spec import Image
from nanoclaw.model.sandbox import ExtraMount, Network
from tests.support.inspected import a_spec, inspected

FACTS = EngineFacts()
SECTIONS = ("Config", "HostConfig", "Mounts")
OTHERS: tuple[Any, ...] = (True, 7, "x", ["x"], {"x": "y"}, None)
Place = tuple[Any, ...]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Where something stands in a JSON document."""
    if place:
        yield place
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*place, key))


def look(document: Any, place: Place) -> Any:
    for key in place:
        document = document[key]
    return document


def is_empty(value: object) -> bool:
    return value in (None, False, 0, "", [], {})


WHOLE = {name: part for name, part in inspected(a_spec()).items() if name in SECTIONS}
PLACES = [
    place
    for place in places(WHOLE)
    # More may be hidden than was asked for, and the size of a console that there is not is nobody's business.
    if not {"MaskedPaths", "ReadonlyPaths", "ConsoleSize"} & set(place)
]


def test_what_docker_makes_of_a_spec_is_as_expected() -> None:
    for spec in (
        a_spec(),
        a_spec(network=Network.OPEN),
        a_spec(image=Image(id="sha256:1")),
        a_spec(extra=(ExtraMount(source="/srv", target="/workspace/extra/srv"),)),
    ):
        assert unexpected(spec, inspected(spec), FACTS) == ()


@given(st.sampled_from(PLACES), st.sampled_from(OTHERS))
def test_any_single_change_is_reported(place: Place, other: Any) -> None:
    document = copy.deepcopy(inspected(a_spec()))
    before = look(document, place)
    if before == other or (is_empty(before) and is_empty(other)):
        return
    look(document, place[:-1])[place[-1]] = other
    assert unexpected(a_spec(), document, FACTS)


@given(st.sampled_from(PLACES))
def test_anything_that_is_missing_is_reported(place: Place) -> None:
    document = copy.deepcopy(inspected(a_spec()))
    if not is_empty(look(document, place)):
        del look(document, place[:-1])[place[-1]]
        assert unexpected(a_spec(), document, FACTS)


@given(st.sampled_from(["Config", "HostConfig"]), st.text(min_size=1), st.sampled_from([True, 1, "x", ["x"], {"x": 1}]))
def test_a_setting_that_nobody_knows_has_to_be_empty(section: str, name: str, value: Any) -> None:
    document: Any = copy.deepcopy(inspected(a_spec()))
    if name not in document[section]:
        document[section][name] = value
        assert unexpected(a_spec(), document, FACTS)
        document[section][name] = type(value)()
        assert unexpected(a_spec(), document, FACTS) == ()


def bind(document: Any) -> None:
    document["HostConfig"]["Binds"] = ["/:/machine"]


def mount(document: Any) -> None:
    document["Mounts"].append({"Type": "volume", "Name": "v", "Source": "/v", "Destination": "/v", "RW": True})


def writable(document: Any) -> None:
    document["Mounts"][0]["RW"] = True


def twice(document: Any) -> None:
    document["Mounts"].append(document["Mounts"][0])


def variable(document: Any) -> None:
    document["Config"]["Env"].append("HTTPS_PROXY=http://me:secret@proxy")


def unmasked(document: Any) -> None:
    document["HostConfig"]["MaskedPaths"] = None


def writable_proc(document: Any) -> None:
    document["HostConfig"]["ReadonlyPaths"].remove("/proc/sys")


def network(document: Any) -> None:
    document["NetworkSettings"]["Networks"]["lan"] = {}


def image(document: Any) -> None:
    document["Image"] = "sha256:0815"


def confined(document: Any) -> None:
    document["AppArmorProfile"] = "unconfined"


def runtime(document: Any) -> None:
    document["HostConfig"]["Runtime"] = "evil"


def gone(document: Any) -> None:
    del document["HostConfig"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (bind, "HostConfig.Binds"),
        (mount, "Mounts has"),
        (writable, "Mounts lacks"),
        (twice, "Mounts has"),
        (variable, "Config.Env"),
        (unmasked, "HostConfig.MaskedPaths"),
        (writable_proc, "HostConfig.ReadonlyPaths lacks /proc/sys"),
        (network, "NetworkSettings.Networks"),
        (image, "Image is"),
        (confined, "AppArmorProfile"),
        (runtime, "HostConfig.Runtime"),
        (gone, "HostConfig is missing"),
    ],
)
def test_the_difference_is_named(change: Callable[[Any], None], named: str) -> None:
    document = inspected(a_spec())
    change(document)
    found = unexpected(a_spec(), document, FACTS)
    assert any(one.startswith(named) for one in found), found
    # It goes into a log and a chat: short, whatever was in it.
    assert all(len(one) < 400 for one in found)


def test_an_engine_that_hides_more_is_welcome() -> None:
    document: Any = inspected(a_spec())
    document["HostConfig"]["MaskedPaths"].append("/proc/interrupts")
    assert unexpected(a_spec(), document, FACTS) == ()


def test_a_kernel_without_a_limit_on_swap_is_what_the_engine_says_it_is_or_nothing() -> None:
    document: Any = inspected(a_spec())
    document["HostConfig"]["MemorySwap"] = -1
    assert unexpected(a_spec(), document, EngineFacts(limits_swap=False)) == ()
    assert unexpected(a_spec(), document, FACTS)


def test_the_order_of_what_has_none_does_not_matter() -> None:
    document: Any = json.loads(json.dumps(inspected(a_spec())))
    document["Mounts"].reverse()
    document["HostConfig"]["SecurityOpt"].reverse()
    document["HostConfig"]["Ulimits"].reverse()
    assert unexpected(a_spec(), document, FACTS) == ()
    document["Config"]["Entrypoint"].reverse()
    assert unexpected(a_spec(), document, FACTS)
