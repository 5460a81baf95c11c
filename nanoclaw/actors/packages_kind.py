"""An agent asks for packages: people see every version, and approved an image with just those is built and used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

import attrs
from attrs import field as attribute
from attrs import frozen

from nanoclaw.actors.approving import Means, payload_of
from nanoclaw.actors.asker import Asker
from nanoclaw.actors.changing import begin_with_it, own_settings
from nanoclaw.core.approvals import MOST_OF_AGENT, field
from nanoclaw.core.notices import plain, visible
from nanoclaw.core.package_versions import Resolved, from_json, shown
from nanoclaw.core.packages import Packages, Refused, asked_for, parse, together, written
from nanoclaw.errors import ImageError, UsageError
from nanoclaw.kit.ids import mint
from nanoclaw.model.approvals import Approval, ApprovalKind, Shown
from nanoclaw.model.ids import AgentGroupId, ApprovalId
from nanoclaw.store import approvals, entities, package_requests
from nanoclaw.store.package_requests import PackageRequest
from nanoclaw.store.settings import set_settings
from schema.requests import MOST_REASON, InstallPackages
from schema.sqlite import Connection

TITLE = "An agent asks for packages in its image"
MEANWHILE = "the agent's packages have changed since it was asked for"


class Builder(Protocol):
    """What is needed of an engine whose sandboxes have images. Raises `ImageError`."""

    async def find(self, packages: Packages) -> Resolved:
        """The versions that an image with these would have now."""
        ...

    async def build(self, group: AgentGroupId, resolved: Resolved) -> None:
        """Build that image aside; safe to repeat."""
        ...


@frozen
class PackagesKind:
    """Implements `Kind` and `SlowKind`."""

    _builder: Builder | None
    """None: sandboxes have no images here."""
    name: ApprovalKind = attribute(default=ApprovalKind.PACKAGES, init=False)

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """All that is in the image and not in the one below."""
        group = entities.agent_group(conn, AgentGroupId(str(payload["agent"])))
        assert group is not None
        reason = str(payload["reason"])
        what_for = [field("What for", reason)] if reason else []
        return Shown(TITLE, (field("Agent", group.name), *what_for, *shown(_resolved(payload))))

    async def work(self, approval: Approval) -> None:
        """Build the image. The agent has it once its settings name the packages."""
        payload = payload_of(approval)
        if self._builder is None:
            raise UsageError("sandboxes have no images here any more")
        try:
            await self._builder.build(AgentGroupId(str(payload["agent"])), _resolved(payload))
        except ImageError as exc:
            raise UsageError(f"the image stays what it was: {exc}") from exc

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Set them, and have the session that asked begin anew."""
        payload = payload_of(approval)
        own = own_settings(conn, AgentGroupId(str(payload["agent"])), means.now)
        if own.packages != payload["before"]:
            raise UsageError(MEANWHILE)
        if own.image_tag is not None:
            raise UsageError(f"an operator has set the image {plain(own.image_tag)} meanwhile")
        packages = _resolved(payload).packages
        set_settings(conn, attrs.evolve(own, packages=written(packages), updated_at=means.now))
        names = plain(", ".join((*packages.apt, *packages.npm, *packages.pip)), 1_000)
        begin_with_it(
            conn, approval, means, f"your image has these packages now: {names}. Try them, and say what came of it"
        )
        return "the image is built, and is used from the next start of a sandbox on"


@frozen(kw_only=True)
class PackageRequests:
    """The handler of what agents ask as `install_packages`."""

    why_not: str | None = None
    """Why sandboxes have no images here; None: they have."""
    mint: Callable[[str], str] = mint

    def __call__(self, conn: Connection, asker: Asker, runner_id: str, said: InstallPackages, now: datetime) -> str:
        """Have the versions found out, so that a person can be asked. Raises `UsageError`."""
        if self.why_not is not None:
            raise UsageError(self.why_not)
        agent = asker.place.agent_group.id
        own = own_settings(conn, agent, now)
        if own.image_tag is not None:
            raise UsageError("an operator has set an image for you, in which your packages would not be")
        wanted, has = _read(asked_for(said.apt, said.npm, said.pip)), _read(parse(own.packages))
        all_of_it = _read(together(has, wanted))
        if all_of_it == _read(together(has, Packages())):
            raise UsageError("your image has all of them already")
        if package_requests.waits(conn, agent) or approvals.open_one(conn, ApprovalKind.PACKAGES, subject_of(agent)):
            raise UsageError("packages that you asked for before wait for a decision: ask again once that is over")
        if approvals.waiting_of(conn, agent) >= MOST_OF_AGENT:
            raise UsageError(f"{MOST_OF_AGENT} requests wait for a decision already: wait until one is over")
        request = PackageRequest(
            id=ApprovalId(self.mint("apr")),
            session_id=asker.place.session.id,
            packages=written(all_of_it),
            before=own.packages,
            reason=plain(visible(said.reason), MOST_REASON),
            requested_at=now,
        )
        package_requests.add(conn, request)
        return f"submitted: {request.id}. Their versions are found out, then a person is asked; you will be told more"


def subject_of(agent: AgentGroupId) -> str:
    """What packages of that agent group are asked for as: one at a time."""
    return f"packages/{agent}"


def _read(said: Packages | Refused) -> Packages:
    if isinstance(said, Refused):
        raise UsageError(said.why)
    return said


def _resolved(payload: Mapping[str, object]) -> Resolved:
    said = payload["image"]
    assert isinstance(said, dict)
    return from_json(said)
