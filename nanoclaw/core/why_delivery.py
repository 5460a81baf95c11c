"""What became of a reply on its way to a platform, for `core/why.py`. Pure."""

from __future__ import annotations

from nanoclaw.core.why_hops import Hop, Mark, span
from nanoclaw.model.messages import AGENTS, LedgerState
from nanoclaw.model.stories import Reply, Story

UP = "nanoclaw up"


def reply_hop(story: Story, reply: Reply) -> Hop:
    """The hop of one message out."""
    row = reply.row
    where = f"{row.channel}/{row.platform_id}"
    match row.state:
        case LedgerState.DELIVERED:
            tries = f" at attempt {row.attempts}" if row.attempts > 1 else ""
            name = f" as {row.platform_message_id}" if row.platform_message_id else ""
            note = f"; {row.error}" if row.error else ""
            words = f"arrived in {where}{name}{tries}, {span(row.created_at, row.settled_at)}after it was said{note}"
            return Hop(name="delivery", mark=Mark.GOOD, at=row.settled_at, words=words)
        case LedgerState.DEAD:
            words = f"did not arrive in {where}: {row.error or 'nobody said why'}"
            mend = f"mend that, then nanoclaw dead retry {row.id}"
            return Hop(name="delivery", mark=Mark.BAD, at=row.settled_at, words=words, mend=mend)
        case LedgerState.REJECTED:
            words = f"was taken for {where}, and rejected later: {row.error or 'nobody said why'}"
            mend = f"mend that, then nanoclaw dead retry {row.id}"
            return Hop(name="delivery", mark=Mark.BAD, at=row.settled_at, words=words, mend=mend)
        case LedgerState.UNKNOWN:
            words = f"may have arrived in {where} or not: {row.error or 'nobody said why'}"
            mend = f"look there; then nanoclaw dead retry {row.id}, or nanoclaw dead drop {row.id}"
            return Hop(name="delivery", mark=Mark.BAD, at=row.settled_at, words=words, mend=mend)
        case LedgerState.SENDING | LedgerState.PENDING:
            return _undecided(story, reply, where)


def _undecided(story: Story, reply: Reply, where: str) -> Hop:
    row, live = reply.row, story.live

    def hop(mark: Mark, words: str, mend: str = "") -> Hop:
        return Hop(name="delivery", mark=mark, at=row.created_at, words=words, mend=mend)

    if live is None:
        how = "was being sent when the host ended" if row.state is LedgerState.SENDING else "has not been sent"
        return hop(Mark.BAD, f"the answer {how}, and no host runs", UP)
    if row.channel not in live.channels and row.channel != AGENTS:
        mend = "set the channel up again; the answer waits for it"
        return hop(Mark.BAD, f"the answer waits for the channel {row.channel}, which this host does not have", mend)
    if reply.behind is not None:
        return hop(Mark.WAITS, f"the answer waits behind {reply.behind}", f"nanoclaw why {reply.behind}")
    if row.state is LedgerState.SENDING:
        return hop(Mark.WAITS, f"the answer is being sent to {where}")
    if row.not_before is not None and row.not_before > story.now:
        words = f"the answer is sent again at {row.not_before:%H:%M:%S} UTC, after {row.attempts} attempts"
        return hop(Mark.WAITS, f"{words}: {row.error}" if row.error else words)
    return hop(Mark.WAITS, f"the answer waits until somebody is there in {where}", "open the chat")
