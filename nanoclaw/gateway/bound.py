"""A request that an agent asks of the gateway itself, by a binding: judged, given its secret, the way onward opened.

The secret is read when a request goes on, and stands in nothing but that request. It is carried by TLS to the one place
that it is bound to, whose address is judged as any other's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import attrs
import structlog
import trio
from attrs import frozen

from nanoclaw.core.bindings import MOST_BODY, Bad, permitted, read_target, with_secret, without_secret
from nanoclaw.core.egress import Asked, Denied
from nanoclaw.core.egress_requests import Headers
from nanoclaw.errors import UsageError
from nanoclaw.gateway.dial import UnreachableError, encrypt
from nanoclaw.gateway.meter import Body
from nanoclaw.gateway.reach import Reach
from nanoclaw.model.bindings import Binding, BoundRequest, BoundVerdict, Go, NeedsBody, Pass, Stay

log = structlog.get_logger()

AskBound: TypeAlias = Callable[[BoundRequest], Awaitable[BoundVerdict]]
"""May it go on? Raises `UnreachableError` if nobody can say; it does not then."""
ReadBody: TypeAlias = Callable[[int], Awaitable[Body | None]]
"""The whole body of the request; None: it has more than that many bytes."""
ValueOf: TypeAlias = Callable[[str], str | None]
"""What the secret of that name says; None: there is none. Blocks. Raises `UsageError`."""


TellPassed: TypeAlias = Callable[[Pass, bool], None]
"""Told of each pass by which something goes on whether it goes out; before it does. Raises `UnreachableError` where one
must not."""


def nobody_passed(_: Pass, __: bool) -> None:
    """Where there is none."""


async def nothing_bound(request: BoundRequest) -> BoundVerdict:
    """Where no secret is bound to anything."""
    await trio.lowlevel.checkpoint()
    return Stay(404, f"There is no binding {request.name} for this agent.")


def no_secret(_: str) -> str | None:
    """Where there are none."""
    return None


@frozen(kw_only=True)
class Onward:
    """A request that goes on."""

    by: str
    """The binding, in words."""
    asked: Asked
    headers: list[tuple[bytes, bytes]] = attrs.field(repr=False)
    body: Body | None
    """What was read of it already: all; None: nothing."""
    back: Callable[[Headers], list[tuple[bytes, bytes]]] = attrs.field(repr=False)
    """Makes the headers of the answer what the agent is given."""
    stream: trio.abc.Stream


async def begin(
    asked: Asked,
    headers: Headers,
    read_body: ReadBody,
    *,
    ask: AskBound,
    passed: TellPassed,
    value_of: ValueOf,
    reach: Reach,
) -> Onward | Stay:
    """Judge what an agent asks of the gateway itself, and connect to where it leads; the caller closes the connection.

    Raises:
      UnreachableError: nobody answers there, or nobody can say whether it may go on.

    Cancellation: nothing is left behind.
    """
    assert asked.method is not None
    target = read_target(asked.method, asked.path)
    if isinstance(target, Bad):
        return Stay(400, f"{target.why}.")
    name, path = target
    request = BoundRequest(name=name, method=asked.method, path=path)
    verdict, body = await ask(request), None
    if isinstance(verdict, NeedsBody):
        body = await read_body(MOST_BODY)
        if body is None:
            return Stay(413, f"People cannot be asked about more than {MOST_BODY:,} bytes.")
        digest = hashlib.sha256(body.data).hexdigest() if body.data else ""
        verdict = await ask(attrs.evolve(request, size=len(body.data), digest=digest))
    if not isinstance(verdict, Go):
        return verdict if isinstance(verdict, Stay) else Stay(500, "Nobody can say whether this may go on.")
    onward: Onward | Stay | None = None
    try:
        onward = await _open(verdict.binding, request, headers, body, value_of=value_of, reach=reach)
    finally:
        if verdict.used is not None and not isinstance(onward, Onward):
            passed(verdict.used, False)
    if verdict.used is not None and isinstance(onward, Onward):
        try:
            passed(verdict.used, True)
        except UnreachableError:
            await trio.aclose_forcefully(onward.stream)
            raise
    return onward


async def _open(
    binding: Binding, request: BoundRequest, headers: Headers, body: Body | None, *, value_of: ValueOf, reach: Reach
) -> Onward | Stay:
    try:
        value = await trio.to_thread.run_sync(value_of, binding.secret)
        allowed = permitted(binding, request.method, request.path)
    except (UsageError, ValueError) as exc:
        log.warning("binding_unusable", binding=binding.name, why=str(exc))
        return Stay(503, "The host cannot use this binding; its log says why.")
    if value is None:
        return Stay(
            503, f"The secret {binding.secret} is not set; the operator does it: nanoclaw secrets set {binding.secret}"
        )
    plain = await reach.connect(allowed)
    if isinstance(plain, Denied):
        return Stay(403, plain.why)
    return Onward(
        by=allowed.by,
        asked=allowed.asked,
        headers=with_secret(binding, allowed.asked, headers, value),
        body=body,
        back=partial(without_secret, binding=binding, value=value),
        stream=await encrypt(plain, str(allowed.asked.place.host)),
    )
