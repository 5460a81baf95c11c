"""Secrets are bound to hosts for agents by name, and the operator sees which are, but none of them."""

from __future__ import annotations

import pytest

from nanoclaw.admin.secrets import MOST_BINDINGS
from nanoclaw.errors import UsageError
from nanoclaw.store import bindings
from tests.support.desk import Desk


@pytest.fixture
def desk() -> Desk:
    """An operator, and two agents."""
    desk = Desk()
    desk.do("groups create", name="Nano")
    desk.do("groups create", name="Ops")
    return desk


def test_a_secret_is_bound_listed_and_unbound(desk: Desk) -> None:
    assert "nanoclaw secrets bind" in (desk.do("secrets bindings").said or "")
    said = desk.do("secrets bind", secret="GITHUB_TOKEN", host="api.github.com", agents="nano", as_="github")  # noqa: S106
    assert "http://gw/github/… is api.github.com:443 with GITHUB_TOKEN in Authorization" in (said.said or "")
    (row,) = desk.do("secrets bindings").rows
    assert (row["group"], row["name"], row["template"], row["ask"]) == ("Nano", "github", "Bearer {}", "first")
    assert desk.do("secrets bindings", group="ops").rows == ()
    desk.do("secrets unbind", name="github")
    with pytest.raises(UsageError, match="there is no binding 'github'"):
        desk.do("secrets unbind", name="github")


def test_all_there_are_can_be_meant_and_what_is_bound_anew_replaces(desk: Desk) -> None:
    for host in ("a.example", "b.example"):
        desk.do("secrets bind", secret="TOKEN", host=host, agents="all", header="X-Key", ask="never")  # noqa: S106
    assert [row["host"] for row in desk.do("secrets bindings").rows] == ["b.example:443"] * 2
    desk.do("secrets unbind", name="token", agents="ops")
    assert [row["group"] for row in desk.do("secrets bindings").rows] == ["Nano"]


def test_what_is_wrong_is_said_and_nothing_is_bound(desk: Desk) -> None:
    for words in ({"secret": "token"}, {"host": "127.1"}, {"header": "Host"}, {"template": "x"}, {"agents": "who"}):
        with pytest.raises(UsageError):
            desk.do("secrets bind", **{"secret": "TOKEN", "host": "h.example", "agents": "nano"} | words)
    assert bindings.all_of(desk.world.conn) == ()


def test_an_agent_has_so_many_and_its_bindings_go_with_it(desk: Desk) -> None:
    for number in range(MOST_BINDINGS):
        desk.do("secrets bind", secret="T", host="h.example", agents="ops", as_=f"b{number}")  # noqa: S106
    with pytest.raises(UsageError, match="has 50 bindings already"):
        desk.do("secrets bind", secret="T", host="h.example", agents="ops", as_="more")  # noqa: S106
    desk.do("groups delete", group="ops")
    assert bindings.all_of(desk.world.conn) == ()
