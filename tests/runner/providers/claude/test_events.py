"""What the SDK says, and what it comes to as events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from claude_agent_sdk import (
    AssistantMessage,
    Message,
    RateLimitEvent,
    RateLimitInfo,
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
from runner.providers.claude.events import COMPACTED, Reading, taken_in, tools_ended

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
COUNTED = {
    "input_tokens": 3,
    "cache_creation_input_tokens": 20,
    "cache_read_input_tokens": 100,
    "output_tokens": 7,
}


def result(text: str | None = "done", **more: Any) -> ResultMessage:
    fields: dict[str, Any] = {
        "subtype": "success",
        "duration_ms": 1,
        "duration_api_ms": 1,
        "is_error": False,
        "num_turns": 1,
        "session_id": "s",
        "result": text,
    }
    return ResultMessage(**fields | more)


def streamed(event: dict[str, Any], parent: str | None = None) -> StreamEvent:
    return StreamEvent(uuid="u", session_id="s", event=event, parent_tool_use_id=parent)


def delta(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def system(subtype: str, **data: Any) -> SystemMessage:
    return SystemMessage(subtype=subtype, data=data)


def limit(status: Any, resets_at: int | None = None) -> RateLimitEvent:
    return RateLimitEvent(RateLimitInfo(status=status, resets_at=resets_at), uuid="u", session_id="s")


@pytest.mark.parametrize(
    ("message", "events"),
    [
        (system("init", session_id="s"), [Init("s")]),
        (system("status", status="compacting"), [Activity()]),
        (system("compact_boundary"), [Compacted()]),
        (system("task_progress"), [Activity()]),
        (
            system("api_retry", attempt=1, retry_delay_ms=1500, error_status=529),
            [Waiting(Trouble.OVERLOADED, 1.5)],
        ),
        (
            system("api_retry", retry_delay_ms=500, error_status=None, error="unknown"),
            [Waiting(Trouble.NETWORK, 0.5)],
        ),
        (system("api_retry", error_status=429), [Waiting(Trouble.RATE_LIMIT, None)]),
        (streamed(delta("half a")), [TextDelta("half a")]),
        (streamed(delta("half a"), parent="toolu_1"), [Activity()]),
        (streamed({"type": "ping"}), [Activity()]),
        (AssistantMessage(content=[TextBlock("hello")], model="m"), [Activity()]),
        (UserMessage(content="hello"), [Activity()]),
        (limit("allowed"), [Activity()]),
        (limit("rejected", int(NOW.timestamp()) + 60), [Waiting(Trouble.RATE_LIMIT, 60.0)]),
        (result(), [Result("done", None)]),
        (result(""), [Result(None, None)]),
        (result(usage=COUNTED), [Result("done", Usage(read=123, written=7, cached=100))]),
    ],
)
def test_each_message_is_an_event(message: Message, events: list[Event]) -> None:
    assert Reading(lambda: NOW).events(message) == events


def test_a_result_names_the_model_that_answered_and_not_the_command_line() -> None:
    reading = Reading(lambda: NOW)
    for model in ("claude-opus-5", "<synthetic>"):
        reading.events(AssistantMessage(content=[], model=model))
    reading.events(AssistantMessage(content=[], model="claude-haiku-5", parent_tool_use_id="toolu_1"))
    (found,) = reading.events(result(usage=COUNTED))
    assert isinstance(found, Result)
    assert found.usage is not None
    assert found.usage.model == "claude-opus-5"


def test_what_is_refused_twice_is_not_asked_for_a_third_time() -> None:
    reading = Reading(lambda: NOW)
    (first,) = reading.events(system("api_retry", attempt=1, retry_delay_ms=500, error_status=401))
    (second,) = reading.events(system("api_retry", attempt=2, retry_delay_ms=500, error_status=401))
    assert first == Waiting(Trouble.REFUSED, 0.5)
    assert isinstance(second, ProviderError)
    assert second.trouble is Trouble.REFUSED


@pytest.mark.parametrize(("trigger", "text"), [("manual", COMPACTED), ("auto", None)])
def test_who_asked_for_a_compaction_is_told_that_it_is_done(trigger: str, text: str | None) -> None:
    reading = Reading(lambda: NOW)
    reading.events(system("compact_boundary", compact_metadata={"trigger": trigger, "pre_tokens": 9}))
    assert reading.events(result("")) == [Result(text, None)]
    assert reading.events(result("")) == [Result(None, None)]


def test_a_session_is_said_once() -> None:
    reading = Reading(lambda: NOW)
    said = [reading.events(system("init", session_id=session)) for session in ("a", "a", "b")]
    assert said == [[Init("a")], [Activity()], [Init("b")]]


def test_a_result_costs_what_came_on_top_of_those_before() -> None:
    reading = Reading(lambda: NOW)
    costs = []
    for paid in (0.5, 0.75, 0.25):
        (found,) = reading.events(result(usage=COUNTED, total_cost_usd=paid))
        assert isinstance(found, Result)
        assert found.usage is not None
        costs.append(found.usage.cost_usd)
    assert costs == [0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("more", "trouble", "retryable"),
    [
        ({"api_error_status": 529, "result": "API Error: Overloaded"}, Trouble.OVERLOADED, True),
        ({"api_error_status": 400, "result": "API Error: no"}, Trouble.REFUSED, False),
        ({"subtype": "error_during_execution", "errors": ["No conversation found"]}, Trouble.UNKNOWN_SESSION, False),
        ({"subtype": "error_during_execution", "terminal_reason": "aborted_tools"}, Trouble.CRASHED, True),
        ({"subtype": "error_max_turns"}, Trouble.REFUSED, False),
    ],
)
def test_a_result_that_is_an_error_is_an_error(more: dict[str, Any], trouble: Trouble, retryable: bool) -> None:
    (error,) = Reading(lambda: NOW).events(result(**{"text": None, "is_error": True, **more}))
    assert isinstance(error, ProviderError)
    assert (error.trouble, error.retryable) == (trouble, retryable)


def test_a_limit_that_was_announced_says_when_to_ask_again() -> None:
    reading = Reading(lambda: NOW)
    reading.events(limit("rejected", int(NOW.timestamp()) + 60))
    (error,) = reading.events(result("limited", is_error=True, api_error_status=429))
    assert isinstance(error, ProviderError)
    assert error.retry_after == 60.0


def test_a_turn_says_which_inputs_it_has_taken_in() -> None:
    assert taken_in(result(user_message_uuid="b", user_message_uuids=["a", "b"])) == ["a", "b", "b"]
    assert taken_in(result(user_message_uuid="a")) == ["a"]
    assert taken_in(result()) == []
    assert taken_in(system("status", status="requesting", user_message_uuids=["a", "b"])) == ["a", "b"]
    assert taken_in(system("status", status=None)) == []
    assert taken_in(UserMessage(content="hello", uuid="a")) == []


def test_a_result_of_a_tool_ends_its_use() -> None:
    assert tools_ended(UserMessage(content=[ToolResultBlock(tool_use_id="toolu_1", content="42")])) == ["toolu_1"]
    assert tools_ended(UserMessage(content="hello")) == []


def spoken(*texts: str, model: str = "m", parent: str | None = None) -> AssistantMessage:
    return AssistantMessage(content=[TextBlock(text) for text in texts], model=model, parent_tool_use_id=parent)


def test_what_was_said_between_tools_comes_with_the_result_that_ends_it_and_with_no_other() -> None:
    reading = Reading(lambda: NOW)
    for message in (spoken("Let me look."), spoken("help", parent="tool"), spoken("two", "files")):
        assert reading.events(message) == [Activity()]
    assert reading.events(result("files")) == [Result("files", before="Let me look.\n\ntwo")]
    reading.events(spoken("other"))
    assert reading.events(result("not the same")) == [Result("not the same", before="other")]
    assert reading.events(result("alone")) == [Result("alone")]
