"""AT-17: no word of an approved MCP server leads to where its agent could put something else; what is kept is shown."""

from __future__ import annotations

import hashlib
import posixpath
import re

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanoclaw.core.approvals import YES_OR_NO, fault
from nanoclaw.core.mcp_programs import (
    CHANGEABLE,
    MOST_PROGRAMS,
    Kept,
    KeptFile,
    Named,
    NoProgram,
    NotThere,
    Refused,
    Where,
    keep,
    named_files,
    program_lines,
)
from nanoclaw.core.told import McpServer
from nanoclaw.model.approvals import Shown
from schema.files import SANDBOX_AGENT, SANDBOX_PROGRAMS, SANDBOX_STATE
from schema.payloads import MOST_BODY

WHERE = Where(
    kept={SANDBOX_AGENT: 0, "/srv/home/groups/nano": 0, SANDBOX_STATE: 1},
    read_only=("/workspace/extra/tools",),
)


def named(*words: str, **env: str) -> tuple[Named, ...] | Refused:
    return named_files(McpServer(command=words[0], args=words[1:], env=env), WHERE)


def found(*words: str, **env: str) -> list[tuple[str, str, int, str, bool]]:
    verdict = named(*words, **env)
    assert not isinstance(verdict, Refused)
    return [(one.word, one.before, one.folder, "/".join(one.path), one.surely) for one in verdict]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("python3", "/workspace/agent/a/time.py"), [("Argument 1", "", 0, "a/time.py", True)]),
        (("python3", "//workspace/./agent///time.py"), [("Argument 1", "", 0, "time.py", True)]),
        (("python3", "/srv/home/groups/nano/time.py"), [("Argument 1", "", 0, "time.py", True)]),
        (("python3", "/home/agent/.claude/time.py"), [("Argument 1", "", 1, "time.py", True)]),
        (("/workspace/agent/run", "x y"), [("Command", "", 0, "run", True), ("Argument 1", "", 0, "x y", False)]),
        (("./run",), [("Command", "", 0, "run", True)]),
        (("bin/run",), [("Command", "", 0, "bin/run", True)]),
        (("node", "--import=/workspace/agent/a.js"), [("Argument 1", "--import=", 0, "a.js", True)]),
        (("node", "--import=a.js"), [("Argument 1", "--import=", 0, "a.js", False)]),
        (("python3", "time.py"), [("Argument 1", "", 0, "time.py", False)]),
        (("python3", "./time.py"), [("Argument 1", "", 0, "time.py", True)]),
        (("python3", "-u", "-m", "--", ""), []),
        (("python3", "/usr/share/time.py", "/opt/tmp/x"), []),
        (("node", "/workspace/extra/tools/run.js"), []),
        (
            ("mcp-time", "https://example.com:80/tmp/x?y=/run"),
            [("Argument 1", "", 0, "https:/example.com:80/tmp/x?y=/run", False)],
        ),
    ],
)
def test_what_a_word_names_is_known(words: tuple[str, ...], expected: list[tuple[str, str, int, str, bool]]) -> None:
    assert found(*words) == expected


def test_of_variables_only_whole_paths_are_files() -> None:
    assert found("x", TZ="UTC", CONF="/workspace/agent/c.json") == [("Variable CONF", "", 0, "c.json", True)]


@pytest.mark.parametrize(
    "word",
    [
        *(
            "/workspace/agent",
            "/workspace/agent/",
            "/workspace/agent/.",
            "--root=/workspace/agent",
            "-I/workspace/agent/lib",
        ),
        *(
            "/",
            "-C/",
            "/workspace",
            "--directory=/home/",
            "/nanoclaw",
            "cd /workspace",
            "/var",
            "/srv/home",
            "/tmp/x.py",
            "/run/x",
            "/var/run/x",
            "/dev/shm/x",
            "/proc/1/cwd/x.py",
            "/proc/self/root/workspace/agent/x",
        ),
        *("/home/agent/x", "/home/agent/.local/bin/x", "/nanoclaw/out/3/x", "/home/agent/.claude"),
        *("/workspace/extra/books/x.py", "/workspace/extra", "/workspace/extra/tools-2/x", "/usr/bin:/tmp/bin"),
        *("/workspace/agent/../agent/x", "../agent/x", "a/../../tmp/x", "-I../../tmp", "..", "/usr/.."),
        *("sh -c 'python3 /workspace/agent/x.py'", "import sys; sys.path.insert(0, '/workspace//agent')", "@/tmp/x"),
        *("file:///usr/x.js", "FILE://localhost/tmp/x", "import('file:///x')", "${HOME}/x.py", "a${PWD}"),
        *("https://x:/tmp/bin", "https://tmp/x --import /tmp/y", "x;/tmp/y", "\n/tmp/y", "-r/tmp/y.rb"),
    ],
)
def test_what_leads_to_a_place_that_could_change_and_is_no_file_there_is_refused(word: str) -> None:
    for verdict in (named("x", word), named("x", V=word), named(word)):
        assert isinstance(verdict, Refused), verdict
        assert re.match(r"(Argument 1|Variable V|Command) ", verdict.why)


PIECES = st.sampled_from(
    [
        *(
            "/",
            "/",
            "//",
            "/./",
            "/workspace",
            "/agent",
            "workspace/agent",
            "/tmp",
            "tmp",
            "/proc/1/cwd",
            "/home",
            "..",
            ".",
        ),
        *("a.py", "x", "-", "--opt=", "=", ":", ";", " ", "'", "@", "/extra/tools", "/extra/books", "é", "${X}", "~"),
        *("https://", "file://", "/run", "/nanoclaw", "/out", "/programs", "/usr/bin", "-I", ","),
    ]
)
WORDS = st.lists(PIECES, min_size=1, max_size=7).map("".join) | st.text(max_size=12)
BREAKS = re.compile(r"[=:;,\s'\"]|^@")


def places_of(word: str) -> set[str]:
    """Where *word*, or a part of it, leads from where servers begin. Written without the rule in mind."""
    parts = [] if word.startswith("https://") else BREAKS.split(word)
    return {f"/{posixpath.normpath(posixpath.join(SANDBOX_PROGRAMS, part)).lstrip('/')}" for part in (word, *parts)}


def is_changeable(path: str) -> bool:
    if path.startswith("/workspace/extra/tools/") or path == "/workspace/extra/tools":
        return False
    return any(path == place or path.startswith(f"{place}/") or place.startswith(path) for place in CHANGEABLE)


@given(st.lists(WORDS, min_size=1, max_size=4), st.booleans())
@example(["x", "https://example.com/a"], False)
def test_no_word_of_what_is_kept_leads_to_where_an_agent_writes(words: list[str], there: bool) -> None:
    server = McpServer(command=words[0], args=tuple(words[1:]), env={"V": words[-1]})
    verdict = named_files(server, WHERE)
    if isinstance(verdict, Refused):
        return
    kept = keep(server, verdict, dict.fromkeys(verdict, b"there" if there else NotThere()))
    if isinstance(kept, Refused):
        return
    assert kept.server.kept is not None
    for word in (kept.server.command, *kept.server.args, *kept.server.env.values()):
        assert not any(map(is_changeable, places_of(word))), word


SERVER = McpServer(
    command="python3", args=("/workspace/agent/time.py", "--now", "UTC"), env={"C": "/workspace/agent/c"}
)


def kept(content: bytes, server: McpServer = SERVER) -> Kept | Refused:
    verdict = named_files(server, WHERE)
    assert not isinstance(verdict, Refused)
    return keep(server, verdict, {one: content if one.surely else NotThere() for one in verdict})


def test_the_copy_takes_the_place_of_the_file_and_is_known_by_what_is_in_it() -> None:
    digest = hashlib.sha256(b"print()").hexdigest()
    there = kept(b"print()")
    assert isinstance(there, Kept)
    assert there.server == McpServer(
        command="python3",
        args=(f"/nanoclaw/programs/{digest}/time.py", "--now", "UTC"),
        env={"C": f"/nanoclaw/programs/{digest}/c"},
        kept=(f"{digest}/time.py", f"{digest}/c"),
    )
    assert [(file.word, file.name, file.digest) for file in there.files] == [
        ("Argument 1", "time.py", digest),
        ("Variable C", "c", digest),
    ]
    assert kept(b"print(1)") != there


@pytest.mark.parametrize(
    ("reading", "why"),
    [
        (NotThere(), "Argument 1 names time.py, where there is no file"),
        (NoProgram("it is a link"), "Argument 1 names a file that cannot be kept as it is: it is a link"),
    ],
)
def test_what_is_surely_a_path_has_to_be_a_file(reading: NotThere | NoProgram, why: str) -> None:
    verdict = named("python3", "/workspace/agent/time.py")
    assert not isinstance(verdict, Refused)
    refused = keep(McpServer(command="python3", args=("/workspace/agent/time.py",)), verdict, {verdict[0]: reading})
    assert isinstance(refused, Refused)
    assert refused.why.startswith(why)


def test_a_server_has_only_so_many_files_and_their_names_are_not_too_long() -> None:
    many = attrs.evolve(SERVER, args=("/workspace/agent/a",) * MOST_PROGRAMS)
    assert isinstance(kept(b"", many), Refused)
    long = McpServer(command=f"/workspace/agent/{'é' * 101}")
    assert isinstance(kept(b"", long), Refused)


def test_what_is_in_a_file_is_shown_line_by_line_as_far_as_there_is_room() -> None:
    text = KeptFile(word="Argument 1", name="a\n.py", content=b"a\n\tb\xe2\x80\xae`\n")
    about, *lines = program_lines([text], 1_000)
    assert about == f"Argument 1 is the agent's file “a\\u{{a}}.py”, kept as it is now: 9 bytes, SHA-256 {text.digest}"
    assert lines == ["Line 1: “a”", "Line 2: “\\u{9}b\\u{202e}\\u{60}”"]
    need = sum(len(line) + 1 for line in (about, *lines))
    assert program_lines([text], need) == (about, *lines)
    assert program_lines([text], need - 1)[1:] == (
        "It is too long to be shown here: only its digest says what is in it",
    )
    binary = attrs.evolve(text, content=b"\x7fELF\xff")
    assert program_lines([binary], 10_000)[1:] == ("It is no text, and not shown",)
    assert len(program_lines([attrs.evolve(text, content=b"")], 10_000)) == 1


FILES = st.builds(
    KeptFile,
    word=st.just("Argument 1"),
    name=st.text(min_size=1, max_size=9),
    content=st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode(errors="replace")),
)


@given(st.lists(FILES, min_size=1, max_size=3), st.integers(0, MOST_BODY))
def test_whatever_is_in_files_can_be_shown_and_each_has_its_digest_there(kept: list[KeptFile], room: int) -> None:
    lines = program_lines(kept, room)
    assert fault(Shown("A server?", lines), YES_OR_NO) is None
    for file in kept:
        assert any(file.digest in line for line in lines)


@given(FILES, FILES, st.integers(0, MOST_BODY))
def test_no_two_files_look_alike(one: KeptFile, other: KeptFile, room: int) -> None:
    assert (program_lines([one], room) == program_lines([other], room)) is (one == other)
    renamed = attrs.evolve(one, name=other.name)
    assert (program_lines([one], room) == program_lines([renamed], room)) is (one.name == other.name)
