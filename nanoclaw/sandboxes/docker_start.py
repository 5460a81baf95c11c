"""From a spec to a container that runs: created, compared with what was asked, started, whatever gets lost between.

Two requests matter, and the answer to each may be lost. Creating is settled by the name, of which there is one for
each session: who finds it taken looks whose it is. Starting is settled by looking what became of the container.
"""

from __future__ import annotations

from functools import partial

import attrs
import structlog
from attrs import define

from nanoclaw.core.podman import podman_body
from nanoclaw.core.sandbox_check import EngineFacts, unexpected
from nanoclaw.core.sandbox_settle import RemoveFirst, Stranger, TakeUp, judge_found
from nanoclaw.core.sandbox_spec import ContainerSpec, create_body
from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.docker_api import (
    ENGINE,
    ConflictError,
    ContainerApi,
    ContainerId,
    Inspected,
    NoAnswerError,
    NotThereError,
    RefusedError,
    State,
)
from nanoclaw.sandboxes.docker_sandbox import remove_for_good
from nanoclaw.sandboxes.waiting import Waiting

log = structlog.get_logger()

MOST_NAMED = 3
REMOVED = "somebody removed the container at its start"
MEND_IMAGE = "nanoclaw image build"


@define(eq=False)
class ContainerStart:
    """One attempt to have one container running."""

    _api: ContainerApi
    _spec: ContainerSpec
    _facts: EngineFacts
    _waiting: Waiting

    async def create(self) -> Inspected:
        """Make the container, or take up the one that was made, and compare it with what was asked.

        Raises:
          SandboxError: the daemon refuses, or has made something else, or the name is a stranger's.
        """
        container = await self._create()
        found = await self._look(container)
        if wrong := unexpected(self._spec, found.document, self._facts):
            log.error("container_not_as_asked", name=self._spec.name, differences=wrong)
            why = "; ".join(wrong[:MOST_NAMED]) + ("; …" if len(wrong) > MOST_NAMED else "")
            raise SandboxError(engine=ENGINE, why=f"the daemon made another container than was asked for: {why}")
        return found

    async def launch(self, found: Inspected) -> Inspected | None:
        """Start a container that was created, and only once: one that has run is over.

        Returns:
          What is known of it; None if nobody can say whether it will start. It has to be removed then: asked a second
          time, a daemon that was only slow would run a program again that had already ended.

        Raises:
          SandboxError: it does not start.
        """
        if found.state is not State.CREATED:
            return found
        try:
            await self._api.start(found.id)
            return attrs.evolve(found, state=State.RUNNING)
        except (ConflictError, RefusedError) as exc:
            raise SandboxError(engine=ENGINE, why=f"the container does not start: {exc.why}") from exc
        except NotThereError as exc:
            raise SandboxError(engine=ENGINE, why=REMOVED) from exc
        except NoAnswerError as exc:
            self._waiting.why = exc.why
        await self._waiting.rest()
        found = await self._look(found.id)
        return None if found.state is State.CREATED else found

    async def discard(self) -> None:
        """Remove the container, if there is one and it is this very one. Raises `SandboxError`."""
        try:
            found = await self._waiting.answered(partial(self._api.inspect, self._spec.name))
        except NotThereError:
            return
        if isinstance(judge_found(self._spec, found.labels), TakeUp):
            await remove_for_good(self._api, found.id)

    async def _look(self, container: ContainerId) -> Inspected:
        try:
            return await self._waiting.answered(partial(self._api.inspect, container))
        except NotThereError as exc:
            raise SandboxError(engine=ENGINE, why=REMOVED) from exc

    async def _create(self) -> ContainerId:
        podman = self._facts.podman
        body = create_body(self._spec) if podman is None else podman_body(self._spec, podman)
        while True:
            try:
                return await self._api.create(self._spec.name, body)
            except NotThereError as exc:
                raise SandboxError(engine=ENGINE, why=f"{exc.why} (try: {MEND_IMAGE})") from exc
            except RefusedError as exc:
                raise SandboxError(engine=ENGINE, why=f"the daemon makes no such container: {exc.why}") from exc
            except (ConflictError, NoAnswerError) as exc:
                self._waiting.why = exc.why
            if (taken := await self._settle()) is not None:
                return taken
            # The name may be taken by one that is not there yet, or not any more.
            await self._waiting.rest()

    async def _settle(self) -> ContainerId | None:
        """Look who has the name; returns the container if it is the one that is wanted."""
        try:
            found = await self._waiting.answered(partial(self._api.inspect, self._spec.name))
        except NotThereError:
            return None
        match judge_found(self._spec, found.labels):
            case TakeUp() if found.state not in (State.REMOVING, State.DEAD):
                log.info("container_taken_up", name=self._spec.name, state=found.state.value)
                return found.id
            case TakeUp():
                await remove_for_good(self._api, found.id)
            case RemoveFirst(what):
                log.info("container_removed", name=self._spec.name, what=what)
                await remove_for_good(self._api, found.id)
            case Stranger(why):
                raise SandboxError(engine=ENGINE, why=why)
        return None
