"""An agent asks for packages: versions are found out, people see them, and what they saw is built, once, or nothing."""

from __future__ import annotations

import json

import pytest
import trio

from nanoclaw.actors.packages_kind import PackageRequests
from nanoclaw.core.packages import Packages
from nanoclaw.errors import ImageError
from nanoclaw.model.approvals import ApprovalState
from nanoclaw.store import approvals, epochs, package_requests
from schema.requests import InstallPackages
from tests.actors.packaging import BASE, TREE, Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_people_see_versions_and_nothing_is_built_before_they_say_yes(scene: Scene) -> None:
    told = scene.case.ask(TREE)
    (waits,) = package_requests.waiting(scene.case.world.conn)
    assert f"submitted: {waits.id}. " in told
    assert scene.case.handled.new, "the host looks for what waits"
    await scene.live()
    assert package_requests.waiting(scene.case.world.conn) == []
    asked = scene.the_approval()
    assert (asked.id, asked.session_id, asked.agent_group_id) == (
        waits.id,
        scene.case.place.session.id,
        scene.case.agent,
    )
    assert json.loads(asked.lines) == [
        "Agent: “nano”",
        "What for: “to look around”",
        "Debian: “tree 2.1.0-1”",
        f"Image below: “{BASE}”",
    ]
    assert (scene.shop.built, scene.has()) == ([], "{}")


async def test_what_was_shown_is_built_and_then_set_and_the_session_begins_anew(scene: Scene) -> None:
    scene.given(packages='{"pip": ["rich"], "apt": ["jq"]}')
    scene.case.ask(TREE)
    await scene.live()
    scene.approve()
    await scene.live()
    assert scene.the_approval().state is ApprovalState.DONE
    together = Packages(apt=("jq", "tree"), pip=("rich",))
    assert scene.shop.found == [together]
    assert [(group, one.packages) for group, one in scene.shop.built] == [(scene.case.agent, together)]
    assert json.loads(scene.has()) == {"apt": ["jq", "tree"], "pip": ["rich"]}
    session = scene.case.place.session.id
    assert epochs.told_to_end(scene.case.world.conn, session, scene.case.epoch) == "what it asked for was approved"
    notes = [str(note["content"]) for note in scene.case.notes()]
    assert any("your image has these packages now: jq, tree, rich" in note for note in notes)


async def test_a_build_that_fails_leaves_the_old_image_and_everybody_is_told_why(scene: Scene) -> None:
    scene.case.ask(TREE)
    await scene.live()
    scene.approve()
    scene.shop.trouble = ImageError(why="no space left")
    await scene.live()
    ended = scene.the_approval()
    assert (ended.state, ended.result) == (ApprovalState.FAILED, "the image stays what it was: no space left")
    assert "no space left" in scene.told()
    assert scene.has() == "{}"
    assert epochs.told_to_end(scene.case.world.conn, scene.case.place.session.id, scene.case.epoch) is None


async def test_a_host_that_dies_while_it_builds_builds_again_and_sets_it_once(scene: Scene) -> None:
    scene.case.ask(TREE)
    await scene.live()
    scene.approve()
    scene.shop.waits = trio.Event()
    await scene.live()
    assert (scene.the_approval().state, scene.has()) == (ApprovalState.EXECUTING, "{}")
    scene.shop.waits.set()
    await scene.live()
    await scene.live()
    assert scene.the_approval().state is ApprovalState.DONE
    assert len(scene.shop.built) == 2
    assert json.loads(scene.has()) == {"apt": ["tree"]}


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (ImageError(why="E: Unable to locate package tree"), "nobody was asked: E: Unable to locate package tree"),
        (RuntimeError("a bug"), "nobody was asked: a defect: "),
    ],
)
async def test_what_is_not_to_be_had_is_asked_of_nobody_and_the_host_goes_on(
    scene: Scene, trouble: Exception, why: str
) -> None:
    scene.shop.trouble = trouble
    scene.case.ask(TREE)
    await scene.live()
    assert why in scene.told()
    assert approvals.approvals(scene.case.world.conn) == []
    assert package_requests.waiting(scene.case.world.conn) == []
    scene.shop.trouble = None
    scene.case.ask(TREE)
    await scene.live()
    assert scene.the_approval().state is ApprovalState.PENDING


async def test_what_cannot_be_shown_whole_is_asked_of_nobody(scene: Scene) -> None:
    scene.shop.needs = 300
    scene.case.ask(TREE)
    await scene.live()
    assert "too long to be shown whole" in scene.told()
    assert approvals.approvals(scene.case.world.conn) == []


@pytest.mark.parametrize("words", [{"packages": '{"apt": ["jq"]}'}, {"image_tag": "mine:1"}])
async def test_settings_that_have_changed_meanwhile_stay(scene: Scene, words: dict[str, str]) -> None:
    scene.case.ask(TREE)
    await scene.live()
    scene.approve()
    scene.given(**words)
    has = scene.has()
    await scene.live()
    assert scene.the_approval().state is ApprovalState.FAILED
    assert "meanwhile" in str(scene.the_approval().result) or "have changed" in str(scene.the_approval().result)
    assert scene.has() == has


async def test_settings_that_change_before_anybody_is_asked_are_not_asked_about(scene: Scene) -> None:
    scene.case.ask(TREE)
    scene.given(packages='{"apt": ["jq"]}')
    await scene.live()
    assert "have changed since" in scene.told()
    assert approvals.approvals(scene.case.world.conn) == []


async def test_one_request_of_an_agent_waits_at_a_time(scene: Scene) -> None:
    scene.case.ask(TREE)
    again = InstallPackages(pip=("rich",))
    assert "wait for a decision" in scene.case.ask(again)
    await scene.live()
    assert "wait for a decision" in scene.case.ask(again)
    scene.approve()
    await scene.live()
    assert "submitted: " in scene.case.ask(again)
    assert "has all of them already" in scene.case.ask(TREE)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (InstallPackages(), "1 to 20 packages"),
        (InstallPackages(apt=tuple(f"p{number}" for number in range(21))), "1 to 20 packages"),
        (InstallPackages(apt=("curl\n",)), "cannot be a package's name"),
        (InstallPackages(apt=("-oAPT::x",)), "cannot be a package's name"),
        (InstallPackages(apt=("a;b",)), "cannot be a package's name"),
        (InstallPackages(npm=("@x/../y",)), "cannot be a package's name"),
        (InstallPackages(pip=("http://x",)), "cannot be a package's name"),
        (InstallPackages(pip=("rеquests",)), "cannot be a package's name"),  # noqa: RUF001 - that is what it is about
        (InstallPackages(pip=("requests==1",)), "cannot be a package's name"),
    ],
)
def test_what_is_no_name_is_looked_up_nowhere(scene: Scene, said: InstallPackages, why: str) -> None:
    assert why in scene.case.ask(said)
    assert package_requests.waiting(scene.case.world.conn) == []


def test_where_sandboxes_have_no_image_it_is_refused_at_once_with_the_reason(scene: Scene) -> None:
    scene.case.more = {"install_packages": PackageRequests(why_not="your sandbox is bubblewrap's and has no image")}
    assert "has no image" in scene.case.ask(TREE)
    assert package_requests.waiting(scene.case.world.conn) == []


def test_where_an_operator_has_set_an_image_nothing_is_built_on_it(scene: Scene) -> None:
    scene.given(image_tag="mine:1")
    assert "an operator has set an image" in scene.case.ask(TREE)


def test_in_the_turn_of_somebody_who_has_less_of_a_say_nothing_is_looked_up(scene: Scene) -> None:
    scene.case.hears("Bob")
    assert "due to Bob" in scene.case.ask(TREE)
    assert package_requests.waiting(scene.case.world.conn) == []
