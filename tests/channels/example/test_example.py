"""The example of docs/channels.md is the package that is tested, and that package is found once it is installed."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import trio

from nanoclaw.actors.configured import Workshop
from nanoclaw.admin.channel_desk import ChannelDesk, Rooms
from nanoclaw.channels.base import Receipt, Stored
from nanoclaw.channels.registry import GROUP, load
from nanoclaw.core.channels import Wanted, join_settings
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Rejection, Told
from tests.channels.example.rig import open_rig
from tests.support.channels import everywhere, means
from tests.support.inline_database import InlineDatabase

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[2] / "docs" / "channels.md"
CODE = HERE / "nanoclaw_parrot" / "__init__.py"
MOST_LINES = 150
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package, as its `pyproject.toml` has it installed."""
    about = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = about["name"].replace("-", "_")
    described = tmp_path / f"{name}-{about['version']}.dist-info"
    described.mkdir()
    head = f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
    (described / "METADATA").write_text(head, encoding="utf-8")
    points = "".join(
        f"[{group}]\n" + "".join(f"{point} = {where}\n" for point, where in named.items())
        for group, named in about["entry-points"].items()
    )
    (described / "entry_points.txt").write_text(points, encoding="utf-8")
    (tmp_path / name).symlink_to(HERE / name)
    monkeypatch.syspath_prepend(str(tmp_path))


def lines(text: str) -> list[str]:
    """Those that are not empty; the page begins each piece at its margin."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_the_page_shows_all_of_the_example_and_nothing_else() -> None:
    shown = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    code = CODE.read_text(encoding="utf-8")
    assert [line for language, text in shown if language == "python" for line in lines(text)] == lines(code)
    assert code.count("\n") <= MOST_LINES
    (named,) = [text for language, text in shown if language == "toml"]
    assert named in (HERE / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.usefixtures("installed")
async def test_an_installed_package_is_listed_with_what_it_asks(tmp_path: Path) -> None:
    assert "parrot" in entry_points(group=GROUP).names
    rooms = Rooms(add=print, remove=print, state=str, channels={}, nudge=print)
    workshop = Workshop(
        store=InlineDatabase(), clock=SystemClock(), spool=Spool(tmp_path), home=tmp_path, engages=everywhere
    )
    kinds = await ChannelDesk(workshop, rooms).kinds({})
    assert isinstance(kinds, list)
    (parrot,) = [one for one in kinds if one["kind"] == "parrot"]
    assert (parrot["title"], parrot["why_not"]) == ("Parrot", None)
    assert [one["name"] for one in parrot["asks"]] == ["url", "token"]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("token", "account"), [(None, "Polly"), ("another", None)])
async def test_its_platform_is_asked_whether_the_token_is_good(
    tmp_path: Path, token: str | None, account: str | None
) -> None:
    kind = load("parrot")
    asked = [Wanted(name=one.name, secret=one.secret, default=one.default) for one in kind.asks]
    async with open_rig(tmp_path) as rig:
        settings = join_settings(asked, rig.settings, {"token": token or rig.settings["token"]})
        assert isinstance(settings, dict)
        made = means("parrot", settings, tmp_path)
        if account is None:
            with pytest.raises(UsageError, match="does not know this token"):
                await kind.check(made)
        else:
            assert (await kind.check(made)).account == account


@pytest.mark.usefixtures("installed")
async def test_a_chat_that_nobody_hears_is_not_told_of(tmp_path: Path) -> None:
    heard: list[str] = []
    second = trio.Event()

    async def receive(told: Told) -> Receipt:
        assert not isinstance(told, Rejection)
        await trio.lowlevel.checkpoint()
        heard.append(told.text)
        second.set()
        return Stored()

    async with open_rig(tmp_path) as rig, trio.open_nursery() as nursery:
        await rig.say("among ourselves", mention=False)
        await rig.say("you there")
        channel = rig.kind.make(means(ChannelName("parrot"), rig.settings, tmp_path, engages=False))

        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            await channel.run(receive, ready=lambda: None, task_status=task_status)

        await nursery.start(run)
        with trio.fail_after(30):
            await second.wait()
        nursery.cancel_scope.cancel()
    assert heard == ["you there"]
