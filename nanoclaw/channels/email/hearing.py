"""Hearing a mailbox: what came after the last mail that is safe, in its order, and then the news, as they come.

A mail is known by its number in the inbox, which is good as long as the inbox has the same validity (RFC 3501,
2.3.1.1). Where that has changed, as after a restore, everything since the day of the last mail is looked at anew: what
is told twice is the same mail, and stored once. The server tells of news (IDLE), and is asked besides: it may miss
some.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.channels.base import NotHeard, Receive
from nanoclaw.channels.email.bounces import Bounce
from nanoclaw.channels.email.codec import Account, CameBack, Nothing, Said, understand
from nanoclaw.channels.email.composing import is_ours
from nanoclaw.channels.email.imap import Fetched, Mailbox
from nanoclaw.channels.email.topics import MARK as TOPICS
from nanoclaw.channels.email.topics import Topics
from nanoclaw.channels.registry import Means
from nanoclaw.kit.spool import Spool
from nanoclaw.model.files import NewAttachment
from nanoclaw.model.ids import UNVERIFIED
from nanoclaw.model.messages import Rejection

log = structlog.get_logger()

MARK = "inbox"
BEFORE = timedelta(hours=1)
"""How much earlier than the last mail one may have come that was numbered anew: clocks of servers differ."""
AGAIN_SECONDS = 0.5


@frozen(kw_only=True)
class Place:
    """How far the inbox was read."""

    validity: int
    uid: int
    at: datetime
    """When the last mail that was read had come; in the beginning, when we did."""

    @classmethod
    def of(cls, kept: str | None) -> Place | None:
        """As it was kept; None: it was not."""
        if kept is None:
            return None
        found = json.loads(kept)
        return cls(validity=found["validity"], uid=found["uid"], at=datetime.fromisoformat(found["at"]))

    def kept(self) -> str:
        """To be kept."""
        return json.dumps({"validity": self.validity, "uid": self.uid, "at": self.at.isoformat()})


@define(eq=False)
class Hearing:
    """One login that listens."""

    _mailbox: Mailbox
    _me: Account
    _means: Means
    _receive: Receive
    _topics: Topics
    _every: float
    """Seconds between looks, whether or not the server tells of news."""
    _is_under_way: Callable[[str, str], bool] = field(default=lambda _, __: False, kw_only=True)
    """Is the mail of that id being sent to that conversation, or was a moment ago?"""
    _seen: bool = field(default=True, init=False)
    """Does the server let us mark mails?"""

    async def run(self, heard: Callable[[], None]) -> None:
        """Hear until cancelled; *heard* is called at each answer. Raises `DeliveryError`, and what *receive* does."""
        place = await self._begin()
        heard()
        while True:
            for uid in await self._mailbox.after(place.uid):
                place = await self._take(uid, place)
                heard()
            heard()
            await self._mailbox.wait(self._every)

    async def _begin(self) -> Place:
        standing = await self._mailbox.stand()
        place = Place.of(await self._means.marks.get(MARK))
        if place is None:
            place = Place(validity=standing.validity, uid=standing.next - 1, at=self._means.clock.now())
            await self._keep(place)
        elif place.validity != standing.validity:
            log.warning("email_numbered_anew", channel=self._me.channel, since=place.at.isoformat())
            place = await self._catch_up(attrs.evolve(place, validity=standing.validity, uid=standing.next - 1))
        return place

    async def _catch_up(self, place: Place) -> Place:
        """Tell what has come since *place*, by the time at which it came. The place is kept once all of it is safe.

        Its number is that of the last mail there was when we came: those after it have come since.
        """
        earliest = place.at - BEFORE
        last = place
        for uid in await self._mailbox.since(earliest.astimezone(UTC).date() - timedelta(days=1)):
            mail = await self._mailbox.fetch(uid)
            if mail is not None and mail.at >= earliest:
                await self._tell(mail)
                last = attrs.evolve(last, at=max(mail.at, last.at))
            last = attrs.evolve(last, uid=max(uid, last.uid))
        await self._keep(last)
        return last

    async def _take(self, uid: int, place: Place) -> Place:
        mail = await self._mailbox.fetch(uid)
        told = mail is not None and await self._tell(mail)
        at = place.at if mail is None else max(mail.at, place.at)
        place = attrs.evolve(place, uid=uid, at=at)
        await self._keep(place)
        if told:
            await self._mailbox.mark_seen(uid)
        return place

    async def _tell(self, mail: Fetched) -> bool:
        """Tell of a mail, if it is for us; says whether it was."""
        size = None if mail.whole else mail.size
        meaning = await trio.to_thread.run_sync(lambda: understand(mail.raw, self._me, size=size))
        match meaning:
            case Nothing(why, weighty):
                tell = log.warning if weighty else log.info
                tell("email_not_told", channel=self._me.channel, why=why)
                return False
            case CameBack(bounces):
                for one in bounces:
                    await self._take_back(one)
                return True
            case Said(event=event):
                if meaning.why_unverified:
                    why = meaning.why_unverified
                    log.info("email_unverified", channel=self._me.channel, user=event.sender_id, why=why)
                chat, own = event.platform_id, meaning.known[-1]
                first = self._topics.first(chat, meaning.known[:-1]) or meaning.known[0]
                kept = await trio.to_thread.run_sync(_spooled, self._means.spool, meaning)
                await self._receive(attrs.evolve(event, thread_id=first, attachments=kept))
                self._topics.saw(chat, first, own, meaning.subject)
                await self._means.marks.put(TOPICS, self._topics.kept())
                return True

    async def _take_back(self, bounce: Bounce) -> None:
        """Tell of a mail of ours that did not arrive. Whether it is one, and went there, the ledger knows."""
        why = NotHeard("unknown-message", "its id is none of ours")
        names = [f"{kind}{address}" for address in bounce.recipients for kind in ("", UNVERIFIED)]
        for name in names if is_ours(bounce.message_id) else ():
            told = Rejection(
                channel=self._me.channel,
                platform_message_id=f"{bounce.message_id} {name}",
                platform_id=name,
                why=bounce.why,
            )
            receipt = await self._receive(told)
            # A server may be so quick that the mail is not on record yet as one that was sent.
            while isinstance(receipt, NotHeard) and self._is_under_way(bounce.message_id, name):
                await trio.sleep(AGAIN_SECONDS)
                receipt = await self._receive(told)
            if not isinstance(receipt, NotHeard):
                return
            why = receipt
        log.warning("email_bounce_left", channel=self._me.channel, mail=bounce.message_id, why=why.detail)

    async def _keep(self, place: Place) -> None:
        await self._means.marks.put(MARK, place.kept())


def _spooled(spool: Spool, said: Said) -> tuple[NewAttachment, ...]:
    kept = []
    for file in said.files:
        with spool.begin() as writing:
            writing.write(file.data)
            kept.append(NewAttachment(name=file.name, mime_type=file.mime_type, file=writing.finish()))
    return tuple(kept)
