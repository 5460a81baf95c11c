"""Staying connected to a platform: again and again, with pauses that grow while it goes badly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import NoReturn, TypeAlias, TypeVar

import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.channels.base import Health
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.ids import jitter
from nanoclaw.model.ids import ChannelName

log = structlog.get_logger()

E = TypeVar("E", bound=BaseException)

MOST_DOUBLINGS = 64


@frozen(kw_only=True)
class ReconnectPolicy:
    """How patiently a platform is tried again. Times are seconds."""

    first_pause: float = 1.0
    longest_pause: float = 60.0
    refused_pause: float = 300.0
    """After a refusal that only a person can mend, such as of a token: it may have been mended by then."""
    healthy: float = 30.0
    """A connection that lasted so long ends the streak of those that did not."""


@frozen(kw_only=True)
class Ended:
    """How one connection ended."""

    lasted: float
    """Seconds from when it was good; 0: it never was."""
    failed: bool
    """Did it fail, or did the platform ask us politely to come again?"""
    refused: bool = False
    """Can only a person mend it?"""
    retry_after: float | None = None
    """Seconds that the platform asked for."""


@frozen
class Next:
    """Connect again after *pause* seconds; *streak* connections in a row did not last by now."""

    pause: float
    streak: int


def after_end(ended: Ended, streak: int, luck: float, policy: ReconnectPolicy) -> Next:
    """Judge a connection that ended after *streak* others that did not last; *luck* in [0, 1) spreads the pauses.

    Between half and all of a pause is waited, so that many do not come back at once; what the platform asked for is
    waited out whole.
    """
    lasted = ended.lasted >= policy.healthy
    if lasted and not ended.failed:
        return Next(ended.retry_after or 0.0, 0)
    streak = 1 if lasted else streak + 1
    pause = min(policy.first_pause * 2.0 ** min(streak - 1, MOST_DOUBLINGS), policy.longest_pause)
    if ended.refused:
        pause = max(pause, policy.refused_pause)
    return Next(max(pause * (0.5 + 0.5 * luck), ended.retry_after or 0.0), streak)


Live: TypeAlias = Callable[[Callable[[], None]], Awaitable[None]]
"""One connection, from its making to its end. Calls what it is given once the connection is good. Returns where the
platform asks us to come again; raises `DeliveryError` where it failed, which may stand in a group."""


async def stay_connected(
    channel: ChannelName,
    live: Live,
    *,
    policy: ReconnectPolicy | None = None,
    luck: Callable[[], float] = jitter,
    troubled: Callable[[str], None] = lambda _: None,
) -> NoReturn:
    """Live connection after connection, until cancelled; lets out whatever is no `DeliveryError`.

    Not even a refusal for good ends it: a token may be mended, and a house does not end because of one.

    Args:
      channel: Whose connection it is, for the log.
      live: See `Live`.
      policy: How patiently.
      luck: A share of a pause, in [0, 1).
      troubled: Told why there is no connection; the empty text once there is one.
    """
    policy = policy or ReconnectPolicy()
    streak = 0
    while True:
        ended, why = await _one(live, troubled)
        following = after_end(ended, streak, luck(), policy)
        streak = following.streak
        if ended.failed:
            troubled(why)
            tell = log.error if ended.refused else log.warning
            tell("channel_disconnected", channel=channel, why=why, pause=round(following.pause, 3), streak=streak)
        await trio.sleep(following.pause)


@define(eq=False)
class Connection:
    """The connection of a channel that has one at a time: it is made again and again, and tells how it is."""

    _channel: ChannelName
    _heard: float | None = field(default=None, init=False)
    _trouble: str = field(default="", init=False)

    def health(self) -> Health:
        """When the platform last answered, and what is wrong."""
        return Health(self._heard, self._trouble)

    async def stay(self, live: Live, *, ready: Callable[[], None], task_status: trio.TaskStatus[None]) -> NoReturn:
        """Stay connected, see `stay_connected`; *live* calls what it is given at each answer.

        Args:
          live: See `Live`.
          ready: Called at the first answer, and at the first after trouble.
          task_status: Told at the first answer or the first trouble.
        """
        started = False

        def take_trouble(why: str) -> None:
            nonlocal started
            self._trouble = why
            if not started:
                started = True
                task_status.started()

        async def hear(well: Callable[[], None]) -> None:
            def heard() -> None:
                if self._heard is None or self._trouble:
                    ready()
                self._heard = trio.current_time()
                well()

            await live(heard)

        await stay_connected(self._channel, hear, troubled=take_trouble)


async def _one(live: Live, troubled: Callable[[str], None]) -> tuple[Ended, str]:
    good = inf
    failures: list[DeliveryError] = []

    def well() -> None:
        nonlocal good
        good = min(good, trio.current_time())
        troubled("")

    try:
        await live(well)
    except* DeliveryError as group:
        failures = flat(group)
    lasted = max(0.0, trio.current_time() - good)
    ended = Ended(
        lasted=lasted,
        failed=bool(failures),
        refused=any(not one.retryable for one in failures),
        retry_after=max((one.retry_after for one in failures if one.retry_after is not None), default=None),
    )
    return ended, "; ".join(str(one) for one in failures)


def flat(group: BaseExceptionGroup[E]) -> list[E]:
    """The exceptions in *group*, and in the groups in it."""
    found: list[E] = []
    for one in group.exceptions:
        found += flat(one) if isinstance(one, BaseExceptionGroup) else [one]
    return found
