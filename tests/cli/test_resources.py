"""The commands that are made from the table of verbs: their help, their arguments, what they print."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from nanoclaw.admin.table import RESOURCES, VERBS
from nanoclaw.admin.verb import Verb
from nanoclaw.cli import resources
from nanoclaw.cli.main import cli
from nanoclaw.config import Config

CONTEXT = click.Context(cli)
WIRING = {"id": "wir-1", "chat": "Home [red]", "chat_id": "chat-1", "threads": True, "pattern": None}


def command_of(verb: Verb) -> click.Command:
    """What the terminal has for *verb*."""
    found = cli.get_command(CONTEXT, verb.resource)
    assert found is not None
    if not verb.action:
        return found
    assert isinstance(found, click.Group)
    return found.commands[verb.action]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_is_a_command_with_all_its_arguments_and_help(verb: Verb) -> None:
    command = command_of(verb)
    spelt = {param.name for param in command.params}
    assert spelt == {p.name for p in verb.parameters()} | {"as_json"} | ({"yes"} if verb.destroys else set())
    assert command.help is not None
    assert command.help.startswith(verb.help)
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help
            assert param.help.endswith(".")


@pytest.mark.parametrize("name", RESOURCES)
def test_options_alone_are_those_of_its_list_and_help_is_that_of_the_resource(name: str) -> None:
    found = cli.get_command(CONTEXT, name)
    assert isinstance(found, click.Group)
    if "list" in found.commands:
        context = click.Context(found, help_option_names=["-h", "--help"])
        found.parse_args(context, ["--json"])
        assert context._protected_args + context.args == ["list", "--json"]
    assert "Commands:" in CliRunner().invoke(cli, [name, "--help"]).output


def test_the_help_lists_every_resource() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output
    for name in ("up", "chat", "verify", *RESOURCES, "explain"):
        assert f"\n  {name} " in shown


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["wirings", "create", "a", "b", "--engage-mode", "loud"], "'loud' is not one of 'pattern', 'mention'"),
        (["wirings", "create", "a"], "Missing argument 'GROUP'"),
        (["wirings", "create", "a", "b", "--priority", "high"], "'high' is not a valid integer"),
        (["roles", "grant", "a", "king"], "'king' is not one of 'owner', 'admin'"),
        (["wirings", "burn"], "No such command 'burn'"),
        (["widgets"], "No such command 'widgets'"),
    ],
)
def test_what_no_host_has_to_be_asked_about_is_refused_at_once(typed: list[str], sentence: str) -> None:
    result = CliRunner().invoke(cli, typed)
    assert result.exit_code == 2
    assert sentence in result.output


def test_without_a_host_there_is_no_command(tmp_path: Path) -> None:
    command = resources.command("groups", lambda: Config(home=tmp_path))
    assert command is not None
    result = CliRunner().invoke(command, ["list"])
    assert type(result.exception).__name__ == "NotRunningError"
    assert resources.command("widgets", lambda: Config(home=tmp_path)) is None


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        ({"rows": [], "one": False, "said": "none yet"}, []),
        ({"rows": [WIRING], "one": False, "said": None}, [WIRING]),
        ({"rows": [WIRING], "one": True, "said": "made"}, WIRING),
        ({"rows": [], "one": True, "said": "gone"}, {"said": "gone"}),
        (
            {"rows": [WIRING], "one": False, "said": "this\nand that", "together": "outcomes"},
            {"outcomes": [WIRING], "said": ["this", "and that"]},
        ),
    ],
)
def test_programs_get_a_list_for_many_and_an_object_for_one_or_for_what_belongs_together(
    answer: dict[str, object], printed: object, capsys: pytest.CaptureFixture[str]
) -> None:
    resources.show({"hidden": [], "together": None, **answer}, as_json=True)
    assert json.loads(capsys.readouterr().out) == printed


def test_people_see_names_instead_of_ids_and_words_instead_of_values(capsys: pytest.CaptureFixture[str]) -> None:
    resources.show({"rows": [WIRING], "one": False, "said": "[so]", "hidden": ["id"]}, as_json=False)
    printed = capsys.readouterr().out
    assert "Home [red]" in printed
    assert "yes" in printed
    assert " - " in printed
    assert "chat-1" not in printed
    assert "wir-1" not in printed
    assert "[so]" in printed
    resources.show({"rows": [WIRING], "one": True, "said": None, "hidden": ["id"]}, as_json=False)
    assert "chat id" in capsys.readouterr().out


SESSION = {
    "id": "ses-01m8ec64aejvqv4eyd3pey3yqg",
    "group": "Nano",
    "chat": "Home of the brave",
    "waiting": 2,
    "running": True,
}


@pytest.mark.parametrize("columns", [40, 60, 66, 80, 200])
def test_many_stand_one_under_the_other_where_words_of_a_table_would_be_broken(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [SESSION, {**SESSION, "group": "Ada"}]
    resources.show({"rows": rows, "one": False, "said": None, "hidden": []}, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    titles = [line.split() for line in lines if "waiting" in line]
    if columns >= 80:
        assert titles == [["id", "group", "chat", "waiting", "running"]]
    else:
        assert titles == [["waiting", "2"]] * 2
        assert ["group", "Ada"] in [line.split() for line in lines]
