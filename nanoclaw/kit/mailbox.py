"""An actor's mailbox: equal letters fold into one."""

from __future__ import annotations

from typing import Generic, TypeVar

import trio
from attrs import define, field

MailT = TypeVar("MailT")


@define(eq=False)
class Mailbox(Generic[MailT]):
    """Unread mail for one reader, with equal letters folded into one.

    Mail only says "look again"; what there is to see is in the database. So a
    letter equal to one still unread adds nothing, the mailbox cannot grow past
    the number of distinct letters, and losing it in a crash loses no work.
    """

    _unread: dict[MailT, None] = field(factory=dict[MailT, None], init=False)
    _arrival: trio.Event = field(factory=trio.Event, init=False)

    def post(self, mail: MailT) -> None:
        """Leave *mail*, oldest first. Never blocks; call it from any task."""
        self._unread[mail] = None
        self._arrival.set()

    async def read(self) -> MailT:
        """Take the oldest letter, waiting for one. A checkpoint; on Cancelled nothing is taken."""
        await self._wait_for_mail()
        return self._take()

    async def read_all(self) -> tuple[MailT, ...]:
        """Take every letter, oldest first, waiting for one.

        A checkpoint; on Cancelled nothing is taken.
        """
        await self._wait_for_mail()
        letters = tuple(self._unread)
        self._unread.clear()
        return letters

    def read_nowait(self) -> MailT | None:
        """Take the oldest letter, or None when there is none."""
        return self._take() if self._unread else None

    def unread(self) -> tuple[MailT, ...]:
        """Every letter that is unread, oldest first. Takes none."""
        return tuple(self._unread)

    def __len__(self) -> int:
        """How many distinct letters are unread."""
        return len(self._unread)

    def __bool__(self) -> bool:
        """Always true: an empty mailbox is a mailbox, and `mailbox or …` must keep it."""
        return True

    async def _wait_for_mail(self) -> None:
        await trio.lowlevel.checkpoint()
        while not self._unread:
            if self._arrival.is_set():
                self._arrival = trio.Event()
            await self._arrival.wait()

    def _take(self) -> MailT:
        mail = next(iter(self._unread))
        del self._unread[mail]
        return mail
