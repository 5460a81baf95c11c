"""A platform's websocket in secret: whoever is vouched for is spoken to, nobody else is, and an end is told as one."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from nanoclaw.channels.http import trusted_authorities
from nanoclaw.channels.reconnect import flat
from nanoclaw.channels.websocket import ClosedError, open_socket
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName

HERE = ChannelName("here")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[trustme.CA]:
    """Whom this machine trusts, and nobody else, for as long as the test."""
    found = trustme.CA()
    found.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    trusted_authorities.cache_clear()
    yield found
    trusted_authorities.cache_clear()


@asynccontextmanager
async def parrot(by: trustme.CA, name: str = "localhost") -> AsyncGenerator[str]:
    """A server called *name* that says everything back, until it is told to go; its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    by.issue_cert(name).configure_cert(context)

    async def serve(request: WebSocketRequest) -> None:
        connection = await request.accept()
        try:
            while (said := await connection.get_message()) != "go":
                await connection.send_message(json.dumps({"path": request.path, "said": said}))
            await connection.aclose(4004)
        except ConnectionClosed:
            pass

    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve_websocket, serve, "127.0.0.1", 0, context))
        yield f"wss://localhost:{server.port}/a/path?ticket=s3cret"
        nursery.cancel_scope.cancel()


async def test_whoever_is_vouched_for_is_spoken_to_and_their_end_is_told(authority: trustme.CA) -> None:
    async with parrot(authority) as url, open_socket(HERE, url) as socket:
        for said in ("one", "\U0001f984" * 50_000):
            await socket.say(said)
            assert await socket.hear() == {"path": "/a/path?ticket=s3cret", "said": said}
        await socket.probe()
        await socket.say("go")
        with pytest.raises(ClosedError) as ended:
            await socket.hear()
    assert ended.value.code == 4004


@pytest.mark.parametrize(("by_another", "name"), [(True, "localhost"), (False, "elsewhere.example")])
async def test_nobody_is_spoken_to_whom_nobody_vouches_for(authority: trustme.CA, by_another: bool, name: str) -> None:
    async with parrot(trustme.CA() if by_another else authority, name) as url:
        failed: list[DeliveryError] = []
        try:
            async with open_socket(HERE, url):
                pass
        except* DeliveryError as group:
            failed = flat(group)
    (error,) = failed
    assert error.retryable
    assert "SSL" in str(error)
    assert "s3cret" not in str(error)
