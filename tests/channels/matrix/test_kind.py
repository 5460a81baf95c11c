"""Adding a Matrix account: what its homeserver says to the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoclaw.channels.registry import load
from nanoclaw.errors import DeliveryError, UsageError
from tests.support.channels import means
from tests.support.fake_http import Reply
from tests.support.matrix.homeserver import TOKEN, open_homeserver


async def test_a_token_that_is_good_says_whose_it_is_and_one_that_is_not_is_refused(tmp_path: Path) -> None:
    kind = load("matrix")
    async with open_homeserver() as server:
        settings = {"url": server.url, "token": TOKEN, "invites": "example.org"}
        checked = await kind.check(means("matrix", settings, tmp_path))
        assert checked.account == "@nano:example.org"
        assert "example.org" in checked.notes[0]
        with pytest.raises(UsageError, match="M_UNKNOWN_TOKEN") as refused:
            await kind.check(means("matrix", {**settings, "token": "wrong-secret"}, tmp_path))
        assert "wrong-secret" not in str(refused.value)
        server.http.fail("whoami", Reply(status=502))
        with pytest.raises(DeliveryError):
            await kind.check(means("matrix", settings, tmp_path))


@pytest.mark.parametrize("url", ["matrix.example.org", "http://matrix.example.org", "ftp://example.org", ""])
def test_an_address_that_would_give_the_token_away_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load("matrix").make(means("matrix", {"url": url, "token": TOKEN, "invites": ""}, tmp_path))
