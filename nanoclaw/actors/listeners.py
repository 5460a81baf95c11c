"""Who listens to plain messages where, in memory: what a channel asks before it tells of one and fetches its files.

It never says that nobody does while somebody may. What it knows of a chat was read after every change to it; from the
middle of the transaction that changes it until it is read again, it says that somebody may be there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from attrs import define, evolve, field, frozen

from nanoclaw.core.listening import QUIET
from nanoclaw.model.ids import ChannelName
from nanoclaw.store import listening
from nanoclaw.store.db import Store
from nanoclaw.store.listening import Heard, Place
from schema.sqlite import Connection

NOBODY = Heard(how=QUIET)


@frozen
class _Known:
    change: int
    """The last change that it knows of."""
    heard: Heard


@define(eq=False)
class Listeners:
    """Begins with a look at everything; until then somebody may be anywhere.

    The changes are noted on the store's thread, in the middle of its transactions, and read on the loop: each is one
    step of a dictionary or a set, and none is taken back before it is known otherwise.
    """

    _begun: bool = field(default=False, init=False)
    _changes: Callable[[], int] = field(factory=lambda: count(1).__next__, init=False)
    _changed: dict[Place, int] = field(factory=dict[Place, int], init=False)
    """The last change of each chat. Written on the store's thread alone."""
    _engaged: dict[Place, set[str]] = field(factory=dict[Place, set[str]], init=False)
    """Threads in which an agent has engaged since the last look at their chat, or may have. Added to on the store's
    thread alone, and taken from by a look that has found them."""
    _known: dict[Place, _Known] = field(factory=dict[Place, _Known], init=False)

    async def begin(self, store: Store) -> None:
        """Look at everything, and watch it from now on. To be called once, before anybody changes anything.

        Raises:
          StoreError: it cannot be looked at.

        Cancellation: leaves it as if it had not begun.
        """
        known = await store.transact(self._watch)
        self._known |= known
        self._begun = True

    def may_hear(self, channel: ChannelName, platform_id: str, thread_id: str | None) -> bool:
        """May a plain message there be heard by anybody? Never blocks.

        All changes that were committed before are known.
        """
        place = (channel, platform_id)
        known = self._known.get(place)
        if not self._begun or self.is_stale(channel, platform_id):
            return True
        if known is None or known.heard.how == QUIET:
            return False
        if known.heard.how.always:
            return True
        return thread_id is not None and (thread_id in known.heard.threads or thread_id in self._engaged.get(place, ()))

    def is_stale(self, channel: ChannelName, platform_id: str) -> bool:
        """Has anything changed about that chat since it was looked at?"""
        changed = self._changed.get((channel, platform_id))
        known = self._known.get((channel, platform_id))
        return changed is not None and (known is None or known.change != changed)

    async def look(self, store: Store, channel: ChannelName, platform_id: str) -> None:
        """Look at that chat again.

        Raises:
          StoreError: it cannot be looked at.

        Cancellation: leaves it as it was.
        """
        place = (channel, platform_id)
        # Not a read: that would see what was committed, and this what has changed, which may be more.
        found = await store.transact(self._look, place)
        known = self._known.get(place)
        if known is None or known.change <= found.change:
            if known is not None and known.change == found.change:
                # Looks end in any order, and without a change threads only come: none of them has seen one too many.
                threads = known.heard.threads | found.heard.threads
                found = evolve(found, heard=evolve(found.heard, threads=threads))
            self._known[place] = found
            # Known now, and so not to be kept twice: one step, whatever the store's thread adds meanwhile.
            self._engaged.get(place, set()).difference_update(found.heard.threads)

    def _watch(self, conn: Connection) -> dict[Place, _Known]:
        """On the store's thread."""
        listening.watch(conn, self._note_change, self._note_engaged)
        return {place: _Known(0, heard) for place, heard in listening.heard_everywhere(conn).items()}

    def _look(self, conn: Connection, place: Place) -> _Known:
        """On the store's thread."""
        return _Known(self._changed.get(place, 0), listening.heard_in(conn, place))

    def _note_change(self, place: Place) -> None:
        """On the store's thread."""
        self._changed[place] = self._changes()

    def _note_engaged(self, place: Place, thread: str) -> None:
        """On the store's thread."""
        self._engaged.setdefault(place, set()).add(thread)
