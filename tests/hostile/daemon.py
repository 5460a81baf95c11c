"""A container daemon of the test's own, which may be killed: folders of its own, the images of the shared one."""

from __future__ import annotations

import os
import shutil
import signal
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

from nanoclaw.core.images import AGENT_IMAGE
from tests.hostile.image import EVIL_IMAGE, evil_image

START_SECONDS = 60.0
STOP_SECONDS = 60.0
LOAD_SECONDS = 300


@define(eq=False)
class OwnDaemon:
    """`dockerd`, whose data is below *folder*."""

    folder: Path
    _program: str
    _driver: str
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        """Where it answers, as DOCKER_HOST says it."""
        return f"unix://{self.folder / 'docker.sock'}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--data-root={self.folder / 'data'}",
                    f"--exec-root={self.folder / 'exec'}",
                    f"--pidfile={self.folder / 'pid'}",
                    f"--host={self.address}",
                    f"--storage-driver={self._driver}",
                    "--bridge=none",
                    "--iptables=false",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                client = self.client()
                client.ping()
                client.close()
            except Exception:  # docker-py raises what requests, urllib3 and sockets do
                assert time.monotonic() < end, (self.folder / "dockerd.log").read_text()[-2000:]
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """End it as the kernel would when memory runs out. What runs in its containers goes on running."""
        self._end(signal.SIGKILL)
        # A daemon that is killed leaves this behind, and does not start beside it if the number is somebody else's now.
        (self.folder / "pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """End it as an administrator does: its containers end before it does."""
        self._end(signal.SIGTERM)

    def client(self) -> Any:
        """A client of it."""
        return docker.DockerClient(base_url=self.address, version="1.41", timeout=LOAD_SECONDS)

    def fill(self) -> None:
        """Give it the images that the shared one has."""
        shared, own = docker.from_env(timeout=LOAD_SECONDS), self.client()
        try:
            image = shared.images.get(AGENT_IMAGE)
            own.images.load(image.save(named=AGENT_IMAGE))
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
    program = shutil.which("dockerd")
    if os.getuid() != 0 or program is None:
        pytest.skip("a daemon of one's own needs dockerd, and root")
    client = docker.from_env()
    driver = client.info()["Driver"]
    client.close()
    daemon = OwnDaemon(Path(tempfile.mkdtemp(prefix="nd-")), program, driver)
    try:
        daemon.start()
        daemon.fill()
        assert evil_image(daemon.address) == EVIL_IMAGE
        yield daemon
    finally:
        daemon.clear()
