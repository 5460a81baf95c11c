"""Images of an engine that answers from a script: what is found, what fails, what a cancelled call leaves."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from nanoclaw.core.build_stream import Event, Said, Step
from nanoclaw.core.images import ImageId, group_current, group_tag
from nanoclaw.core.packages import Packages
from nanoclaw.errors import ImageError
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.sandboxes.image_build import InUse, image_of
from nanoclaw.sandboxes.images import Images, open_images
from schema.times import read_time
from tests.support.engine_server import EngineServer, engine_server

ONE = ImageId("sha256:" + "1" * 64)
TWO = ImageId("sha256:" + "2" * 64)
GROUP = AgentGroupId("agt-1")
BUILD = "POST /build"
STEPS = [{"stream": "Step 1/2 : FROM x\n"}, {"stream": " ---> 1111\n"}, {"stream": "Step 2/2 : RUN work\n"}]
HEARD = [Step(1, 2, "FROM x"), Said("---> 1111"), Step(2, 2, "RUN work")]


@pytest.fixture
def engine() -> Iterator[EngineServer]:
    with tempfile.TemporaryDirectory(prefix="nc-") as folder, engine_server(Path(folder)) as server:
        yield server


@pytest.fixture
def context(tmp_path: Path) -> Path:
    path = tmp_path / "context.tar"
    with tarfile.open(path, "w"):
        pass
    return path


def known(engine: EngineServer, name: str, image: ImageId) -> None:
    engine.answers[f"GET /images/{name}/json"] = {"Id": image, "RepoTags": [name], "Config": {"Labels": None}}


async def build(images: Images, context: Path, heard: list[Event]) -> ImageId:
    return await images.build(context, heard.append, labels={"nanoclaw.image": "agent"}, network="none")


async def test_an_image_is_found_with_its_facts_or_it_is_not_there(engine: EngineServer) -> None:
    known(engine, "x:1", ONE)
    async with open_images(engine.address) as images:
        found = await images.find("x:1")
        assert found is not None
        assert (found.id, found.tags, dict(found.labels), found.entrypoint) == (ONE, ("x:1",), {}, ())
        assert await images.find("y:1") is None


async def test_where_no_engine_answers_it_is_said_where_and_what_mends_it(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no docker engine answers at unix://.*/none") as raised:
        async with open_images(f"unix://{tmp_path}/none"):
            pass
    assert raised.value.mend == "apt-get install docker.io"


async def test_a_build_is_heard_step_by_step_and_gives_the_last_image(engine: EngineServer, context: Path) -> None:
    engine.streams[BUILD] = [
        *STEPS,
        {"aux": {"ID": ONE}},
        {"aux": {"ID": TWO}},
        {"stream": "Successfully built 2222\n"},
    ]
    heard: list[Event] = []
    async with open_images(engine.address) as images:
        assert await build(images, context, heard) == TWO
    assert heard[:3] == HEARD
    assert heard[-1] == Said("Successfully built 2222")


async def test_a_build_that_fails_says_why_in_the_engines_words(engine: EngineServer, context: Path) -> None:
    why = "The command '/bin/sh -c work' returned a non-zero code: 100"
    engine.streams[BUILD] = [*STEPS, {"errorDetail": {"code": 100, "message": why}, "error": why}]
    async with open_images(engine.address) as images:
        with pytest.raises(ImageError, match="non-zero code: 100"):
            await build(images, context, [])


async def test_a_build_that_ends_without_an_image_is_a_failure(engine: EngineServer, context: Path) -> None:
    engine.streams[BUILD] = STEPS
    async with open_images(engine.address) as images:
        with pytest.raises(ImageError, match="ended the build without an image"):
            await build(images, context, [])


async def test_an_engine_that_refuses_is_quoted(engine: EngineServer, context: Path) -> None:
    async with open_images(engine.address) as images:
        with pytest.raises(ImageError, match="no /build"):
            await build(images, context, [])
        with pytest.raises(ImageError, match="no /images/x:1/tag"):
            await images.name(ImageId("x:1"), "y:2")


async def test_cancelling_a_build_hangs_up_on_the_engine_and_never_held_up_the_loop(
    engine: EngineServer, context: Path
) -> None:
    engine.streams[BUILD], engine.hangs = STEPS, True
    heard: list[Event] = []

    def note(event: Event) -> None:
        heard.append(event)
        if event == HEARD[-1]:
            scope.cancel()

    async with open_images(engine.address) as images:
        with trio.CancelScope() as scope:
            await images.build(context, note, labels={}, network=None)
        assert scope.cancelled_caught
        assert await trio.to_thread.run_sync(engine.hung_up.wait, 10.0)
        # The engine is spoken to as ever.
        assert await images.find("x:1") is None
    assert heard == HEARD
    assert not any("/tag" in asked for asked in engine.asked)


async def test_a_pull_names_what_it_wants_with_a_port_or_without(engine: EngineServer) -> None:
    engine.streams["POST /images/create"] = [{"status": "Pulling", "id": "latest"}]
    heard: list[Event] = []
    async with open_images(engine.address) as images:
        await images.pull("localhost:5000/x", heard.append)
    assert heard == [Said("latest: Pulling")]


# Which image a sandbox starts from


def settings(*, packages: str = "{}", image_tag: str | None = None) -> ContainerSettings:
    now = read_time("2026-01-01T00:00:00.000Z")
    return ContainerSettings(agent_group_id=GROUP, packages=packages, image_tag=image_tag, updated_at=now)


async def in_use(engine: EngineServer, one: ContainerSettings) -> InUse:
    async with open_images(engine.address) as images:
        return await image_of(images, one, agent_image="agent:now")


async def test_an_agent_without_packages_gets_the_agent_image(engine: EngineServer) -> None:
    known(engine, "agent:now", ONE)
    assert await in_use(engine, settings()) == InUse(ONE)


async def test_an_agent_with_packages_gets_the_image_that_has_just_them(engine: EngineServer) -> None:
    known(engine, "agent:now", ONE)
    known(engine, group_tag(GROUP, ONE, Packages(apt=("jq",))), TWO)
    assert await in_use(engine, settings(packages='{"apt": ["jq"]}')) == InUse(TWO)


async def test_until_its_packages_are_built_an_agent_has_its_last_good_image_or_the_agent_image(
    engine: EngineServer,
) -> None:
    known(engine, "agent:now", ONE)
    wants = settings(packages='{"apt": ["cowsay"]}')
    assert await in_use(engine, wants) == InUse(ONE, behind=True)
    known(engine, group_current(GROUP), TWO)
    assert await in_use(engine, wants) == InUse(TWO, behind=True)


async def test_an_image_that_is_set_goes_before_everything(engine: EngineServer) -> None:
    known(engine, "mine:1", TWO)
    assert await in_use(engine, settings(packages='{"apt": ["jq"]}', image_tag="mine:1")) == InUse(TWO)
    with pytest.raises(ImageError, match="does not have mine:2"):
        await in_use(engine, settings(image_tag="mine:2"))


async def test_without_an_agent_image_it_is_said_how_to_make_one(engine: EngineServer) -> None:
    with pytest.raises(ImageError) as raised:
        await in_use(engine, settings())
    assert raised.value.mend == "nanoclaw image build"


async def test_packages_that_cannot_be_are_refused_and_not_built_without(engine: EngineServer) -> None:
    with pytest.raises(ImageError, match="cannot be a package's name"):
        await in_use(engine, settings(packages='{"apt": ["jq;id"]}'))
