"""Starting a sandbox: everything it sees is made, gathered and checked, and then the engine is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import structlog
import trio

from nanoclaw.actors.granted import granted
from nanoclaw.actors.parts import Parts
from nanoclaw.composing import handles
from nanoclaw.composing.compose import compose
from nanoclaw.composing.mount_points import prepare_mount_points
from nanoclaw.composing.places import GroupPlaces
from nanoclaw.composing.proxy_files import publish_proxy
from nanoclaw.core.endpoints import ANTHROPIC, BadEndpoint, Endpoint, read_endpoint
from nanoclaw.core.mounts import Allowed
from nanoclaw.core.proxy_settings import OwnProxy, ProxySettings
from nanoclaw.core.told import Told
from nanoclaw.errors import ImageError, SandboxError
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.gateway import Way
from nanoclaw.link.layout import SessionLayout
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber
from nanoclaw.model.sandbox import Network, Owner
from nanoclaw.sandboxes.engine import Sandbox, SandboxSpec
from nanoclaw.sandboxes.own_network import own_network
from nanoclaw.store import bindings, programs

log = structlog.get_logger()

UNDO_SECONDS = 10.0


async def start(
    parts: Parts, place: SessionPlace, layout: SessionLayout, epoch: EpochNumber, say: Callable[[str], None]
) -> Sandbox:
    """Start the sandbox of *epoch*, whose link is there. Tells *say* what it waits for, if that may be long.

    Raises:
      SandboxError: it could not be started, or does not see what it was meant to.

    Cancellation: as `Engine.start`'s.
    """
    engine = parts.engine
    group = parts.folders.group(place)
    proxy = await _proxy(parts, place, say)
    if proxy is None and _egress(parts, place) is not None:
        proxy = OwnProxy()
    await parts.disk.run(publish_proxy, layout.gateway, proxy)
    allowed = await granted(place.agent_group.id, parts.store, parts.disk, parts.check_mounts)
    mounts = tuple(one.mount for one in allowed)
    bound = await parts.store.read(bindings.all_of, place.agent_group.id) if isinstance(proxy, OwnProxy) else ()
    told = attrs.evolve(parts.told(place), additional_mounts=mounts, bindings=bound)
    spec = SandboxSpec(
        life=parts.folders.life(place.session, epoch),
        agent_group=place.agent_group.id,
        inbound=layout.in_dir,
        gateway=layout.gateway,
        agent=group.agent,
        state=group.state,
        composed=group.composed,
        skills=group.skills,
        image=await _image(parts, place),
        extra=mounts,
        limits=told.limits,
        network=told.network,
    )
    kept = await parts.store.read(programs.kept, spec.agent_group)
    ready = partial(_ready, mounts_inside=engine.mounts_inside_agent)
    owner = engine.owner_of(spec.agent_group)
    await parts.disk.run(ready, spec, group, told, kept, owner)
    sandbox = await engine.start(spec)
    swapped = await parts.disk.run(_swapped, allowed)
    if swapped:
        with trio.move_on_after(UNDO_SECONDS, shield=True):
            await sandbox.stop(0)
            await sandbox.remove()
        raise SandboxError(engine=engine.name, why=f"{swapped} was put in another's place while it was being mounted")
    return sandbox


@asynccontextmanager
async def way_out(
    parts: Parts, place: SessionPlace, layout: SessionLayout, epoch: EpochNumber, *, adopted: bool
) -> AsyncIterator[None]:
    """What the sandbox reaches of the world: the model that its agent group has, and what the operator allowed.

    Open for the length of the block. Raises `SandboxError`.
    """
    life = parts.folders.life(place.session, epoch)
    async with own_network(parts.engine, life, adopted=adopted) as at:
        way = Way(
            session=place.session.id,
            folder=layout.gateway,
            owner=parts.engine.owner_of(place.agent_group.id),
            endpoint=_model(place),
            proxy=None if parts.credentials is None else partial(parts.credentials.proxy, place.agent_group),
            egress=_egress(parts, place),
            at=at,
        )
        async with parts.ways_out.open(way):
            yield


def _egress(parts: Parts, place: SessionPlace) -> Egress | None:
    """What else it reaches by way of the gateway; None: it needs no way, or there is none."""
    is_open = parts.told(place).network is Network.OPEN
    return None if parts.egress is None or is_open else parts.egress.of(place.session, parts.due)


def _model(place: SessionPlace) -> Endpoint | BadEndpoint:
    own = place.settings.base_url if place.settings is not None else None
    return read_endpoint(own or ANTHROPIC)


async def _proxy(parts: Parts, place: SessionPlace, say: Callable[[str], None]) -> ProxySettings | OwnProxy | None:
    """What OneCLI gives the sandbox. Nothing is started without it where there is a server."""
    if parts.credentials is None:
        return None
    return await parts.credentials.prepare(place.agent_group, _model(place), say)


async def _image(parts: Parts, place: SessionPlace) -> str | None:
    try:
        return await parts.image(place)
    except ImageError as exc:
        raise SandboxError(engine=parts.engine.name, why=str(exc)) from exc


def _swapped(allowed: tuple[Allowed, ...]) -> str | None:
    """The first folder that is not the one that was judged; None if all are."""
    for one in allowed:
        try:
            now = Path(one.source).lstat()
        except OSError:
            return one.source
        if (now.st_dev, now.st_ino) != (one.device, one.inode):
            return one.source
    return None


def _ready(
    spec: SandboxSpec,
    group: GroupPlaces,
    told: Told,
    kept: Mapping[str, bytes],
    owner: Owner | None,
    *,
    mounts_inside: bool,
) -> None:
    """Make what the sandbox sees besides its link."""
    compose(group, told, programs=kept, owner=owner)
    if mounts_inside:
        with handles.folder(spec.agent) as agent:
            displaced = prepare_mount_points(agent)
        if displaced:
            log.warning("agent_files_displaced", session=spec.life.session, names=displaced)
