"""A program that asks the gateway for `http://gw/https://…` is sent there, or told in words why not."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from nanoclaw.core.egress import Asked
from nanoclaw.core.egress_requests import BadRequest, pointed_to, read_request
from nanoclaw.model.egress import Outcome
from tests.gateway.upstream import PATIENCE
from tests.gateway.world import open_outside, rule

INFO = "o/r/info/refs?service=git-upload-pack"


async def test_where_it_may_go_it_is_sent_to_the_tunnel_and_nothing_is_looked_up_yet(tmp_path: Path) -> None:
    async with open_outside(tmp_path) as outside:
        outside.allow(rule("git.example"))
        caller = await outside.caller()
        await caller.begin(target=f"http://gw/https://me:pw@git.example/{INFO}", method="GET")
        heard = await caller.hear()
        # It is written down once all of the answer was said; whoever leaves before has cut it off.
        with trio.fail_after(PATIENCE):
            while not outside.told:
                await trio.lowlevel.checkpoint()
    assert heard.status == 307
    assert heard.headers[b"location"] == f"https://me:pw@git.example/{INFO}".encode()
    assert outside.looked_up == []
    (told,) = outside.told
    assert (told.method, told.place, told.outcome, told.why) == (
        "GET",
        "git.example:443",
        Outcome.ALLOWED,
        "git.example:443",
    )


async def test_where_it_may_not_go_it_hears_whom_to_ask_and_so_does_whoever_asks_later(tmp_path: Path) -> None:
    async with open_outside(tmp_path) as outside:
        outside.allow(rule("gitter.example"))
        status, text = await outside.ask(f"http://gw/https://git.example/{INFO}")
        assert (status, text.split("; ask")[0]) == (403, "nanoclaw: git.example:443 is not allowed")
        assert text.endswith("nanoclaw egress allow nano git.example\n")
        _, why = await outside.ask("http://gw/")
        assert "git.example:443 is not allowed" in why
    assert outside.told[0].can_ask


@pytest.mark.parametrize(
    "url", ["", "/x", "@/x", "a b/x", "git.example:080/x", "[::1/x", "user@", "127.1.1.1.1/x", "?x"]
)
def test_what_names_no_place_is_refused(url: str) -> None:
    asked = read_request(b"GET", f"http://gw/https://{url}".encode())
    assert isinstance(asked, Asked)
    assert isinstance(pointed_to(asked), BadRequest)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("CONNECT", "gw:443"),
        ("GET", "http://git.example/https://x/"),
        ("GET", "http://gw/http://x/"),
        ("GET", "http://gw/"),
    ],
)
def test_nothing_else_means_a_tunnel(method: str, target: str) -> None:
    asked = read_request(method.encode(), target.encode())
    assert isinstance(asked, Asked)
    assert pointed_to(asked) is None
