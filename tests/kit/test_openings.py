"""What listens for a sandbox: sockets, or ports with a secret that only its folder has."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nanoclaw.kit.known_secrets import known_forms
from nanoclaw.kit.openings import digest, open_in, remove_from
from schema.way_file import SECRET_BYTES, WAY_FILE, load

NAMES = ("gateway.sock", "proxy.sock")
LOCAL = "127.0.0.1"


def names_in(folder: Path) -> list[str]:
    """What is there."""
    return sorted(one.name for one in folder.iterdir())


def test_without_an_address_there_are_sockets_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / WAY_FILE).write_text("of a dead host")
    opening = open_in(tmp_path, NAMES, None, None)
    assert names_in(tmp_path) == sorted(NAMES)
    assert opening.seal is None
    opening.close()
    remove_from(tmp_path, NAMES)
    assert names_in(tmp_path) == []


def test_at_an_address_there_is_a_port_for_each_and_a_file_that_says_which(tmp_path: Path) -> None:
    (tmp_path / NAMES[0]).write_text("of a dead host")
    opening = open_in(tmp_path, NAMES, (os.getuid(), os.getgid()), LOCAL)
    assert names_in(tmp_path) == [WAY_FILE]
    assert (tmp_path / WAY_FILE).stat().st_mode & 0o777 == 0o600
    way = load(tmp_path)
    assert way is not None
    assert (way.address, len(way.secret)) == (LOCAL, 2 * SECRET_BYTES)
    assert [way.ports[name] for name in NAMES] == [one.getsockname()[1] for one in opening.sockets]
    assert opening.seal == digest(way.secret.encode())
    assert way.secret not in repr(way)
    assert way.secret in known_forms(), "the log strikes it out"
    socket.create_connection((LOCAL, way.ports[NAMES[0]])).close()
    opening.close()
    assert way.secret not in known_forms(), "it opens nothing any more, and the log looks for it in no line"
    remove_from(tmp_path, NAMES)
    assert names_in(tmp_path) == []


def test_each_opening_has_a_secret_of_its_own(tmp_path: Path) -> None:
    seals = set()
    for _ in range(3):
        opening = open_in(tmp_path, NAMES, None, LOCAL)
        seals.add(opening.seal)
        opening.close()
    assert len(seals) == 3


def test_an_address_that_is_another_machine_is_said_to_be_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"[Cc]annot assign requested address"):
        open_in(tmp_path, NAMES, None, "198.51.100.7")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"address": 1}', b"\xff", b"0" * 9999])
def test_a_file_that_is_none_of_the_hosts_is_no_way(tmp_path: Path, content: bytes) -> None:
    (tmp_path / WAY_FILE).write_bytes(content)
    with pytest.raises(OSError, match=WAY_FILE):
        load(tmp_path)


def test_no_file_means_sockets(tmp_path: Path) -> None:
    assert load(tmp_path) is None
