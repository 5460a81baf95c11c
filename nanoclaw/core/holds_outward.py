"""What holds up a lane, and how a channel is. Pure; see `core/holds.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from nanoclaw.core.holds_words import Hold, Reason, ago, at, bad, good, waits
from nanoclaw.model.ids import ChannelName, OutboundId
from nanoclaw.model.messages import AGENTS, LedgerState
from nanoclaw.model.overview import ChannelView, LaneRecord


def channel_hold(seen: ChannelView) -> Hold:
    """How a channel is."""
    name, why = seen.name, f": {seen.why}" if seen.why else ""
    test = f"nanoclaw channels test {name}"
    match seen.state:
        case "running" if not seen.why:
            heard = "" if seen.heard is None else f", heard {ago(seen.heard)} ago"
            return good(Reason.HEARS, f"running{heard}")
        case "running":
            return bad(Reason.CHANNEL_DOWN, f"it does not hear its platform{why}", test)
        case "off":
            return waits(Reason.OFF, "it is switched off")
        case "broken":
            return bad(Reason.CHANNEL_DOWN, f"it cannot be set up{why}", f"nanoclaw channels remove {name}, and add it")
        case _:
            return bad(Reason.CHANNEL_DOWN, f"it is down and {seen.state}{why}", f"{test}; it is tried again by itself")


def lane_hold(
    lane: LaneRecord, channels: Mapping[ChannelName, ChannelView], *, reply: OutboundId | None, now: datetime
) -> Hold:
    """What holds up *reply*, which waits on *lane*; None: the first that waits there."""
    where = f"{lane.channel}/{lane.platform_id}"
    channel = channels.get(lane.channel)
    if channel is None and lane.channel != AGENTS:
        words = f"a reply waits for the channel {lane.channel}, which this host does not have"
        return bad(Reason.NO_CHANNEL, words, "nanoclaw channels add KIND --name " + lane.channel)
    if channel is not None:
        how = channel_hold(channel)
        if how.reason in {Reason.CHANNEL_DOWN, Reason.OFF}:
            mend = how.mend or "nanoclaw channels list"
            return bad(Reason.CHANNEL_DOWN, f"a reply waits for the channel {lane.channel}: {how.words}", mend)
    if reply is not None and reply != lane.head:
        words = f"a reply waits behind {lane.head} in {where}"
        return waits(Reason.BEHIND, words, f"nanoclaw why {lane.head}")
    if lane.state is LedgerState.SENDING:
        return waits(Reason.SENDING, f"a reply is being sent to {where}")
    if lane.not_before is not None and lane.not_before > now:
        tries = f", after {lane.attempts} attempts" if lane.attempts else ""
        error = f": {lane.error}" if lane.error else ""
        return waits(Reason.SENT_LATER, f"a reply is sent at {at(lane.not_before)}{tries}{error}")
    if (now - lane.since).total_seconds() < 1:
        return waits(Reason.SENDING, f"a reply is about to be sent to {where}")
    return waits(Reason.NOBODY, f"a reply waits until somebody is there in {where}", "open the chat")
