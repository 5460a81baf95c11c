"""What a runner makes of proxy.json: variables for the programs that it starts, and a port that leads to the socket."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import trio

from runner.errors import ConfigError
from runner.proxy import load_proxy, open_proxy
from schema.files import GATEWAY_SOCKET, PROXY_JSON, PROXY_SOCKET

SAID = {
    "variables": {"ANTHROPIC_API_KEY": "placeholder"},
    "proxies": {"HTTPS_PROXY": "x:token", "http_proxy": ""},
    "certificates": {"SSL_CERT_FILE": "proxy-bundle.pem"},
    "model": True,
}


def gateway(folder: Path, said: object = SAID) -> str:
    (folder / PROXY_JSON).write_text(json.dumps(said))
    return str(folder / GATEWAY_SOCKET)


def test_without_the_file_there_is_no_proxy(tmp_path: Path) -> None:
    assert load_proxy(None) is None
    assert load_proxy(str(tmp_path / GATEWAY_SOCKET)) is None


@pytest.mark.parametrize("change", [{"model": 1}, {"proxies": ["x"]}, {"variables": {"A": 1}}, {"certificates": None}])
def test_what_no_host_writes_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"proxy\.json: "):
        load_proxy(gateway(tmp_path, SAID | change))
    (tmp_path / PROXY_JSON).write_text("{")
    with pytest.raises(ConfigError, match=r"proxy\.json: not JSON"):
        load_proxy(str(tmp_path / GATEWAY_SOCKET))


async def test_without_a_proxy_nothing_is_said_to_programs() -> None:
    async with open_proxy(None) as environment:
        assert environment == {}


async def test_programs_are_told_of_the_port_and_of_the_files(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / PROXY_SOCKET))
        listening.listen()
        async with open_proxy(load_proxy(gateway(tmp_path))) as environment:
            where = environment["HTTPS_PROXY"].removeprefix("http://x:token@")
            assert environment == {
                "ANTHROPIC_API_KEY": "placeholder",
                "HTTPS_PROXY": f"http://x:token@{where}",
                "http_proxy": f"http://{where}",
                "SSL_CERT_FILE": str(tmp_path / "proxy-bundle.pem"),
                "NO_PROXY": "127.0.0.1,localhost,::1",
                "no_proxy": "127.0.0.1,localhost,::1",
            }
            host, _, port = where.partition(":")
            async with await trio.open_tcp_stream(host, int(port)) as program:
                await program.send_all(b"hello")
                taken, _ = await trio.to_thread.run_sync(listening.accept)
                assert await trio.to_thread.run_sync(taken.recv, 5) == b"hello"
                taken.close()
