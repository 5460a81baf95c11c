"""What can be an MCP server, and that all of it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.approvals import YES_OR_NO, fault
from nanoclaw.core.mcp_servers import server_fault, server_lines
from nanoclaw.core.told import McpServer
from nanoclaw.model.approvals import Shown

SERVER = McpServer(command="python3")


def a_server(**words: object) -> McpServer:
    return McpServer(**{"command": "python3", **words})  # type: ignore[arg-type]  # as the test says it


@pytest.mark.parametrize(
    ("name", "server", "why"),
    [
        ("", SERVER, "not a name for a server"),
        ("nanoclaw", SERVER, "not a name for a server"),
        ("a b", SERVER, "not a name for a server"),
        ("time\n", SERVER, "not a name for a server"),
        ("-rf", SERVER, "not a name for a server"),
        ("t\u0456me", SERVER, "not a name for a server"),
        ("x" * 65, SERVER, "not a name for a server"),
        ("time", a_server(command=" "), "needs a command"),
        ("time", a_server(command="a\0b"), "no program takes"),
        ("time", a_server(args=("\ud800",)), "no program takes"),
        ("time", a_server(args=("x",) * 51), "at most 50 arguments"),
        ("time", a_server(args=("x" * 1_001,)), "at most 1,000 characters"),
        ("time", a_server(env={"A B": "x"}), "not a name for a variable"),
        ("time", a_server(env={"A\n": "x"}), "not a name for a variable"),
        ("time", a_server(env={"1A": "x"}), "not a name for a variable"),
        ("time", a_server(env={"": "x"}), "not a name for a variable"),
        ("time", a_server(env={"A": "x\0"}), "no program takes"),
    ],
)
def test_what_cannot_be_started_is_refused_with_a_reason(name: str, server: McpServer, why: str) -> None:
    assert why in str(server_fault(name, server))


def test_whatever_else_may_be_asked_for() -> None:
    server = a_server(args=("--to", "a b", "ü\n"), env={"TZ": "Europe/Berlin", "_x1": ""})
    assert server_fault("Time-2", server) is None


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
VARIABLES = st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True), WORDS, max_size=3)


@given(st.lists(st.builds(McpServer, command=WORDS, args=st.lists(WORDS, max_size=3).map(tuple), env=VARIABLES)))
def test_no_two_servers_look_alike_and_nothing_of_one_is_unseen(servers: list[McpServer]) -> None:
    seen: dict[tuple[str, ...], McpServer] = {}
    for server in servers:
        lines = tuple(server_lines("time", server))
        assert fault(Shown("A server?", lines), YES_OR_NO) is None
        assert len(lines) == 2 + max(1, len(server.args)) + max(1, len(server.env))
        assert seen.setdefault(lines, server) == server
