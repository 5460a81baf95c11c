"""Finds out the versions of packages that agents ask for, and then asks people. One for the whole host.

What waits is in the truth, so a start goes on where the last life ended.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Never

import structlog
import trio
from attrs import define, field

from nanoclaw.actors.approving import ask
from nanoclaw.actors.changing import own_settings
from nanoclaw.actors.packages_kind import MEANWHILE, Builder, PackagesKind, subject_of
from nanoclaw.core.notices import plain
from nanoclaw.core.package_versions import Resolved, to_json
from nanoclaw.core.packages import Refused, parse
from nanoclaw.errors import NanoclawError, StoreError, UsageError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.tree import TreeNode
from nanoclaw.store import notices, package_requests
from nanoclaw.store.approvals import RESULT
from nanoclaw.store.db import Store
from nanoclaw.store.package_requests import PackageRequest
from nanoclaw.store.sessions import session_place
from schema.sqlite import Connection

log = structlog.get_logger()


@define(eq=False)
class PackageVersions:
    """Looks up, one request after the other."""

    _builder: Builder
    _store: Store
    _clock: Clock
    _changed: Callable[[], None]
    """Told when somebody is to be asked, or an agent to be told."""
    _node: TreeNode
    _longest_sleep: float = field(kw_only=True)
    _mail: Mailbox[str] = field(factory=Mailbox[str], init=False)

    def look(self) -> None:
        """Something may have been asked for. Never blocks, never fails, may be repeated."""
        self._mail.post("look")

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> Never:
        """Serve until cancelled: at once; what was begun is begun anew by the next life."""
        task_status.started()
        while True:
            self._mail.read_nowait()
            for request in await self._store.read(package_requests.waiting):
                with self._node.busy(f"versions of {plain(request.packages, 200)}"):
                    await self._find(request)
                self._changed()
            with trio.move_on_after(self._longest_sleep):
                await self._mail.read()

    async def _find(self, request: PackageRequest) -> None:
        why = await self._try(request)
        if why is not None:
            log.warning("packages_not_asked_for", request=request.id, why=why)
            await self._store.transact(_give_up, request, why, now=self._clock.now())

    async def _try(self, request: PackageRequest) -> str | None:
        """Find them out and ask; why nobody is asked, if so."""
        packages = parse(request.packages)
        if isinstance(packages, Refused):
            await trio.lowlevel.checkpoint()
            return packages.why
        try:
            resolved = await self._builder.find(packages)
            await self._store.transact(_submit, request, resolved, now=self._clock.now())
        except StoreError:
            raise  # nothing of it happened: it is tried again
        except NanoclawError as exc:
            return str(exc)
        except Exception as exc:
            log.exception("package_versions_broke", request=request.id)
            return f"a defect: {one_line(exc)}"
        return None


def _submit(conn: Connection, request: PackageRequest, resolved: Resolved, *, now: datetime) -> None:
    """Ask people, under the name that the agent was told. Raises `UsageError` if nobody can be asked."""
    if not package_requests.forget(conn, request.id):
        return
    place = session_place(conn, request.session_id)
    assert place is not None
    agent, chat = place.agent_group.id, place.messaging_group
    if own_settings(conn, agent, now).packages != request.before:
        raise UsageError(MEANWHILE)
    ask(
        conn,
        kind=PackagesKind(None),
        subject=subject_of(agent),
        payload={"agent": agent, "reason": request.reason, "before": request.before, "image": to_json(resolved)},
        agent=agent,
        session=request.session_id,
        chat=None if chat is None else chat.id,
        mint=lambda _: request.id,
        now=now,
    )


def _give_up(conn: Connection, request: PackageRequest, why: str, *, now: datetime) -> None:
    if package_requests.forget(conn, request.id):
        notices.tell_agent(
            conn,
            request.session_id,
            key=f"approval:{request.id}:end",
            action=RESULT,
            text=f"{request.id}, install_packages: nobody was asked: {plain(why, 500)}",
            wake=True,
            now=now,
        )
