"""Channels as the operator manages them: added after their platform was asked, taken up at once, seen, and removed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.actors.acts import Act
from nanoclaw.actors.configured import Broken, Workshop, wanted
from nanoclaw.admin import references
from nanoclaw.channels import registry
from nanoclaw.channels.base import Channel, TellsHealth
from nanoclaw.channels.registry import Checked, Kind
from nanoclaw.core.channels import BadChannel, join_settings, judge_name, sort_settings
from nanoclaw.errors import DeliveryError, UsageError
from nanoclaw.kit.ids import mint
from nanoclaw.model.channels import ConfiguredChannel
from nanoclaw.model.entities import MessagingGroup
from nanoclaw.model.ids import ChannelName, OutboundId
from nanoclaw.model.messages import Address, LedgerState
from nanoclaw.store import channels, ledger, notices
from nanoclaw.store.entities import messaging_groups
from nanoclaw.store.ledger import Lane
from schema.sqlite import Connection

log = structlog.get_logger()

CHECK_SECONDS = 20.0
SEND_SECONDS = 20.0
LOOK_SECONDS = 0.1
MOST_TEXT = 65_536
NONE_OF_THAT_NAME = "no channel called {!r} was added: nanoclaw channels list shows those there are"
OFF = "disabled; what agents say there waits: nanoclaw channels enable {}"
TEST = "This is a test of nanoclaw: whoever reads it here can be written to."

Looks = dict[str, Callable[[Mapping[str, object]], Awaitable[object]]]


@frozen(kw_only=True)
class Rooms:
    """What of the running host is needed."""

    add: Callable[[Channel], None]
    """Hear that channel from now on."""
    remove: Callable[[ChannelName], None]
    state: Callable[[ChannelName], str]
    channels: Mapping[ChannelName, Channel]
    nudge: Callable[[set[Lane]], None]


@define(eq=False)
class ChannelDesk:
    """Answers the command line."""

    _workshop: Workshop
    _house: Rooms
    broken: dict[ChannelName, str] = field(factory=dict[ChannelName, str])
    """Why channels that were added are not there."""
    _kinds: Callable[[], tuple[str, ...]] = registry.names
    _mint: Callable[[str], str] = mint

    @property
    def looks(self) -> Looks:
        """What it answers, by name."""
        return {
            "channels kinds": self.kinds,
            "channels add": Act(self.add, on=("kind", "name")),
            "channels list": self.all,
            "channels remove": Act(self.remove, on=("channel",)),
            "channels enable": Act(self.enable, on=("channel",)),
            "channels disable": Act(self.disable, on=("channel",)),
            "channels test": Act(partial(self.send, test=True), on=("channel", "chat")),
            "send": Act(self.send, on=("to",), digested=("text",)),
        }

    async def kinds(self, _: Mapping[str, object]) -> object:
        """The kinds there are, and what each asks."""
        found: list[dict[str, object]] = []
        for name in await self._workshop.threads.run(self._kinds):
            try:
                kind = await self._workshop.threads.run(self._workshop.load, name)
            except UsageError as exc:
                found.append({"kind": name, "title": "", "asks": [], "why_not": str(exc)})
                continue
            asks = [
                {"name": one.name, "question": one.question, "secret": one.secret, "default": one.default}
                for one in kind.asks
            ]
            found.append({"kind": name, "title": kind.title, "asks": asks, "why_not": None})
        return found

    async def add(self, asked: Mapping[str, object]) -> object:
        """Add a channel, if its platform takes the settings. Raises `UsageError`; then nothing is changed."""
        kind = await self._workshop.threads.run(self._workshop.load, str(asked.get("kind")))
        name = ChannelName(str(asked.get("name") or kind.name))
        rows = await self._workshop.store.read(channels.every)
        bad = judge_name(name, {row.name for row in rows} | set(self._house.channels))
        said = asked.get("settings")
        kept = sort_settings(
            wanted(kind), {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}
        )
        if bad is not None:
            raise UsageError(bad.why)
        if isinstance(kept, BadChannel):
            raise UsageError(kept.why)
        settings = join_settings(wanted(kind), kept.plain, kept.secret)
        assert not isinstance(settings, BadChannel)
        checked = await self._check(kind, name, settings)
        try:
            await self._workshop.threads.run(self._workshop.secrets.set, name, kept.secret)
        except OSError as exc:
            raise UsageError(f"{self._workshop.secrets.path} cannot be written: {exc.strerror}") from exc
        row = ConfiguredChannel(
            name=name,
            kind=kind.name,
            settings=json.dumps(kept.plain),
            created_at=self._workshop.clock.now(),
            enabled=True,
        )
        await self._workshop.store.transact(channels.add, row)
        log.info("channel_added", channel=name, kind=kind.name, account=checked.account)
        await self._take_up(row, "was added")
        return {"channel": name, "account": checked.account, "notes": list(checked.notes)}

    async def _take_up(self, row: ConfiguredChannel, what: str) -> None:
        """Hear a channel, and say on it what waits. Raises `UsageError` if it cannot be made."""
        made = await self._workshop.make(row)
        if isinstance(made, Broken):
            self.broken[row.name] = made.why
            raise UsageError(f"{row.name} {what}, but it cannot be heard: {made.why}")
        self.broken.pop(row.name, None)
        self._house.add(made)
        self._house.nudge(set(await self._workshop.store.read(ledger.lanes)))

    async def enable(self, asked: Mapping[str, object]) -> object:
        """Hear a channel again that was disabled. Raises `UsageError` if there is none, or it cannot be made."""
        row = await self._set(asked, enabled=True)
        if row.name not in self._house.channels:
            await self._take_up(row, "is enabled")
        return {"channel": row.name}

    async def disable(self, asked: Mapping[str, object]) -> object:
        """Hear a channel no more, nor say anything on it, until it is enabled. Raises `UsageError` if there is none."""
        row = await self._set(asked, enabled=False)
        self._house.remove(row.name)
        self.broken.pop(row.name, None)
        return {"channel": row.name}

    async def _set(self, asked: Mapping[str, object], *, enabled: bool) -> ConfiguredChannel:
        name = ChannelName(str(asked.get("channel")))
        if not await self._workshop.store.transact(channels.set_enabled, name, enabled=enabled):
            raise UsageError(NONE_OF_THAT_NAME.format(name))
        log.info("channel_enabled" if enabled else "channel_disabled", channel=name)
        (row,) = [one for one in await self._workshop.store.read(channels.every) if one.name == name]
        return row

    async def _check(self, kind: Kind, name: ChannelName, settings: Mapping[str, str]) -> Checked:
        try:
            with trio.fail_after(CHECK_SECONDS):
                return await kind.check(self._workshop.means(name, settings))
        except UsageError as exc:
            raise UsageError(f"{exc}. Nothing was changed") from None
        except DeliveryError as exc:
            raise UsageError(f"{kind.title} cannot be asked: {exc.why}. Nothing was changed") from None
        except trio.TooSlowError:
            raise UsageError(f"{kind.title} did not answer within {CHECK_SECONDS:g} s. Nothing was changed") from None

    async def all(self, _: Mapping[str, object]) -> list[dict[str, object]]:
        """Every channel of this host, and how it is; those that were added by their names."""
        rows = {row.name: row for row in await self._workshop.store.read(channels.every)}
        found: list[dict[str, object]] = []
        for name in [*(name for name in self._house.channels if name not in rows), *rows]:
            row = rows.get(name)
            channel: object = self._house.channels.get(name)
            state, why, heard = "running", "", None
            if row is not None:
                state = "off" if not row.enabled else "broken" if channel is None else self._house.state(name)
                why = self.broken.get(name, "") if state == "broken" else OFF.format(name) if state == "off" else ""
            if isinstance(channel, TellsHealth):
                health = channel.health()
                heard = None if health.heard is None else round(trio.current_time() - health.heard, 1)
                why = why or health.why
            kind = "" if row is None else row.kind
            found.append({"channel": name, "kind": kind, "state": state, "heard_seconds_ago": heard, "why": why})
        return found

    async def remove(self, asked: Mapping[str, object]) -> object:
        """Forget a channel, with its secrets. Raises `UsageError` if there is none."""
        name = ChannelName(str(asked.get("channel")))
        if not await self._workshop.store.transact(channels.remove, name):
            raise UsageError(NONE_OF_THAT_NAME.format(name))
        self._house.remove(name)
        self.broken.pop(name, None)
        try:
            await self._workshop.threads.run(self._workshop.secrets.remove, name)
        except OSError as exc:
            raise UsageError(
                f"{name} is removed, but its secrets are still in {self._workshop.secrets.path}: {exc.strerror}"
            ) from exc
        log.info("channel_removed", channel=name)
        return {"channel": name}

    async def send(self, asked: Mapping[str, object], *, test: bool = False) -> object:
        """Say something to a chat in the host's own name, by way of the ledger; says what became of it so far."""
        text = TEST if test else str(asked.get("text") or "")
        if not text.strip() or len(text) > MOST_TEXT:
            raise UsageError(f"there has to be something to say, of at most {MOST_TEXT:,} characters")
        store, key = self._workshop.store, self._mint("say")
        if test:
            channel = ChannelName(str(asked.get("channel")))
            chat = await store.read(_chat_on, channel, str(asked.get("chat") or ""))
        else:
            chat = await store.read(references.chat, str(asked.get("to")))
        if chat.channel not in self._house.channels:
            why = self.broken.get(chat.channel, "it was not added, or is disabled")
            raise UsageError(f"the channel {chat.channel} is not there: {why}")
        to = Address(channel=chat.channel, platform_id=chat.platform_id)
        lanes = await store.transact(notices.tell_chat, None, to, key=key, text=text, now=self._workshop.clock.now())
        self._house.nudge(lanes)
        row = OutboundId(f"home/host/{key}")
        with trio.move_on_after(SEND_SECONDS):
            while True:
                now = await store.read(ledger.get, row)
                if now is None or now.state not in {LedgerState.PENDING, LedgerState.SENDING}:
                    break
                await trio.sleep(LOOK_SECONDS)
        now = await store.read(ledger.get, row)
        state, why = ("unknown", "") if now is None else (now.state.value, now.error or "")
        return {"message": row, "chat": f"{chat.channel}/{chat.platform_id}", "state": state, "why": why}


def _chat_on(conn: Connection, channel: ChannelName, typed: str) -> MessagingGroup:
    """The chat that is meant by *typed* on that channel; by nothing, the only one there. Raises `UsageError`."""
    if typed:
        chat = references.chat(conn, typed)
        if chat.channel != channel:
            raise UsageError(f"{typed!r} is a chat of the channel {chat.channel}, not of {channel}")
        return chat
    there = [one for one in messaging_groups(conn) if one.channel == channel]
    match there:
        case [one]:
            return one
        case []:
            raise UsageError(
                f"no chat of {channel} is known yet: write to it there first, or add it with nanoclaw chats"
            )
        case _:
            some = ", ".join(f"{one.name} ({one.id})" for one in there[:5])
            raise UsageError(f"{channel} has several chats: say which with --to, such as {some}")
