"""Does a container really start here, with the walls that were asked for and the right files behind them?

Started like any other sandbox, but with a program that looks around, and removed again.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from functools import partial
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.core.engine_versions import old_engine, old_runtime
from nanoclaw.core.sandbox_check import EngineFacts
from nanoclaw.core.sandbox_spec import Image, User, sandbox_user
from nanoclaw.core.way_choice import WayOut, ways_to_try
from nanoclaw.errors import SandboxError
from nanoclaw.kit.openings import open_in
from nanoclaw.model.sandbox import Owner
from nanoclaw.sandboxes import podman
from nanoclaw.sandboxes.docker_api import (
    ENGINE,
    ContainerApi,
    Daemon,
    Inspected,
    NoAnswerError,
    NotThereError,
    RequestError,
)
from nanoclaw.sandboxes.docker_networks import PrivateNetworks
from nanoclaw.sandboxes.docker_settings import DockerSettings
from nanoclaw.sandboxes.docker_spec import SpecMaker
from nanoclaw.sandboxes.docker_start import MEND_IMAGE, ContainerStart
from nanoclaw.sandboxes.engine import Probe, Unusable, Usable
from nanoclaw.sandboxes.inside import GROUP, Said, make_folders, spec_in
from nanoclaw.sandboxes.waiting import Waiting
from schema import files
from schema.way_file import WAY_FILE

TRY_IT = "stop nanoclaw, and start it again"
PROBE_SECONDS = 20.0
DISCARD_SECONDS = 5.0
MOST_SAID = 4096
WRITTEN = "written"
NO_WAY = 77
"""The exit code of a container in which all is well, but for the way to the gateway."""
OVER_NETWORK = (
    "what this machine offers on all of its addresses, as agents reach the gateway over a network of their own instead "
    "of a socket, and nothing is encrypted there"
)
CHECK = f"""
import json, socket, sys
sys.path.append("{files.IMAGE_PACKAGES}")
import apsw
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
for name, wanted in (("CapBnd", "0" * 16), ("CapEff", "0" * 16), ("NoNewPrivs", "1"), ("Seccomp", "2")):
    if status[name].strip() != wanted:
        sys.exit(f"{{name}} is {{status[name].strip()}}")
open("{files.SANDBOX_OUT}/{WRITTEN}", "x").close()
for folder in ("", "/etc", "{files.SANDBOX_IN}", "{files.SANDBOX_APP}/runner"):
    try:
        open(f"{{folder}}/{WRITTEN}", "x")
    except OSError:
        continue
    sys.exit(f"{{folder}}/ can be written to")
try:
    if WAY == "{WayOut.SOCKET.value}":
        socket.socket(socket.AF_UNIX).connect("{files.SANDBOX_GATEWAY}/{files.GATEWAY_SOCKET}")
    else:
        way = json.load(open("{files.SANDBOX_GATEWAY}/{WAY_FILE}"))
        socket.create_connection((way["address"], way["ports"]["{files.GATEWAY_SOCKET}"]), timeout=5)
except OSError as exc:
    print(exc, file=sys.stderr)
    sys.exit({NO_WAY})
"""
"""With `WAY`, by which it is to be reached."""


class NoWay(str):
    """All is well, but the gateway is not reached so."""

    __slots__ = ()


@define(eq=False)
class DockerProbe:
    """Looks at a daemon, as often as it is asked to."""

    _api: ContainerApi
    _specs: SpecMaker
    _settings: DockerSettings
    _networks: PrivateNetworks
    """Told whether they are needed."""
    _host: User
    _proved: Daemon | None = field(default=None, init=False)
    """Who started a container with all the walls that there have to be, the last time."""

    def __attrs_post_init__(self) -> None:
        self._networks.way = ways_to_try(self._settings.way_out)[0]

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
        daemon = await podman.spoken_to(await self._api.daemon(), self._settings.scratch)
        old = old_engine(daemon.version, daemon.runc) if daemon.is_docker else old_runtime(daemon.runc)
        if old is not None and not self._settings.allow_old_engine:
            return Unusable(why=old, mend="")
        try:
            image = await self._api.image(self._settings.image)
        except NotThereError:
            return Unusable(why=f"there is no image {self._settings.image}", mend=MEND_IMAGE)
        self._proved = None
        if (why := await self._find_way(image, daemon)) is not None:
            return Unusable(why=why, mend="")
        self._proved = daemon
        over_network = self._networks.way is WayOut.NETWORK
        name = "" if daemon.is_docker else "podman "
        return Usable(
            version=name + daemon.version + (f", runc {daemon.runc}" if daemon.runc else ""),
            walls="a container: no capabilities, filtered system calls, read-only root, "
            + ("a network with nothing but the gateway's machine; " if over_network else "no network; ")
            + "limits on memory, processors and processes",
            lacks="; ".join(
                [
                    "the machine's own kernel; no limit on disk space",
                    *([OVER_NETWORK] if over_network else []),
                    *([] if daemon.is_docker else [podman.LACKS]),
                    *([] if daemon.facts.limits_swap else ["no limit on swapping"]),
                    *([] if old is None else ["an engine with known holes, accepted in nanoclaw.toml"]),
                ]
            ),
        )

    async def facts(self, waiting: Waiting) -> EngineFacts:
        """What a container is asked for by. Podman's only after it was seen to have the walls that it does not tell.

        Raises:
          SandboxError: nobody answers in time, or a Podman does that was not tried.
        """
        daemon = await waiting.answered(self._api.daemon)
        try:
            daemon = await podman.spoken_to(daemon, self._settings.scratch)
        except OSError as exc:
            raise SandboxError(engine=ENGINE, why=str(exc)) from exc
        if not daemon.is_docker and daemon != self._proved:
            raise SandboxError(engine=ENGINE, why=f"podman {daemon.version} answers, and was not tried: {TRY_IT}")
        return daemon.facts

    async def look_inside(self, folder: Path, program: str) -> Said:
        """See `LooksInside`."""
        with trio.move_on_after(PROBE_SECONDS):
            try:
                daemon = await podman.spoken_to(await self._api.daemon(), self._settings.scratch)
                return await self._run(folder, program, await self._api.image(self._settings.image), daemon)
            except (RequestError, OSError) as exc:
                raise SandboxError(engine=ENGINE, why=str(exc)) from exc
        raise SandboxError(engine=ENGINE, why=f"a container did not end within {PROBE_SECONDS:g} s")

    async def _find_way(self, image: Image, daemon: Daemon) -> str | None:
        """Try the ways there are; returns what was wrong with all of them, or with what has nothing to do with them."""
        failures = []
        ways = ways_to_try(self._settings.way_out)
        if not daemon.is_docker and WayOut.SOCKET not in ways:
            return podman.NO_NETWORKS
        for way in ways if daemon.is_docker else (WayOut.SOCKET,):
            self._networks.way = way
            why = await self._try(image, daemon, way)
            if not isinstance(why, NoWay):
                return why
            failures.append(f"by {way.value}, the gateway is not reached from inside: {why}")
        return "; ".join(failures)

    async def _try(self, image: Image, daemon: Daemon, way: WayOut) -> str | None:
        """Start a container that looks around; returns what was wrong with it: `NoWay`, if it was only the way."""
        user = sandbox_user(self._specs.install, GROUP, host=self._host)
        owner = Owner(user.uid, user.gid) if self._host.uid == 0 else None
        folder = await trio.to_thread.run_sync(make_folders, self._settings.scratch, owner)
        # Whoever connects is let in by the system: that the way is there is all that is asked.
        may_connect = None if owner is None else (owner.uid, owner.gid)
        life = spec_in(folder).life
        try:
            at = await self._networks.address(life, adopted=False)
            listen = partial(open_in, folder / "gateway", (files.GATEWAY_SOCKET,), may_connect, at)
            program = f"WAY = {way.value!r}\n{CHECK}" + ("" if daemon.is_docker else podman.CHECK)
            try:
                with closing(await trio.to_thread.run_sync(listen)):
                    found = await self._run(folder, program, image, daemon)
            except OSError as exc:
                if at is None:
                    raise
                return NoWay(f"the engine's networks are not on this machine: {exc}")
            if found.code != 0:
                last = f": {found.last}" if found.last else ""
                ended = f"the container ended with exit code {found.code}{last}"
                return NoWay(found.last) if found.code == NO_WAY else ended
            return await trio.to_thread.run_sync(_what_was_written, folder, user)
        finally:
            with trio.move_on_after(DISCARD_SECONDS, shield=True):
                await trio.to_thread.run_sync(shutil.rmtree, folder)
                if way is WayOut.NETWORK:
                    await self._networks.remove(life)

    async def _run(self, folder: Path, program: str, image: Image, daemon: Daemon) -> Said:
        """See a container to its end that runs *program*. Raises `SandboxError`, `RequestError`."""
        attempt: ContainerStart | None = None
        try:
            spec = spec_in(folder)
            private = await self._networks.ready(spec)
            asked = self._specs.make(spec, image, ("python3", "-I", "-S", "-c", program), private=private)
            attempt = ContainerStart(self._api, asked, daemon.facts, Waiting())
            found = await attempt.launch(await attempt.create())
            while found is not None and found.state.lives:
                await trio.sleep(0.05)
                found = await self._api.inspect(found.id)
            if found is None:
                raise SandboxError(engine=ENGINE, why="the daemon does not say whether it started a container")
            return Said(code=found.exit_code, last=await self._last_words(found))
        finally:
            with trio.move_on_after(DISCARD_SECONDS, shield=True):
                if attempt is not None:
                    await attempt.discard()

    async def _last_words(self, found: Inspected) -> str:
        lines = await self._api.logs(found.id, since=None, most_bytes=MOST_SAID, tail=1)
        return b"".join(line.text for line in lines).decode(errors="replace").strip()


def _what_was_written(folder: Path, user: User) -> str | None:
    try:
        owner = (folder / "out" / WRITTEN).stat().st_uid
    except FileNotFoundError:
        return "the daemon mounts other folders than those of this machine: is it on another one?"
    return None if owner == user.uid else f"files of a sandbox belong to user {owner}, not to {user.uid}"
