"""An approved MCP server begins where its agent cannot write, with the copies that its words name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from runner.config import read_container
from runner.core.programs import with_copies
from runner.model import McpServer

SHOWS = "import os, sys; print(os.getcwd(), *sys.argv[1:], os.environ['C'])"


def test_words_that_name_copies_name_them_where_they_are_and_the_server_begins_there(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text("print('swapped')")
    programs = tmp_path / "programs"
    programs.mkdir()
    server = McpServer(
        command=sys.executable,
        args=("-c", SHOWS, "--x=/nanoclaw/programs/ab/x", "late.py"),
        env={"C": "/nanoclaw/programs/c/d"},
    )
    begun = with_copies(server, str(programs), sys.executable)
    done = subprocess.run(
        [begun.command, *begun.args], env={**begun.env}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{programs} --x={programs}/ab/x late.py {programs}/c/d\n"


def test_a_name_that_was_no_file_then_is_none_now(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text("print('swapped')")
    (tmp_path / "programs").mkdir()
    for words in (("late.py",), ("-m", "late")):
        server = with_copies(McpServer(command=sys.executable, args=words), str(tmp_path / "programs"), sys.executable)
        done = subprocess.run([server.command, *server.args], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode == 0, done.stdout) == (False, "")


def test_no_variable_of_the_agents_holds_before_the_server_begins() -> None:
    variables = {"LD_PRELOAD": "./late.so", "LD_LIBRARY_PATH": "lib", "HOME": "/elsewhere", "A": "b=c"}
    shows = "import json, os; print(json.dumps({n: os.environ[n] for n in ('LD_LIBRARY_PATH', 'HOME', 'A')}))"
    server = McpServer(command=sys.executable, args=("-c", shows), env=variables)
    begun = with_copies(server, "/", sys.executable)
    assert begun.env == {}
    done = subprocess.run([begun.command, *begun.args], env={}, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"LD_LIBRARY_PATH": "lib", "HOME": "/elsewhere", "A": "b=c"}


def test_one_that_nobody_was_asked_about_is_started_as_it_stands_there() -> None:
    text = '{"mcpServers": {"a": {"command": "x", "args": ["y"]}, "b": {"command": "x", "args": ["y"], "kept": []}}}'
    servers = read_container(text, "/p").mcp_servers
    assert servers["a"] == McpServer(command="x", args=("y",))
    assert servers["b"].args[-3:] == ("/p", "x", "y")
