"""What agents say to a source is called at an address: signed, under one id, and whatever goes wrong."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import evolve

from nanoclaw.channels.base import Outgoing, OutgoingFile
from nanoclaw.channels.webhook.channel import WebhookChannel
from nanoclaw.channels.webhook.kind import KIND
from nanoclaw.channels.webhook.signatures import verify
from nanoclaw.channels.webhook.sources import Source, Template
from nanoclaw.errors import DeliveryError, NobodyThereError, UsageError
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address
from tests.channels.webhook.calls import SECRET, SETTING, WHSEC
from tests.channels.webhook.wire import House, Wire
from tests.support.channels import means
from tests.support.fake_http import Asked, FakeHttp, Reply, Reset, open_http, reply

OURS = "another-secret-of-replies"
TAKES = Source(name="ours", template=Template.GENERIC, key=OURS.encode())
SAID = Outgoing(
    key="ses-1/1/out-3",
    to=Address(channel=ChannelName("hook"), platform_id="ci"),
    text="all is well, “as ever”",
    answers="ci/msg_1",
    speaker="Nano",
    more=False,
)


@asynccontextmanager
async def answering(folder: Path, **settings: str) -> AsyncGenerator[tuple[Wire, FakeHttp]]:
    """A running channel whose replies go to a server."""

    async def take(_: Asked) -> Reply:
        await trio.lowlevel.checkpoint()
        return reply({})

    async with open_http(take) as server, trio.open_nursery() as nursery:
        told = {"url": "http://127.0.0.1:0", "sources": SETTING, "reply_url": f"{server.url}/in?token=t0p", **settings}
        channel = KIND.make(means("hook", {"reply_secret": OURS, **told}, folder))
        assert isinstance(channel, WebhookChannel)
        await nursery.start(partial(channel.run, House().receive, ready=lambda: None))
        yield Wire(channel, House()), server
        nursery.cancel_scope.cancel()


async def test_a_reply_is_called_signed_and_has_the_same_id_again(tmp_path: Path) -> None:
    async with answering(tmp_path) as (there, server):
        assert await there.channel.deliver(SAID) == SAID.key
        await there.channel.deliver(evolve(SAID, again=True))
        one, again = server.asked
        assert (one.method, one.path, one.query) == ("POST", "/in", {"token": "t0p"})
        assert verify(TAKES, one.headers, one.body) == verify(TAKES, again.headers, again.body) == SAID.key
        assert one.json["type"] == "message"
        assert one.json["data"] == {
            "source": "ci",
            "text": "all is well, “as ever”",
            "speaker": "Nano",
            "answers": "ci/msg_1",
            "part": 0,
            "parts": 1,
        }
        back = {name: one.headers[name] for name in one.headers if name.startswith(("webhook-", "content-type"))}
        assert (await there.call("/hooks/ci", back, one.body))[0] == 401, "what we say is no call to us"


@pytest.mark.parametrize(
    ("fault", "retryable", "reached", "wait"),
    [
        (Reply(status=429, headers={"retry-after": "7"}), True, False, 7.0),
        (Reply(status=503), True, True, None),
        (Reset(), True, True, None),
        (Reply(status=403, body=b'{"error": "go away"}'), False, False, None),
        (Reply(status=307, headers={"location": "http://127.0.0.1:1/"}), False, False, None),
    ],
)
async def test_what_goes_wrong_is_said_without_the_address(
    tmp_path: Path, fault: Reply | Reset, *, retryable: bool, reached: bool, wait: float | None
) -> None:
    async with answering(tmp_path) as (there, server):
        server.fail("POST /in", fault)
        with pytest.raises(DeliveryError) as failed:
            await there.channel.deliver(SAID)
        found = failed.value
        assert (found.retryable, found.reached, found.retry_after) == (retryable, reached, wait)
        assert "t0p" not in str(found)
        assert len(server.asked) == 1


async def test_files_are_refused_and_a_channel_that_rests_sends_nothing(tmp_path: Path) -> None:
    async with answering(tmp_path) as (there, server):
        file = OutgoingFile(name="a", size=1, path=tmp_path / "a")
        with pytest.raises(DeliveryError, match="takes no files"):
            await there.channel.deliver(evolve(SAID, files=(file,)))
        assert server.asked == []
    with pytest.raises(NobodyThereError):
        await there.channel.deliver(SAID)


@pytest.mark.parametrize(
    ("url", "secret", "why"),
    [
        ("ftp://x.example", OURS, "no address that can be called"),
        ("https://user:t0p-secret@x.example", OURS, "no address that can be called"),
        ("http://[::1", OURS, "no address that can be called"),
        ("", OURS, "no address that can be called"),
        ("https://x.example", "", "the reply_secret has less than 16"),
        ("https://x.example", SECRET, "is a source's as well"),
        ("https://x.example", WHSEC, "is a source's as well"),
    ],
)
def test_an_address_or_a_secret_that_will_not_do_is_refused(tmp_path: Path, url: str, secret: str, why: str) -> None:
    told = {"url": "http://127.0.0.1:0", "sources": SETTING, "reply_url": url, "reply_secret": secret}
    with pytest.raises(UsageError, match=why) as refused:
        KIND.make(means("hook", told, tmp_path))
    assert "t0p" not in str(refused.value)
