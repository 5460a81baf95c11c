"""Beside a session's socket lies what its programs need to trust OneCLI's proxy, or nothing at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nanoclaw.composing import proxy_files
from nanoclaw.composing.proxy_files import publish_proxy
from nanoclaw.core.endpoints import Endpoint
from nanoclaw.core.proxy_settings import ProxySettings
from schema.files import PROXY_BUNDLE, PROXY_CA, PROXY_JSON

SETTINGS = ProxySettings(
    proxy=Endpoint(scheme="http", host="127.0.0.1", port=10255),
    variables={"A": "b"},
    proxies={"HTTPS_PROXY": "x:t"},
    certificates={"SSL_CERT_FILE": PROXY_BUNDLE},
    ca="theirs\n",
)


def trusted(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    monkeypatch.setattr(proxy_files, "TRUSTED", tuple(map(str, paths)))


def test_the_bundle_is_whom_the_machine_trusts_and_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "machine").write_text("ours\n\n")
    trusted(monkeypatch, tmp_path / "missing", tmp_path / "empty", tmp_path / "machine")
    publish_proxy(tmp_path / "gateway", SETTINGS)
    assert (tmp_path / "gateway" / PROXY_CA).read_text() == "theirs\n"
    assert (tmp_path / "gateway" / PROXY_BUNDLE).read_text() == "ours\ntheirs\n"
    found = json.loads((tmp_path / "gateway" / PROXY_JSON).read_text())
    assert found == {
        "variables": {"A": "b"},
        "proxies": {"HTTPS_PROXY": "x:t"},
        "certificates": {"SSL_CERT_FILE": PROXY_BUNDLE},
        "model": False,
    }


def test_a_machine_that_says_nothing_of_whom_it_trusts_trusts_the_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted(monkeypatch)
    publish_proxy(tmp_path, SETTINGS)
    assert (tmp_path / PROXY_BUNDLE).read_text() == "theirs\n"


def test_without_onecli_what_an_earlier_start_left_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "gateway.sock").touch()
    publish_proxy(tmp_path, SETTINGS)
    for _ in range(2):
        publish_proxy(tmp_path, None)
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.sock"]
