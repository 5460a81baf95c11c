"""Settings of mounts are changed one by one, and what is in them that cannot be read stays as it is."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.wanted_mounts import (
    MOST_MOUNTS,
    Reason,
    Refused,
    WantedMount,
    add_mount,
    read_mounts,
    remove_mount,
)

DOCS = WantedMount(host_path="/srv/docs", name="docs")
CODE = WantedMount(host_path="~/code", name="code", read_write=True)


def test_mounts_are_added_and_removed_by_name() -> None:
    one = add_mount("[]", DOCS)
    assert isinstance(one, str)
    two = add_mount(one, CODE)
    assert isinstance(two, str)
    assert read_mounts(two) == (DOCS, CODE)
    assert remove_mount(two, "docs") == add_mount("[]", CODE)
    assert remove_mount(two, "nothing") is None
    assert add_mount(two, DOCS) == Refused("/srv/docs", Reason.TWICE, "docs")


def test_there_are_not_more_than_may_be() -> None:
    text = json.dumps([{"hostPath": f"/srv/{number}"} for number in range(MOST_MOUNTS)])
    assert add_mount(text, DOCS) == Refused("/srv/docs", Reason.TOO_MANY)


def test_what_an_import_brought_stays_until_it_is_removed() -> None:
    text = json.dumps([{"hostPath": "relative"}, 1, {"hostPath": "/srv/old/docs"}])
    assert isinstance(add_mount(text, DOCS), Refused)
    added = add_mount(text, CODE)
    assert isinstance(added, str)
    assert json.loads(added)[:3] == json.loads(text)
    assert json.loads(remove_mount(added, "docs") or "") == [{"hostPath": "relative"}, 1, json.loads(added)[3]]


@given(st.text(max_size=9) | st.sampled_from(["{}", "null", "[1]", '[{"hostPath": "/a"}]']))
def test_whatever_was_there_what_is_added_is_found(text: str) -> None:
    added = add_mount(text, CODE)
    assert isinstance(added, str)
    assert CODE in read_mounts(added)
    assert remove_mount(added, "code") is not None
