"""What the web page is given of the truth: implements `nanoclaw.channels.web.truth.Truth` by the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from attrs import define

from nanoclaw.channels.web.truth import Agent
from nanoclaw.core.conversations import Conversation, File, Person, Stretch
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.written import Written
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.store import timelines, web_chats, web_history, web_keys
from nanoclaw.store.db import Store
from nanoclaw.store.entities import Mint
from nanoclaw.store.people import rights_of
from nanoclaw.store.web_keys import KeyKind

MOST_ITEMS = 50
"""Of a conversation, at a time."""
LOGIN = timedelta(days=30)
LINK = timedelta(hours=1)


@define(eq=False)
class WebTruth:
    """The store, for the page."""

    _store: Store
    _clock: Clock
    _mint: Mint
    _changed: Callable[[], None]
    """Told when a conversation was begun: agents may know more."""
    _house: Callable[[], Awaitable[Written]]
    """Looks at the running house."""

    async def conversations(self, person: Person) -> Sequence[Conversation]:
        """See `Truth`, as for all of these."""
        return await self._store.read(web_history.conversations, person)

    async def agents(self, person: Person) -> Sequence[Agent]:
        """Owners and admins choose among those that they may manage."""
        found = await self._store.read(web_chats.agents_for, person)
        return [Agent(id=group.id, name=group.name) for group in found]

    async def begin(self, person: Person, agent: str, name: str) -> str | None:
        """The chat and its wiring come to be in one step."""
        begun = await self._store.transact(
            web_chats.begin, person, AgentGroupId(agent), name, mint=self._mint, now=self._clock.now()
        )
        if begun is not None:
            self._changed()
        return begun

    async def behind(self, conversation: str, position: int) -> Stretch:
        """At most `MOST_ITEMS` at a time, as for the next."""
        return await self._store.read(web_history.behind, conversation, position, most=MOST_ITEMS)

    async def before(self, conversation: str, position: int | None) -> Stretch:
        """See `Truth`."""
        return await self._store.read(web_history.before, conversation, position, most=MOST_ITEMS)

    async def knows(self, message: str) -> bool:
        """See `Truth`."""
        return await self._store.read(web_history.knows, message)

    async def file_at(self, person: Person, position: int, number: int) -> File | None:
        """See `Truth`."""
        return await self._store.read(web_history.file_at, person, position, number)

    async def let_in(self, link: str, login: str) -> Person | None:
        """A login lasts for `LOGIN`."""
        now = self._clock.now()
        return await self._store.transact(web_keys.exchange, link, login, expires_at=now + LOGIN, now=now)

    async def person_of(self, login: str) -> Person | None:
        """See `Truth`."""
        return await self._store.read(web_keys.person_of, login, now=self._clock.now())

    async def end(self, login: str) -> None:
        """See `Truth`."""
        await self._store.transact(web_keys.end, login)

    async def may_look(self, person: Person) -> bool:
        """See `Truth`, as for the next."""
        rights = await self._store.read(rights_of, person.user)
        return rights.owner or rights.global_admin

    async def house(self) -> Written:
        """What the command line's tree and overview show."""
        return await self._house()

    async def timeline(self, session: str) -> Mapping[str, object] | None:
        """The last of each kind."""
        return await self._store.read(timelines.timeline, SessionId(session), now=self._clock.now())

    async def add_link(self, digest: str, person: Person) -> None:
        """Let *person* in, once, with the secret of that digest, for as long as `LINK`."""
        now = self._clock.now()
        await self._store.transact(web_keys.add, digest, KeyKind.LINK, person, expires_at=now + LINK, now=now)

    async def end_all(self, handle: str) -> int:
        """Nothing lets that person in any more; says how many links and logins did."""
        return await self._store.transact(web_keys.end_all, handle)
