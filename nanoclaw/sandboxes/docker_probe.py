"""Does a container really start here, with the walls that were asked for and the right files behind them?

Started like any other sandbox, but with a program that looks around, and removed again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import trio
from attrs import define

from nanoclaw.core.engine_versions import old_engine
from nanoclaw.core.sandbox_spec import Image, User, sandbox_user
from nanoclaw.errors import SandboxError
from nanoclaw.kit.sockets import bind_in
from nanoclaw.model.ids import AgentGroupId, EpochNumber, SessionId
from nanoclaw.sandboxes.docker_api import ContainerApi, Daemon, Inspected, NoAnswerError, NotThereError, RequestError
from nanoclaw.sandboxes.docker_spec import FRAGMENTS, SpecMaker
from nanoclaw.sandboxes.docker_start import MEND_IMAGE, ContainerStart
from nanoclaw.sandboxes.engine import LifeName, Probe, SandboxSpec, Unusable, Usable
from nanoclaw.sandboxes.waiting import Waiting
from schema import files

PROBE_SECONDS = 20.0
DISCARD_SECONDS = 5.0
GROUP = AgentGroupId("probe")
MOST_SAID = 4096
WRITTEN = "written"
CHECK = f"""
import socket, sys
sys.path.append("{files.IMAGE_PACKAGES}")
import apsw
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
for name, wanted in (("CapBnd", "0" * 16), ("CapEff", "0" * 16), ("NoNewPrivs", "1"), ("Seccomp", "2")):
    if status[name].strip() != wanted:
        sys.exit(f"{{name}} is {{status[name].strip()}}")
open("{files.SANDBOX_OUT}/{WRITTEN}", "x").close()
try:
    socket.socket(socket.AF_UNIX).connect("{files.SANDBOX_GATEWAY}/{files.GATEWAY_SOCKET}")
except OSError as exc:
    sys.exit(f"the gateway cannot be reached from inside: {{exc}}")
for folder in ("", "/etc", "{files.SANDBOX_IN}", "{files.SANDBOX_APP}/runner"):
    try:
        open(f"{{folder}}/{WRITTEN}", "x")
    except OSError:
        continue
    sys.exit(f"{{folder}}/ can be written to")
"""


@define(eq=False)
class DockerProbe:
    """One look at a daemon. Made for one run."""

    _api: ContainerApi
    _specs: SpecMaker
    _image: str
    _scratch: Path
    _allow_old: bool
    _host: User

    async def run(self) -> Probe:
        """Ask the daemon who it is, and have it start a container."""
        with trio.move_on_after(PROBE_SECONDS):
            try:
                return await self._ask()
            except NoAnswerError as exc:
                denied = "permission denied" in exc.why.lower()
                mend = "usermod --append --groups docker $USER" if denied else "systemctl start docker"
                return Unusable(why=f"no container daemon answers: {exc.why}", mend=mend)
            except (RequestError, SandboxError, OSError) as exc:
                return Unusable(why=str(exc), mend="")
        return Unusable(why=f"the daemon did not start a container within {PROBE_SECONDS:g} s", mend="")

    async def _ask(self) -> Probe:
        daemon = await self._api.daemon()
        old = old_engine(daemon.version, daemon.runc) if daemon.is_docker else None
        if old is not None and not self._allow_old:
            return Unusable(why=old, mend="")
        try:
            image = await self._api.image(self._image)
        except NotThereError:
            return Unusable(why=f"there is no image {self._image}", mend=MEND_IMAGE)
        if (why := await self._try(image, daemon)) is not None:
            return Unusable(why=why, mend="")
        return Usable(
            version=daemon.version + (f", runc {daemon.runc}" if daemon.runc else ""),
            walls="a container: no capabilities, filtered system calls, read-only root, no network; "
            "limits on memory, processors and processes",
            lacks="; ".join(
                [
                    "the machine's own kernel; no limit on disk space",
                    *([] if daemon.facts.limits_swap else ["no limit on swapping"]),
                    *([] if old is None else ["an engine with known holes, accepted in nanoclaw.toml"]),
                ]
            ),
        )

    async def _try(self, image: Image, daemon: Daemon) -> str | None:
        """Start a container that looks around; returns what was wrong with it."""
        user = sandbox_user(self._specs.install, GROUP, host=self._host)
        folder = await trio.to_thread.run_sync(_make_folders, self._scratch, user, self._host)
        attempt: ContainerStart | None = None
        owner = (user.uid, user.gid) if self._host.uid == 0 else None
        # Whoever connects is let in by the system: that the way is there is all that is asked.
        gateway = await trio.to_thread.run_sync(bind_in, folder / "gateway", files.GATEWAY_SOCKET, owner)
        try:
            command = ("python3", "-I", "-S", "-c", CHECK)
            asked = self._specs.make(_spec(folder), image, command)
            attempt = ContainerStart(self._api, asked, daemon.facts, Waiting())
            found = await attempt.launch(await attempt.create())
            while found is not None and found.state.lives:
                await trio.sleep(0.05)
                found = await self._api.inspect(found.id)
            if found is None:
                return "the daemon does not say whether it started a container"
            if found.exit_code != 0:
                return await self._last_words(found)
            return await trio.to_thread.run_sync(_what_was_written, folder, user)
        finally:
            gateway.close()
            with trio.move_on_after(DISCARD_SECONDS, shield=True):
                if attempt is not None:
                    await attempt.discard()
                await trio.to_thread.run_sync(shutil.rmtree, folder)

    async def _last_words(self, found: Inspected) -> str:
        lines = await self._api.logs(found.id, since=None, most_bytes=MOST_SAID, tail=1)
        said = b"".join(line.text for line in lines).decode(errors="replace").strip()
        return f"the container ended with exit code {found.exit_code}" + (f": {said}" if said else "")


def _spec(folder: Path) -> SandboxSpec:
    name = SessionId(folder.name)
    return SandboxSpec(
        life=LifeName(session=name, epoch=EpochNumber(0), outbound=folder / "out"),
        agent_group=GROUP,
        inbound=folder / "in",
        gateway=folder / "gateway",
        agent=folder / "agent",
        state=folder / "state",
        composed=folder / "composed",
        skills=folder / "skills",
    )


def _make_folders(scratch: Path, user: User, host: User) -> Path:
    """What a sandbox needs, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="probe-", dir=scratch))
    for name in ("in", "out", "gateway", "agent", "state", "composed", "skills"):
        (folder / name).mkdir(mode=0o755)
        if name in ("out", "agent", "state") and host.uid == 0:
            os.chown(folder / name, user.uid, user.gid)
    for name, inner in (("composed", FRAGMENTS), ("composed", files.PROGRAMS), ("agent", files.FRAGMENTS)):
        (folder / name / inner).mkdir(mode=0o755)
        (folder / name / files.CLAUDE_MD).touch()
        (folder / name / files.CONTAINER_JSON).touch()
    return folder


def _what_was_written(folder: Path, user: User) -> str | None:
    try:
        owner = (folder / "out" / WRITTEN).stat().st_uid
    except FileNotFoundError:
        return "the daemon mounts other folders than those of this machine: is it on another one?"
    return None if owner == user.uid else f"files of a sandbox belong to user {owner}, not to {user.uid}"
