"""The pages say what the code does: everything in them that can be compared with the code is."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import click
import pytest

from nanoclaw import app, config, errors
from nanoclaw.admin.table import VERBS
from nanoclaw.cli import exits
from nanoclaw.cli.main import cli
from nanoclaw.core import requests
from nanoclaw.core.promises import Broken
from schema import files, sqlite

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PACKAGES = ("nanoclaw", "runner", "schema")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
TABLE = re.compile(r"^\|.+\|\n\|[-|]+\|\n((?:\|.+\|\n)+)", re.MULTILINE)
PATH = re.compile(r"(?:nanoclaw|runner|schema|tests|tools|docs)/[\w./-]*")
IS_PATH = re.compile(r"[\w./-]+\.(?:py|sql|toml|md)")
MODULE = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
OF_A_HOME = {config.FILE, files.CONTAINER_JSON, "nanoclaw.db", "CLAUDE.md", "CLAUDE.local.md"}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in *text*, without headings and without the backticks around a whole cell."""
    lines = [line for body in TABLE.findall(text) for line in body.splitlines()]
    return [[cell.strip().strip("`") for cell in line[1:-1].split("|")] for line in lines]


def section(name: str, heading: str) -> str:
    """What stands below *heading* in a page, down to the next one of the same rank."""
    rank = heading.split(" ", maxsplit=1)[0]
    _, _, rest = page(name).partition(f"\n{heading}\n")
    assert rest, f"{name} has no {heading!r}"
    return re.split(rf"^#{{1,{len(rank)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def classes_called_error() -> set[str]:
    return {
        node.name
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    }


def commands() -> list[list[str]]:
    return rows(section("docs/operations.md", "## Commands"))


def tables_of(ddl: str) -> set[str]:
    conn = sqlite.Connection(":memory:")
    try:
        sqlite.execute(conn, ddl)
        found = sqlite.fetch(conn, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {str(row["name"]) for row in found}
    finally:
        conn.close()


def settings() -> dict[str, dict[str, object]]:
    """Every setting's default, by section."""
    sections = [field for field in attrs.fields(config.Config) if field.name != "home"]
    return {section.name: attrs.asdict(getattr(config.Config(home=ROOT), section.name)) for section in sections}


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


# The command line


def spoken(group: click.Group, *before: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that can be given, with its name, such as `image build`."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            assert command.help
            yield from spoken(command, *before, name)
        else:
            yield " ".join([*before, name]), command


COMMANDS = dict(spoken(cli))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_documented_and_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    words = name.split()
    documented = [row for row in commands() if row[0].split()[1 : 1 + len(words)] == words]
    assert len(documented) == 1
    options = [param for param in command.params if isinstance(param, click.Option)]
    spelt = {word for option in options for word in option.opts}
    assert set(re.findall(r"(?<![\w-])--?[\w-]+", documented[0][2])) == spelt
    for option in options:
        assert option.help
        if option.show_default:
            default = option.default
            assert (f"{default:g}" if isinstance(default, float) else str(default)) in documented[0][2]


def test_every_verb_is_documented_with_its_arguments_and_options_and_no_other_is() -> None:
    documented = rows(section("docs/operations.md", "## Managing agents, chats and people"))
    expected = []
    for verb in VERBS:
        positional = [one.name.replace("_", "-").upper() for one in verb.parameters() if one.positional]
        options = [one.option for one in verb.parameters() if not one.positional]
        said = verb.help[0].lower() + verb.help[1:].rstrip(".")
        more = ["--yes"] if verb.destroys else []
        expected.append([" ".join(["nanoclaw", verb.name, *positional]), " ".join(said.split()), [*options, *more]])
    assert [[row[0], row[1], re.findall(r"--[\w-]+", row[2])] for row in documented] == expected


def test_no_command_is_documented_that_is_not_there() -> None:
    there = set(cli.list_commands(click.Context(cli)))
    assert {row[0].split()[1] for row in commands()} <= there
    for path in PAGES:
        for said in re.findall(r"`nanoclaw ([a-z]+)", path.read_text(encoding="utf-8")):
            assert said in there, f"{path.name}: nanoclaw {said}"


def test_every_exit_code_is_documented() -> None:
    codes = {str(value): name for name, value in vars(exits).items() if isinstance(value, int)}
    assert {row[0]: row[1] for row in rows(section("docs/operations.md", "## Exit codes"))} == codes


def test_every_target_of_make_that_is_named_is_there() -> None:
    targets = set(re.findall(r"^(\w+):", page("Makefile"), re.MULTILINE))
    for path in PAGES:
        named = set(re.findall(r"(?:`|^)make (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, path.name


# Settings


def test_every_setting_is_documented_with_its_default_and_no_other_is() -> None:
    text = section("docs/operations.md", "## Settings")
    parts = re.split(r"^`\[(\w+)\]`$", text, flags=re.MULTILINE)[1:]
    documented = {
        name: {row[0]: tomllib.loads(f"value = {row[1]}")["value"] for row in rows(table)}
        for name, table in zip(parts[::2], parts[1::2], strict=True)
    }
    assert documented == settings()


# Data


@pytest.mark.parametrize(
    ("heading", "ddl"),
    [
        ("## nanoclaw.db: the truth", "\n".join(files.central_ddl())),
        ("## inbound.db: what a sandbox may know", files.inbound_ddl()),
        ("## outbound.db: what a runner asks for", files.outbound_ddl()),
    ],
    ids=["nanoclaw.db", "inbound.db", "outbound.db"],
)
def test_every_table_is_documented_with_writer_readers_and_invariants(heading: str, ddl: str) -> None:
    parts = re.split(r"^### `(\w+)`$", section("docs/data.md", heading), flags=re.MULTILINE)
    names, texts = parts[1::2], parts[2::2]
    assert sorted(names) == sorted(tables_of(ddl))
    for name, text in zip(names, texts, strict=True):
        for word in ("Written by", "Read by", "Always"):
            assert text.count(f"\n- {word}: ") == 1, f"{name} does not say “{word}”"


def test_every_problem_that_verify_can_find_is_explained() -> None:
    found = [broken.value for broken in Broken]
    explained = [row[0] for row in rows(section("docs/operations.md", "## What `nanoclaw verify` says"))]
    assert Counter(explained) == Counter(found)


def test_every_error_is_explained_and_none_that_is_not_there() -> None:
    explained = page("docs/operations.md") + page("docs/data.md")
    deliberate = {name for name, value in vars(errors).items() if isinstance(value, type) and name.endswith("Error")}
    assert {name for name in deliberate if f"`{name}`" not in explained} == set()
    named = {
        code for path in PAGES for code in CODE.findall(path.read_text(encoding="utf-8")) if code.endswith("Error")
    }
    assert named <= classes_called_error()


def test_what_agents_may_ask_for_is_what_the_code_says() -> None:
    documented = rows(section("docs/security.md", "## What agents may ask for"))
    assert documented == [[cell.strip("`") for cell in cells] for cells in requests.table()]


# How it runs


def test_the_tree_is_drawn_as_it_is_started() -> None:
    drawn = re.findall(r"^[├└]── (\S+)", section("docs/architecture.md", "## The tree"), re.MULTILINE)
    assert tuple(drawn) == app.TREE


def test_every_shield_is_listed() -> None:
    shields = Counter(
        name
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "shield" and ast.unparse(node.value) == "True"
    )
    listed = Counter(
        row[0] for row in rows(section("docs/concurrency.md", "## Cancellation")) if row[0].endswith(".py")
    )
    assert listed == shields


def test_the_layout_names_every_package() -> None:
    named = {row[0] for row in rows(section("docs/architecture.md", "## The layout"))}
    packages = {f"{folder.name}/" for folder in map(Path, PACKAGES)} | {
        f"nanoclaw/{path.parent.name}/" for path in (ROOT / "nanoclaw").glob("*/__init__.py")
    }
    assert packages <= named


# The pages themselves


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(path: Path) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        found = (path.parent / place).resolve() if place else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found.read_text(encoding="utf-8")), target
    for code in CODE.findall(text):
        if code in OF_A_HOME:
            continue
        if PATH.fullmatch(code) or IS_PATH.fullmatch(code):
            assert (ROOT / code).exists(), code
        if MODULE.fullmatch(code):
            assert (ROOT / f"{code.replace('.', '/')}.py").exists(), code


def test_every_page_begins_with_its_title() -> None:
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# ") or path.parent.name == "changes", path.name
        assert text.endswith("\n"), path.name


def test_every_page_can_be_found_from_the_index() -> None:
    linked = {(ROOT / "docs" / link).resolve() for link in LINK.findall(page("docs/index.md")) if "://" not in link}
    pages = {path for path in PAGES if path.parent.name != "changes" and path.name != "index.md"}
    assert pages <= linked


def test_the_readme_is_one_page() -> None:
    assert page("README.md").count("\n") <= 100


def test_a_word_of_the_glossary_has_one_meaning() -> None:
    terms = re.findall(r"^- \*\*(.+?)\*\*: ", page("docs/glossary.md"), re.MULTILINE)
    assert len(terms) == page("docs/glossary.md").count("\n- ")
    assert [term for term, times in Counter(map(str.casefold, terms)).items() if times > 1] == []
    assert len(terms) > 40
