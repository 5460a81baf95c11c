"""Which files an MCP server would be started with that its agent can change, and how it is started from copies. Pure.

Such a file could be another one after somebody has approved it. So it is read when it is asked for, shown, and kept as
it was; the server is started from the copy, in a folder that no agent can write. What cannot be kept is not asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs
from attrs import frozen

from nanoclaw.core.approvals import escaped, field
from nanoclaw.core.notices import plain
from nanoclaw.core.told import McpServer
from schema import files

MOST_PROGRAM = 256 << 10
"""Bytes of one file: a program that people read, not what a package is made of."""
MOST_PROGRAMS = 8
"""Files of one server."""
MOST_FILE_NAME = 200
"""Bytes."""
CHANGEABLE = (
    *(files.SANDBOX_AGENT, files.SANDBOX_HOME, files.SANDBOX_OUT, files.SANDBOX_EXTRA),
    *("/tmp", "/var/tmp", "/run", "/var/run", "/var/lock", "/dev", "/proc", "/sys"),  # noqa: S108 - the sandbox's own
)
"""What a sandbox can write, and where names lead on to that."""
_COMMAND = "Command"
_UP = re.compile(r"(?<!\.)\.\.(?![\w.])")
_OPTION = re.compile(r"(-{0,2}[A-Za-z0-9_][A-Za-z0-9_.-]*=)?(.*)", re.DOTALL)
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~/?&=%+-]*)?")
_RELATIVE = re.compile(r"(?:\./)*\w[\w./-]*")
_PATH = re.compile(r"[\w./@-]+")
_MOST_COMPONENT = 255


@frozen(kw_only=True)
class Where:
    """What the sandbox sees."""

    kept: Mapping[str, int] = attrs.field(factory=dict[str, int])
    """Folders of the agent's that the host can read files from, as the sandbox sees them, each with the number of it;
    number 0 is the one that programs are started in."""
    read_only: tuple[str, ...] = ()
    """Folders of this machine that it cannot change."""


@frozen(kw_only=True)
class Named:
    """A file that a word of a definition names, or may."""

    word: str
    """Which, as people are told: `Command`, `Argument 2`, `Variable X`."""
    before: str
    """What stands before the path in it, such as `--config=`."""
    folder: int
    """Of `Where.kept`."""
    path: tuple[str, ...]
    """From there: at least one name."""
    surely: bool
    """Is it a path in any case? Otherwise it is one if there is such a file, and else nothing that could become one."""

    @property
    def name(self) -> str:
        """The file's own."""
        return self.path[-1]


@frozen
class Refused:
    """It cannot be asked for, and why; for its agent."""

    why: str


@frozen
class NotThere:
    """There is no such file; or it is a folder."""


@frozen
class NoProgram:
    """It cannot be read, and why."""

    why: str


Reading: TypeAlias = bytes | NotThere | NoProgram


@frozen(kw_only=True)
class KeptFile:
    """A file as it was read."""

    word: str
    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of it."""
        return hashlib.sha256(self.content).hexdigest()


@frozen
class Kept:
    """A definition that no agent can change any more, with the files that go with it."""

    server: McpServer
    """Starts the copies."""
    files: tuple[KeptFile, ...] = ()


def named_files(server: McpServer, where: Where) -> tuple[Named, ...] | Refused:
    """The files that *server* names and its agent can change, or why it cannot be said which these are."""
    found = []
    for word, value in _words(server):
        verdict = _named(word, value, where)
        if isinstance(verdict, Refused):
            return verdict
        if verdict is not None:
            found.append(verdict)
    return tuple(found)


def keep(server: McpServer, named: Sequence[Named], readings: Mapping[Named, Reading]) -> Kept | Refused:
    """*server* with copies in the place of the files that it names, as they were read."""
    words = dict(_words(server))
    kept: list[KeptFile] = []
    for one in named:
        match readings[one]:
            case bytes() if len(one.name.encode()) > MOST_FILE_NAME:
                return Refused(f"{one.word} names a file whose name is longer than {MOST_FILE_NAME} bytes")
            case bytes(content):
                file = KeptFile(word=one.word, name=one.name, content=content)
                words[one.word] = f"{one.before}{files.SANDBOX_PROGRAMS}/{file.digest}/{file.name}"
                kept.append(file)
            case NotThere() if one.surely:
                shown = plain("/".join(one.path), 80)
                return Refused(
                    f"{one.word} names {shown}, where there is no file: it would be whatever is put there later. "
                    "What the server starts has to be there, as a file that stands for itself"
                )
            case NotThere():
                continue
            case NoProgram(why):
                return Refused(f"{one.word} names a file that cannot be kept as it is: {why}")
    if len(kept) > MOST_PROGRAMS:
        return Refused(f"a server has at most {MOST_PROGRAMS} files that you can change")
    copies = tuple(f"{file.digest}/{file.name}" for file in kept)
    return Kept(_with_words(server, words, tuple(dict.fromkeys(copies))), tuple(kept))


def program_lines(kept: Sequence[KeptFile], room: int) -> tuple[str, ...]:
    """What people are shown of the files: of each its size and digest, and what is in it, if there is room for that.

    Args:
      kept: The files.
      room: Characters. A line takes one more than it has.
    """
    shown = [(_about(file), *_unshown(file)) for file in kept]
    for number, file in enumerate(kept):
        whole = (_about(file), *(_content(file) or ()))
        if len(whole) > 1 and _size([*shown[:number], whole, *shown[number + 1 :]]) <= room:
            shown[number] = whole
    return tuple(line for lines in shown for line in lines)


def _size(shown: Iterable[Sequence[str]]) -> int:
    return sum(len(line) + 1 for lines in shown for line in lines)


def _about(file: KeptFile) -> str:
    size = f"{len(file.content):,} byte{'' if len(file.content) == 1 else 's'}"
    return f"{file.word} is the agent's file “{escaped(file.name)}”, kept as it is now: {size}, SHA-256 {file.digest}"


def _unshown(file: KeptFile) -> tuple[str, ...]:
    content = _content(file)
    if content is None:
        return ("It is no text, and not shown",)
    return ("It is too long to be shown here: only its digest says what is in it",) if content else ()


def _content(file: KeptFile) -> tuple[str, ...] | None:
    """What is in it, line by line; None if it is no text."""
    try:
        lines = file.content.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return None
    return tuple(
        field(f"Line {number}", line) for number, line in enumerate(lines[:-1] if not lines[-1] else lines, start=1)
    )


def _words(server: McpServer) -> Iterator[tuple[str, str]]:
    yield _COMMAND, server.command
    for number, value in enumerate(server.args, start=1):
        yield f"Argument {number}", value
    for name, value in server.env.items():
        yield f"Variable {name}", value


def _with_words(server: McpServer, words: Mapping[str, str], kept: tuple[str, ...]) -> McpServer:
    return attrs.evolve(
        server,
        command=words[_COMMAND],
        args=tuple(words[f"Argument {number}"] for number in range(1, len(server.args) + 1)),
        env={name: words[f"Variable {name}"] for name in server.env},
        kept=kept,
    )


def _named(word: str, value: str, where: Where) -> Named | Refused | None:
    if "${" in value:
        return Refused(f"{word} has ${{ in it, and nobody can see what becomes of that")
    if "file:" in value.lower():
        return Refused(f"{word} has an address of a file in it: say its path")
    if _UP.search(value):
        return Refused(f"{word} has .. in it: say where a file is by its whole path")
    split = _OPTION.fullmatch(value)
    assert split is not None
    before, path = split[1] or "", split[2]
    if path.startswith("/"):
        whole = _simple(path)
        for folder, number in sorted(where.kept.items(), key=lambda one: -len(one[0])):
            if whole.startswith(f"{folder}/"):
                names = tuple(whole.removeprefix(f"{folder}/").split("/"))
                return Named(word=word, before=before, folder=number, path=names, surely=True)
    if not _RELATIVE.fullmatch(path) and (place := _place_in(value, where)) is not None:
        return Refused(
            f"{word} leads to {place}, where what is started could be changed after it was approved: name a file in "
            f"{files.SANDBOX_AGENT}, and nothing besides it in the same word"
        )
    return _relative(word, before, path)


def _relative(word: str, before: str, path: str) -> Named | None:
    """A file in the folder that programs are started in, if *path* can be the way to one.

    The server is not started there, so what is no file now does not become one. A variable is for its program to read.
    """
    names = tuple(name for name in path.split("/") if name not in ("", "."))
    if word.startswith("Variable") or path.startswith("/") or not names or (not before and path.startswith("-")):
        return None
    if word == _COMMAND and "/" not in path:
        return None
    if any(len(name.encode()) > _MOST_COMPONENT or "\n" in name for name in names):
        return None
    surely = path.startswith("./") or word == _COMMAND
    return Named(word=word, before=before, folder=0, path=names, surely=surely)


def _place_in(value: str, where: Where) -> str | None:
    """A place that the agent can change and *value* has in it somehow; None: none.

    What such a place lies in is as good: a program that is told to begin there finds the agent's files by their names.
    """
    if _ADDRESS.fullmatch(value):
        return None
    for words in _PATH.finditer(_collapsed(value)):
        _, slash, rest = words[0].partition("/")
        if not slash:
            continue
        path = _simple(f"/{rest}")
        for place in (*where.kept, *CHANGEABLE):
            if _is_in(place, path):
                return path
            if _is_in(path, place) and not any(_is_in(path, safe) for safe in where.read_only):
                return place
    return None


def _is_in(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place.removesuffix('/')}/")


def _simple(path: str) -> str:
    """The same path without what makes no difference in it; `..` is not looked at."""
    return _collapsed(path).removesuffix("/.").rstrip("/") or "/"


def _collapsed(text: str) -> str:
    return re.sub(r"/(?:\.?/)+", "/", text)
