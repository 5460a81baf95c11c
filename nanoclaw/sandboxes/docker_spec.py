"""What an engine is asked for, as a container: paths become mounts, the runner's command line becomes the program."""

from __future__ import annotations

from attrs import define, field

from nanoclaw.core.sandbox_spec import ContainerSpec, Folders, Image, User, mounts, sandbox_user
from nanoclaw.sandboxes.engine import SandboxSpec
from nanoclaw.sandboxes.inside import FRAGMENTS
from nanoclaw.sandboxes.runtime import Runtime
from nanoclaw.sandboxes.seccomp import seccomp_profile
from schema import files

INTERPRETER = "python3"
"""The image's own."""


@define(eq=False)
class SpecMaker:
    """Makes the specs of one home's containers."""

    _runtime: Runtime
    install: str
    _host: User
    _seccomp: str = field(factory=seccomp_profile, init=False)

    def make(
        self, spec: SandboxSpec, image: Image, command: tuple[str, ...] | None = None, *, private: str | None = None
    ) -> ContainerSpec:
        """The container of *spec*: with a runner in it or another *command*, on the network *private* or on none."""
        folders = self._folders(spec)
        return ContainerSpec(
            install=self.install,
            session=spec.life.session,
            epoch=spec.life.epoch,
            image=image,
            command=command or self._runner(),
            user=sandbox_user(self.install, spec.agent_group, host=self._host),
            mounts=mounts(folders, spec.extra),
            limits=spec.limits,
            network=spec.network,
            seccomp=self._seccomp,
            private=private,
        )

    def _runner(self) -> tuple[str, ...]:
        places = [files.SANDBOX_APP, files.IMAGE_PACKAGES, files.IMAGE_MODEL_PACKAGES]
        arguments = [
            *("--in", files.SANDBOX_IN, "--out", files.SANDBOX_OUT, "--agent", files.SANDBOX_AGENT),
            *("--container-json", files.SANDBOX_SETTINGS),
            *("--gateway", f"{files.SANDBOX_GATEWAY}/{files.GATEWAY_SOCKET}"),
        ]
        return tuple(self._runtime.argv(INTERPRETER, places, arguments))

    def _folders(self, spec: SandboxSpec) -> Folders:
        return Folders(
            inbound=str(spec.inbound),
            outbound=str(spec.life.outbound),
            gateway=str(spec.gateway),
            agent=str(spec.agent),
            settings=str(spec.composed / files.CONTAINER_JSON),
            claude_md=str(spec.composed / files.CLAUDE_MD),
            fragments=str(spec.composed / FRAGMENTS),
            state=str(spec.state),
            programs=str(spec.composed / files.PROGRAMS),
            runner=str(self._runtime.runner),
            schema=str(self._runtime.schema),
            skills=str(spec.skills),
        )
