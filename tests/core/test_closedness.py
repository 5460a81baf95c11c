"""A sandbox is closed only if everything was tried and everything refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nanoclaw.core.closedness import Ajar, Closed, Unclear, judge_tries

SHUT: dict[str, Any] = {
    "links": ["lo"],
    "tcp": {"127.0.0.1:9": "ConnectionRefusedError"},
    "dns": {"example.org": "gaierror"},
    "proxy": {"example.org:443": "403", "127.0.0.1:9": "400"},
}


def test_whatever_was_refused_is_closed() -> None:
    assert judge_tries(json.dumps(SHUT), 0) == Closed(4)


@pytest.mark.parametrize(
    ("changes", "heard", "way"),
    [
        ({"links": ["lo", "eth0"]}, 0, "it has a network: eth0"),
        ({"tcp": {"10.0.0.1:9": "done"}}, 0, "a connection to 10.0.0.1:9 came about"),
        ({"dns": {"example.org": "done"}}, 0, "example.org was looked up"),
        ({"proxy": {"example.org:443": "502"}}, 0, "the proxy answers 502 for example.org:443"),
        ({}, 2, "2 of its packets came to this machine"),
    ],
)
def test_one_way_that_is_open_is_enough(changes: dict[str, Any], heard: int, way: str) -> None:
    assert judge_tries(json.dumps(SHUT | changes), heard) == Ajar((way,))


@pytest.mark.parametrize(
    "said", ["", "Traceback", "[]", "{}", *(json.dumps(SHUT | {key: {}}) for key in ("tcp", "dns", "proxy"))]
)
def test_what_was_not_tried_is_not_closed(said: str) -> None:
    assert isinstance(judge_tries(said, 0), Unclear)
