"""Messages of the SDK as events of a provider. Pure, but for what it remembers: the session, and what has been paid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from attrs import define, field
from claude_agent_sdk import (
    AssistantMessage,
    Message,
    RateLimitEvent,
    ResultMessage,
    StreamEvent,
    SystemMessage,
    TextBlock,
    ToolResultBlock,
    UserMessage,
)

from runner.providers.base import (
    Activity,
    Compacted,
    Event,
    Init,
    ProviderError,
    Result,
    TextDelta,
    Trouble,
    Usage,
    Waiting,
)
from runner.providers.claude.points import name_point
from runner.providers.claude.trouble import classify, waits_for

COMPACTED = "I have shortened my memory of our conversation. What was said is kept in my folder, under conversations/."
SYNTHETIC = "<synthetic>"
"""The model of messages that the command line has made up itself."""


@define(eq=False)
class Reading:
    """Reads the messages of one connection, in order."""

    _now: Callable[[], datetime]
    _session: str | None = field(default=None, init=False)
    _model: str | None = field(default=None, init=False)
    """The one that answered last."""
    _reached: str | None = field(default=None, init=False)
    """The id of what it said last, in the session's transcript."""
    _paid: float = field(default=0.0, init=False)
    """Dollars, for all results so far: the command line adds them up."""
    _said: list[str] = field(factory=list[str], init=False)
    """What the model has said since the last result."""
    _asked_to_compact: bool = field(default=False, init=False)
    """Somebody did, in this turn, and would like to know that it is done."""
    _limit_ends: float | None = field(default=None, init=False)
    """When the limit ends that the model's provider has announced, in seconds since 1970."""

    def events(self, message: Message) -> list[Event]:
        """What *message* comes to; never nothing, as it is a sign of life in any case."""
        return list(self._read(message)) or [Activity()]

    def _read(self, message: Message) -> Iterator[Event]:
        match message:
            case ResultMessage():
                yield self._result(message)
            case AssistantMessage(model=model, parent_tool_use_id=None, uuid=reached) if model != SYNTHETIC:
                self._model, self._reached = model, reached
                self._said += [block.text for block in message.content if isinstance(block, TextBlock)]
            case StreamEvent(event=event, parent_tool_use_id=None):
                if text := _delta(event):
                    yield TextDelta(text)
            case RateLimitEvent(rate_limit_info=info):
                if info.status == "rejected":
                    self._limit_ends = info.resets_at
                    yield Waiting(Trouble.RATE_LIMIT, self._until_limit_ends())
            case SystemMessage(subtype=subtype, data=data):
                yield from self._system(subtype, data)
            case _:
                return

    def _system(self, subtype: str, data: dict[str, Any]) -> Iterator[Event]:
        match subtype:
            case "init":
                session = data.get("session_id")
                if isinstance(session, str) and session != self._session:
                    self._session, self._reached = session, None
                    yield Init(session)
            case "api_retry":
                yield self._retry(data)
            case "compact_boundary":
                about = data.get("compact_metadata")
                self._asked_to_compact = isinstance(about, dict) and about.get("trigger") == "manual"
                yield Compacted()
            case _:
                return

    def _retry(self, data: dict[str, Any]) -> Waiting | ProviderError:
        """It is going to ask again. What is refused twice is refused, and not in three minutes."""
        status, delay, said = _whole(data.get("error_status")), data.get("retry_delay_ms"), str(data.get("error"))
        why = waits_for(status, said)
        if why is Trouble.REFUSED and (_whole(data.get("attempt")) or 0) > 1:
            return classify(f"API Error {status}: {said}", status=status, now=self._now())
        return Waiting(why, delay / 1000 if isinstance(delay, int | float) else None)

    def _result(self, message: ResultMessage) -> Result | ProviderError:
        said, self._said = self._said, []
        if message.is_error:
            return self._failure(message)
        self._limit_ends = None
        compacted, self._asked_to_compact = self._asked_to_compact, False
        text = message.result or (COMPACTED if compacted else None)
        # The result repeats what was said last.
        before = said[:-1] if said and said[-1].strip() == (message.result or "").strip() else said
        return Result(text, self._usage(message), "\n\n".join(before), name_point(self._session, self._reached))

    def _failure(self, message: ResultMessage) -> ProviderError:
        said = "; ".join(message.errors or ()) or message.result or message.subtype
        interrupted = (message.terminal_reason or "").startswith("aborted")
        error = classify(said, status=message.api_error_status, crashed=interrupted, now=self._now())
        if error.trouble is Trouble.RATE_LIMIT and error.retry_after is None:
            return ProviderError(
                message=error.message,
                retryable=error.retryable,
                trouble=error.trouble,
                retry_after=self._until_limit_ends(),
            )
        return error

    def _until_limit_ends(self) -> float | None:
        return None if self._limit_ends is None else max(0.0, self._limit_ends - self._now().timestamp())

    def _usage(self, message: ResultMessage) -> Usage | None:
        counted = message.usage
        if not isinstance(counted, dict):
            return None
        cached = _tokens(counted, "cache_read_input_tokens")
        read = _tokens(counted, "input_tokens") + _tokens(counted, "cache_creation_input_tokens") + cached
        return Usage(
            read=read,
            written=_tokens(counted, "output_tokens"),
            cached=cached,
            cost_usd=self._cost(message),
            model=self._model,
        )

    def _cost(self, message: ResultMessage) -> float | None:
        paid = message.total_cost_usd
        if paid is None:
            return None
        before, self._paid = self._paid, paid
        # After a `/clear` it starts again at nothing.
        return paid - before if paid >= before else paid


def taken_in(message: Message) -> list[str]:
    """Our names of the inputs that the turn has taken in that *message* is of, as far as it says."""
    match message:
        case ResultMessage() | AssistantMessage() | StreamEvent():
            one = message.user_message_uuid
            return [*(message.user_message_uuids or ()), *([] if one is None else [one])]
        case SystemMessage(subtype="status", data={"user_message_uuids": list(found)}):
            # It is about to ask the model; the first to say so.
            return [one for one in found if isinstance(one, str)]
        case _:
            return []


def tools_ended(message: Message) -> list[str]:
    """The uses of tools whose results are in *message*."""
    content = message.content if isinstance(message, UserMessage) else ()
    return [block.tool_use_id for block in content if isinstance(block, ToolResultBlock)]


def _delta(event: dict[str, Any]) -> str:
    match event:
        case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
            return text
        case _:
            return ""


def _whole(value: object) -> int | None:
    return value if type(value) is int else None


def _tokens(counted: dict[str, Any], key: str) -> int:
    return max(0, _whole(counted.get(key)) or 0)
