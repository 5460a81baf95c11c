"""Channels that were added: made, run apart from each other, and said to be broken where they cannot be made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from nanoclaw.actors.channel_pool import ChannelPool, Threaded
from nanoclaw.actors.configured import Broken, Workshop
from nanoclaw.channels.base import Channel, Receive
from nanoclaw.channels.registry import Asked, Checked, Kind, Means
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.channels import ConfiguredChannel
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Told
from nanoclaw.store import channels
from tests.support.central import NOW
from tests.support.channels import everywhere
from tests.support.inline_database import InlineDatabase
from tests.support.scripted_channel import ScriptedChannel

ASKS = (Asked(name="token", question="Token", secret=True), Asked(name="url", question="Where", default="http://x"))
NAME = ChannelName("parrot-work")


def kind(make: Callable[[Means], Channel] = lambda means: ScriptedChannel(means.name)) -> Kind:
    async def check(_: Means) -> Checked:
        raise AssertionError

    return Kind(name="parrot", title="Parrot", asks=ASKS, make=make, check=check)


def workshop(home: Path, found: Kind | Exception) -> Workshop:
    def load(name: str) -> Kind:
        assert name == "parrot"
        if isinstance(found, Exception):
            raise found
        return found

    return Workshop(
        store=InlineDatabase(), clock=SystemClock(), spool=Spool(home), home=home, engages=everywhere, load=load
    )


async def added(shop: Workshop, *, name: str = NAME, secret: bool = True, enabled: bool = True) -> None:
    row = ConfiguredChannel(name=ChannelName(name), kind="parrot", settings="{}", created_at=NOW, enabled=enabled)
    await shop.store.transact(channels.add, row)
    if secret:
        shop.secrets.set(row.name, {"token": f"of {name}"})


async def test_two_channels_of_one_kind_have_each_its_own_settings_and_marks(tmp_path: Path) -> None:
    means: dict[str, Means] = {}

    def make(given: Means) -> Channel:
        means[given.name] = given
        return ScriptedChannel(given.name)

    shop = workshop(tmp_path, kind(make))
    await added(shop)
    await added(shop, name="parrot")
    assert set(await shop.make_all()) == {"parrot", "parrot-work"}
    assert means["parrot"].settings == {"token": "of parrot", "url": "http://x"}
    await means["parrot"].marks.put("since", "7")
    await means["parrot"].marks.put("since", "8")
    assert await means["parrot"].marks.get("since") == "8"
    assert await means["parrot-work"].marks.get("since") is None
    await shop.store.transact(channels.remove, ChannelName("parrot"))
    assert await means["parrot"].marks.get("since") is None
    await means["parrot"].marks.put("since", "9")
    assert await means["parrot"].marks.get("since") is None


async def test_a_channel_that_rests_is_not_made(tmp_path: Path) -> None:
    shop = workshop(tmp_path, kind(lambda _: pytest.fail("made")))
    await added(shop, enabled=False)
    assert await shop.make_all() == {}


def fails(_: Means) -> Channel:
    raise ZeroDivisionError


def refuses(_: Means) -> Channel:
    raise UsageError("the url makes no sense")


@pytest.mark.parametrize(
    ("found", "secret", "why"),
    [
        (UsageError("there is no kind"), True, "there is no kind"),
        (kind(), False, "its token is missing"),
        (kind(fails), True, "could not make it: ZeroDivisionError"),
        (kind(refuses), True, "the url makes no sense"),
        (kind(lambda _: ScriptedChannel(ChannelName("other"))), True, "made one that is called 'other'"),
    ],
)
async def test_a_channel_that_cannot_be_made_is_broken_with_the_reason(
    tmp_path: Path, found: Kind | Exception, secret: bool, why: str
) -> None:
    shop = workshop(tmp_path, found)
    await added(shop, secret=secret)
    made = (await shop.make_all())[NAME]
    assert isinstance(made, Broken)
    assert why in made.why


async def test_secrets_that_others_could_read_are_not_used_and_break_only_channels(tmp_path: Path) -> None:
    shop = workshop(tmp_path, kind())
    await added(shop)
    assert shop.secrets.path.stat().st_mode & 0o777 == 0o600
    shop.secrets.path.chmod(0o644)
    made = (await shop.make_all())[NAME]
    assert isinstance(made, Broken)
    assert "can be read by others" in made.why


@define(eq=False)
class Wild(ScriptedChannel):
    """A channel that fails as often as it is told to, before it has heard anything."""

    failures: int = field(default=0, kw_only=True)
    began: list[float] = field(factory=list[float], init=False)
    ended: bool = field(default=False, init=False)

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Fail, or rest."""
        self.began.append(trio.current_time())
        if len(self.began) <= self.failures:
            raise ZeroDivisionError
        task_status.started()
        ready()
        try:
            await trio.sleep_forever()
        finally:
            self.ended = True


async def receive(_: Told) -> None:
    raise AssertionError


async def test_a_channel_that_fails_is_tried_again_and_disturbs_no_other(autojump_clock: MockClock) -> None:
    wild, tame = Wild(ChannelName("wild"), failures=5), Wild(ChannelName("tame"))
    heard: list[str] = []
    pool = ChannelPool({}, receive, heard.append, TreeNode("channels"))  # type: ignore[arg-type]  # nothing is received
    pool.add(wild)
    pool.add(tame)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        await trio.sleep(3600)
        assert len(wild.began) == 6
        assert heard == ["tame", "wild"]
        assert pool.state(wild.name) == "running"
        nursery.cancel_scope.cancel()
    assert len(tame.began) == 1


async def test_a_channel_comes_and_goes_while_the_others_run(autojump_clock: MockClock) -> None:
    there: dict[ChannelName, Channel] = {}
    first, second = Wild(ChannelName("first")), Wild(ChannelName("second"))
    pool = ChannelPool(there, receive, lambda _: None, TreeNode("channels"))  # type: ignore[arg-type]  # nothing is received
    pool.add(first)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        await trio.sleep(1)
        pool.add(second)
        await trio.sleep(1)
        assert dict(Threaded(there)) == {"first": False, "second": False}
        pool.remove(first.name)
        await trio.sleep(1)
        assert first.ended
        assert pool.state(first.name) == "stopped"
        assert not second.ended
        assert list(there) == ["second"]
        nursery.cancel_scope.cancel()
