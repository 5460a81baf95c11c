"""The web page and the way into it: the channel on its ground, and one-time links for those who may come."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import trio
from attrs import frozen

from nanoclaw.actors.acts import Act
from nanoclaw.actors.web_truth import WebTruth
from nanoclaw.channels.web.channel import WebChannel
from nanoclaw.channels.web.gate import digest_of
from nanoclaw.channels.web.site import SECRET_BYTES
from nanoclaw.core.conversations import HANDLE, WEB, Person
from nanoclaw.core.notices import plain
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.written import Written
from nanoclaw.store.db import Store
from nanoclaw.store.setup import Operator, first_page

MOST_NAME = 80


class PageSettings(Protocol):
    """What of the settings is about the page."""

    @property
    def address(self) -> str:
        """Where it is served."""
        ...

    @property
    def port(self) -> int:
        """The port, if it is free; 0: any."""
        ...

    @property
    def names(self) -> str:
        """Under which a proxy shows it, with blanks between them."""
        ...


@frozen(kw_only=True)
class WebDoor:
    """The page, and who is let in."""

    channel: WebChannel
    operator: Person
    _truth: WebTruth

    async def link(self, person: Person) -> str | None:
        """A link that lets *person* in, once; the one before it lets nobody in any more. None: there is no page."""
        url = self.channel.url
        if url is None:
            await trio.lowlevel.checkpoint()
            return None
        secret = secrets.token_urlsafe(SECRET_BYTES)
        await self._truth.add_link(digest_of(secret), person)
        # Behind the “#”, so that it is in no request and no log of one.
        return f"{url}#login={secret}"

    @property
    def looks(self) -> dict[str, Callable[[Mapping[str, object]], Awaitable[object]]]:
        """What the command line may ask of it."""
        return {"web link": Act(self.make_link, on=("user", "name")), "web logout": Act(self.log_out, on=("user",))}

    async def make_link(self, asked: Mapping[str, object]) -> object:
        """Answer the command line. Raises `UsageError` for a name that is none, and where there is no page."""
        link = await self.link(self._person(asked))
        if link is None:
            raise UsageError("the page is not served; the log says why")
        return link

    async def log_out(self, asked: Mapping[str, object]) -> object:
        """Answer the command line: nothing lets that person in any more, and their open pages close."""
        person = self._person(asked)
        ended = await self._truth.end_all(person.handle)
        self.channel.end_person(person.handle)
        return ended

    def _person(self, asked: Mapping[str, object]) -> Person:
        handle, name = str(asked.get("user") or ""), plain(str(asked.get("name") or ""), MOST_NAME)
        if not handle:
            return self.operator
        if not HANDLE.fullmatch(handle):
            raise UsageError(f"{handle!r} is no user of the page: 1 to 32 of a-z, 0-9 and dashes, not a dash first")
        if handle == self.operator.handle:
            return self.operator
        return Person(handle=handle, name=name or handle)


async def make_door(
    store: Store,
    clock: Clock,
    spool: Spool,
    like: Operator,
    changed: Callable[[], None],
    house: Callable[[], Awaitable[Written]],
    settings: PageSettings,
) -> WebDoor:
    """The page of one home, with the operator's first conversation in it; nothing is served yet.

    Args:
      store: The truth.
      clock: The host's.
      spool: Where files lie.
      like: The operator elsewhere: whoever hears them there hears them on the page, if they are new to it.
      changed: Told when a conversation was begun.
      house: Looks at the running house, for those who may see all of it.
      settings: Where it is to be served.
    """
    person = Person(handle="operator", name=like.name)
    operator = Operator(user=person.user, name=person.name, channel=WEB, platform_id=person.main)
    await store.transact(first_page, operator=operator, like=like, mint=mint, now=clock.now())
    truth = WebTruth(store, clock, mint, changed, house)
    channel = WebChannel(settings.address, settings.port, settings.names.split(), truth, spool)
    return WebDoor(channel=channel, operator=person, truth=truth)
