"""A real homeserver, Synapse, on loopback with SQLite: what the fake is measured by. `make synapse` installs it."""

from __future__ import annotations

import hashlib
import hmac
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import trio
from attrs import define, field

from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / ".synapse" / "bin" / "python"
MUST_HAVE = "NANOCLAW_NEEDS_SYNAPSE"
SECRET = "shared"  # noqa: S105 - of a server that lives for one test
START_SECONDS = 120.0
STOP_SECONDS = 30.0
CLIENT = "/_matrix/client/v3"

CONFIGURATION = """
server_name: example.org
report_stats: false
pid_file: {folder}/pid
listeners:
  - port: {port}
    type: http
    bind_addresses: ["127.0.0.1"]
    resources: [{{names: [client]}}]
database: {{name: sqlite3, args: {{database: "{folder}/homeserver.db"}}}}
media_store_path: {folder}/media
signing_key_path: {folder}/key
registration_shared_secret: {secret}
macaroon_secret_key: {secret}
form_secret: {secret}
trusted_key_servers: []
suppress_key_server_warning: true
rc_message: {{per_second: 1000, burst_count: 1000}}
rc_login: {{address: {{per_second: 1000, burst_count: 1000}}}}
"""


MOVED = """
import os, time
_real, _moved = time.time, float(os.environ["MOVED_SECONDS"])
time.time = lambda: _real() + _moved
"""
"""What a server's Python runs before all else, so that its clock can be moved."""


def why_no_synapse() -> str:
    """Why there is none on this machine; empty if there is."""
    return "" if PYTHON.exists() else "no homeserver is installed: make synapse"


@define(eq=False)
class Synapse:
    """One homeserver, which can be stopped and started again."""

    folder: Path
    port: int = field(factory=free_port, init=False)
    moved: float = field(default=0.0, init=False)
    """Seconds by which its clock is ahead, from its next start on."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        text = CONFIGURATION.format(folder=self.folder, port=self.port, secret=SECRET)
        (self.folder / "homeserver.yaml").write_text(text, encoding="utf-8")
        (self.folder / "clock").mkdir()
        (self.folder / "clock" / "sitecustomize.py").write_text(MOVED, encoding="utf-8")
        self._run("--generate-keys")

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until it answers. Raises `TooSlowError`."""
        with (self.folder / "log").open("ab") as log:
            clock = {"PYTHONPATH": str(self.folder / "clock"), "MOVED_SECONDS": str(self.moved)}
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
                self._command(), stdout=log, stderr=log, cwd=self.folder, env={**os.environ, **clock}
            )
        async with httpx2.AsyncClient(trust_env=False) as client:
            with trio.fail_after(START_SECONDS):
                while not await self._answers(client):
                    assert self._process.poll() is None, (self.folder / "log").read_text(encoding="utf-8")[-2_000:]
                    await trio.sleep(0.2)

    async def stop(self) -> None:
        """Stop it, in good order if it will."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            await trio.to_thread.run_sync(process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def freeze(self) -> None:
        """It answers nothing, and keeps all connections, until it is thawed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It does all that was asked meanwhile."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def register(self, name: str) -> Person:
        """Somebody new. `/_synapse/admin/v1/register`, by the shared secret."""
        async with httpx2.AsyncClient(trust_env=False, base_url=self.url, timeout=60) as client:
            path = "/_synapse/admin/v1/register"
            nonce = (await client.get(path)).json()["nonce"]
            said = b"\0".join([nonce.encode(), name.encode(), b"password", b"notadmin"])
            mac = hmac.new(SECRET.encode(), said, hashlib.sha1).hexdigest()
            body = {"nonce": nonce, "username": name, "password": "password", "admin": False, "mac": mac}
            token = (await client.post(path, json=body)).raise_for_status().json()["access_token"]
        return Person(self, f"@{name}:example.org", token)

    async def _answers(self, client: httpx2.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/_matrix/client/versions")).status_code == 200
        except httpx2.TransportError:
            return False

    def _command(self, *more: str) -> list[str]:
        configuration = str(self.folder / "homeserver.yaml")
        return [str(PYTHON), "-m", "synapse.app.homeserver", "-c", configuration, *more]

    def _run(self, *more: str) -> None:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
        subprocess.run(self._command(*more), check=True, capture_output=True, env=environment, timeout=START_SECONDS)


@define(eq=False)
class Person:
    """Somebody with a client of their own."""

    server: Synapse
    user: str
    token: str
    _sent: int = field(default=0, init=False)

    async def ask(self, method: str, path: str, body: object = None, **more: Any) -> Mapping[str, Any]:
        """Ask the homeserver for something."""
        headers = {"authorization": f"Bearer {self.token}"}
        async with httpx2.AsyncClient(trust_env=False, base_url=self.server.url, timeout=60, headers=headers) as client:
            answer = await client.request(method, path, json=body, **more)
            found: Mapping[str, Any] = answer.raise_for_status().json()
            return found

    async def send(self, room: str, content: Mapping[str, Any], kind: str = "m.room.message") -> str:
        """Send an event; returns its id."""
        self._sent += 1
        path = f"{CLIENT}/rooms/{room}/send/{kind}/{self._sent}"
        return str((await self.ask("PUT", path, content))["event_id"])

    async def say(self, room: str, text: str, **more: Any) -> str:
        """Say something."""
        return await self.send(room, {"msgtype": "m.text", "body": text, **more})

    async def said(self, room: str, by: str) -> list[Mapping[str, Any]]:
        """The messages of *by* in *room*, oldest first, as a client sees them."""
        answer = await self.ask("GET", f"{CLIENT}/rooms/{room}/messages?dir=b&limit=200")
        return [one for one in reversed(answer["chunk"]) if one["sender"] == by and one["type"] == "m.room.message"]
