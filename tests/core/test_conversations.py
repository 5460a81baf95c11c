"""Whose conversation it is, told by its id alone; and what may be a host's name or address in the settings."""

from __future__ import annotations

import pytest

from nanoclaw.core.conversations import Person, handle_of, owner_of
from nanoclaw.core.endpoints import is_address, is_host
from nanoclaw.model.ids import UserId


def test_a_conversation_is_one_persons() -> None:
    ada = Person(handle="ada", name="Ada")
    assert (ada.user, ada.main) == ("web:ada", "ada/main")
    assert ada.owns("ada/main")
    for other in (
        "ad/main",
        "ada-b/main",
        "eve/main",
        "ada/",
        "ada",
        "ada/../eve/main",
        "ada/Main",
        "/main",
        "ada/\n",
    ):
        assert not ada.owns(other)


@pytest.mark.parametrize("handle", ["", "Ada", "a/b", "a:b", "-a", "a" * 33, "a\n", "ä"])
def test_a_handle_is_plain(handle: str) -> None:
    with pytest.raises(ValueError, match="handle"):
        Person(handle=handle, name="x")
    assert owner_of(f"{handle}/main") is None
    assert handle_of(UserId(f"web:{handle}")) is None


def test_users_of_other_channels_have_no_handle() -> None:
    assert handle_of(UserId("web:ada")) == "ada"
    assert handle_of(UserId("terminal:ada")) is None


def test_addresses_and_hosts() -> None:
    assert all(map(is_address, ("127.0.0.1", "192.0.2.1", "::1")))
    assert not any(map(is_address, ("localhost", "", "1.2.3", "127.0.0.1:80")))
    assert all(map(is_host, ("chat.example.org", "localhost", "example.org:8443")))
    assert not any(map(is_host, ("", "https://x", "a b", "a/b", "x:", "x:y", "x:123456", "x@y")))
