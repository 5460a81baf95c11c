"""`nanoclaw image`: what people see while an image is built, and of what is there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from io import StringIO
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from nanoclaw.cli.image import Progress
from nanoclaw.cli.main import cli
from nanoclaw.core.build_stream import Cached, Said, Step
from nanoclaw.errors import ImageError
from nanoclaw.sandboxes.image_build import News, Note, Phase
from tests.support.engine_server import EngineServer, engine_server

NEWS: list[News] = [
    Phase("asking the registry for x"),
    Note("no [red]route[/red]"),
    Phase("building the image"),
    Step(1, 4, "ARG BASE"),
    Step(2, 4, "COPY packages/ /opt/"),
    Cached(),
    Step(3, 4, "RUN set -eu;     true " + "x" * 100),
    Said("---> Running in 1234"),
    Said("E: first\nE: [bold]second[/bold]"),
]


def shown(*, fails: bool) -> list[str]:
    output = StringIO()
    ticks = count()
    progress = Progress(Console(file=output, width=300), clock=lambda: float(next(ticks)))
    ends = pytest.raises(ImageError) if fails else nullcontext()
    with ends, progress:
        for news in NEWS:
            progress.tell(news)
        if fails:
            raise ImageError(why="it failed")
    return [" ".join(line.split()) for line in output.getvalue().splitlines()]


def test_each_thing_that_was_done_is_a_line_with_its_seconds() -> None:
    long = "3/4 RUN set -eu; true " + "x" * 50 + "…"
    assert shown(fails=False) == [
        "asking the registry for x 1.0 s",
        "no [red]route[/red]",
        "building the image 1.0 s",
        "2/4 COPY packages/ /opt/ as before",
        f"{long} 1.0 s",
    ]


def test_the_step_that_failed_is_shown_with_the_last_it_said() -> None:
    *_, failed, first, second, third = shown(fails=True)
    assert failed.startswith("✗ 3/4 RUN set -eu; true xxx")
    assert (first, second, third) == ("---> Running in 1234", "E: first", "E: [bold]second[/bold]")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineServer]:
    with tempfile.TemporaryDirectory(prefix="nc-") as folder, engine_server(Path(folder)) as server:
        monkeypatch.setenv("DOCKER_HOST", server.address)
        yield server


def image(number: int, tags: list[str]) -> dict[str, object]:
    labels = {"nanoclaw.image": "agent", "nanoclaw.python": "3.11", "nanoclaw.claude": "true"}
    return {
        "Id": f"sha256:{number:064d}",
        "RepoTags": tags,
        "Created": f"2026-01-0{number}T00:00:00Z",
        "Size": 5_000_000,
        "Config": {"Labels": labels},
    }


def test_images_are_listed_the_newest_first_for_people_and_for_programs(engine: EngineServer) -> None:
    for number, tags in ((1, []), (2, ["nanoclaw/agent:current"])):
        engine.answers[f"GET /images/sha256:{number:064d}/json"] = image(number, tags)
    engine.answers["GET /images/json"] = [{"Id": f"sha256:{number:064d}"} for number in (1, 2, 3)]
    said = CliRunner().invoke(cli, ["image", "list", "--json"], catch_exceptions=False).output
    found = [json.loads(line) for line in said.splitlines()]
    assert [(one["id"][-1], one["tags"], one["labels"]["nanoclaw.python"]) for one in found] == [
        ("2", ["nanoclaw/agent:current"], "3.11"),
        ("1", [], "3.11"),
    ]
    table = CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["image", "list"], catch_exceptions=False).output
    assert "nanoclaw/agent:current" in table
    assert "no name any more" in table


def test_without_an_image_it_is_said_how_to_make_one(engine: EngineServer) -> None:
    engine.answers["GET /images/json"] = []
    said = CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["image", "list"], catch_exceptions=False).output
    assert said == "no image yet: make one with nanoclaw image build\n"


def test_a_base_that_nobody_has_ends_the_build_with_the_registrys_words(engine: EngineServer) -> None:
    engine.streams["POST /images/create"] = [{"error": "pull access denied for mine"}]
    ended = CliRunner().invoke(cli, ["image", "build", "--base", "mine:1"])
    assert isinstance(ended.exception, ImageError)
    assert "does not have mine:1" in str(ended.exception)
    assert "pull access denied for mine" in ended.output
