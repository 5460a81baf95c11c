"""A container daemon of the test's own, which may be killed: folders of its own, the images of the shared one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest
from attrs import define, field

from tests.hostile.image import EVIL_IMAGE, evil_image
from tests.support.docker_engine import TEST_IMAGE

START_SECONDS = 60.0
STOP_SECONDS = 60.0
LOAD_SECONDS = 300
ANSWER_SECONDS = 5.0
API_VERSION = "1.41"
CONTAINERD = """
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{folder}/containerd.sock"
"""


@define(eq=False)
class OwnDaemon:
    """`dockerd`, whose data is below *folder*, over a `containerd` that outlives it, as a service does."""

    folder: Path
    _programs: tuple[str, str]
    _driver: str
    _containerd: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        """Where it answers, as DOCKER_HOST says it."""
        return f"unix://{self.folder / 'docker.sock'}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        folder, (dockerd, containerd) = self.folder, self._programs
        if self._containerd is None:
            (folder / "containerd.toml").write_text(CONTAINERD.format(folder=folder))
            self._containerd = self._run([containerd, f"--config={folder / 'containerd.toml'}"])
        self._process = self._run(
            [
                dockerd,
                f"--data-root={folder / 'data'}",
                f"--exec-root={folder / 'exec'}",
                f"--pidfile={folder / 'pid'}",
                f"--host={self.address}",
                f"--containerd={folder / 'containerd.sock'}",
                f"--storage-driver={self._driver}",
                "--bridge=none",
                "--iptables=false",
            ]
        )
        end = time.monotonic() + START_SECONDS
        while self.ask("/version") is None:
            assert time.monotonic() < end, (folder / "log").read_text()[-2000:]
            time.sleep(0.1)

    def ask(self, path: str) -> Any:
        """What it says there, read as JSON; None if nobody answers. docker-py would leave its end open then."""
        try:
            with socket.socket(socket.AF_UNIX) as asked:
                asked.settimeout(ANSWER_SECONDS)
                asked.connect(str(self.folder / "docker.sock"))
                asked.sendall(f"GET /v{API_VERSION}{path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
                with asked.makefile("rb") as answer:
                    head, _, body = answer.read().partition(b"\r\n\r\n")
            return json.loads(body) if b" 200 " in head.splitlines()[0] else None
        except (OSError, ValueError, IndexError):
            return None

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def kill(self) -> None:
        """End it as the kernel would when memory runs out. What runs in its containers goes on running."""
        self._end(signal.SIGKILL)
        # It is left behind, and keeps the next one from starting if the number is somebody else's by then.
        (self.folder / "pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """End it as an administrator does: its containers end before it does."""
        self._end(signal.SIGTERM)

    def client(self) -> Any:
        """A client of it."""
        return docker.DockerClient(base_url=self.address, version=API_VERSION, timeout=LOAD_SECONDS)

    def fill(self) -> None:
        """Give it the images that the shared one has."""
        shared, own = docker.from_env(timeout=LOAD_SECONDS), self.client()
        try:
            image = shared.images.get(TEST_IMAGE)
            own.images.load(image.save(named=TEST_IMAGE))
        finally:
            shared.close()
            own.close()

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(STOP_SECONDS)

    def clear(self) -> None:
        """End whatever is left of it, by its own folders' names."""
        if self._process is not None and self._process.poll() is None:
            self._end(signal.SIGTERM)
        if self._containerd is not None:
            self._containerd.terminate()
            self._containerd.wait(STOP_SECONDS)
        for pid in _processes_with(str(self.folder)):
            os.kill(pid, signal.SIGKILL)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((one for one in mounts if one.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["/usr/bin/umount", "--lazy", mount], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def _processes_with(words: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


@contextmanager
def own_daemon() -> Iterator[OwnDaemon]:
    """A daemon that has the agent image and the evil one. Only root can have one."""
    dockerd, containerd = shutil.which("dockerd"), shutil.which("containerd")
    if os.getuid() != 0 or dockerd is None or containerd is None:
        pytest.skip("a daemon of one's own needs dockerd, containerd and root")
    client = docker.from_env()
    driver = client.info()["Driver"]
    client.close()
    daemon = OwnDaemon(Path(tempfile.mkdtemp(prefix="nd-")), (dockerd, containerd), driver)
    try:
        daemon.start()
        daemon.fill()
        assert evil_image(daemon.address) == EVIL_IMAGE
        yield daemon
    finally:
        daemon.clear()
