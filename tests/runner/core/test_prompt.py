"""What an agent is shown, and that nobody can write themselves into it."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from attrs import evolve

from runner.core.items import Message, QuestionAnswered, SystemResponse
from runner.core.prompt import notice, parse, prompt_of, render
from runner.errors import MarkupError
from runner.model import Incoming, Zone
from schema.payloads import Attachment, ChatIn, InPayload, QuestionResponse, Quote, SystemIn, Task, Webhook, write
from schema.rows import Destination, DestinationType, InKind, InStatus, MessageIn
from tests.runner.link import NOW, destination

LISBON = Zone(name="somewhere", rules=timezone(timedelta(hours=1)))


def incoming(
    kind: InKind, payload: InPayload, seq: int = 2, channel: str | None = "c", platform: str | None = "room"
) -> Incoming:
    row = MessageIn(
        id=f"m{seq}",
        seq=seq,
        kind=kind,
        timestamp=NOW,
        status=InStatus.PENDING,
        channel_type=channel,
        platform_id=platform,
        content="",
    )
    return Incoming(row=row, payload=payload)


def test_a_conversation_looks_like_this() -> None:
    quote = Quote(id="551", sender="Rui", text="please check the build")
    file = Attachment(name="screen.png", path="m4/screen.png", mime_type="image/png", size=10)
    batch = [
        incoming(InKind.CHAT, ChatIn(text="please check", sender="Rui", sender_id="c:1")),
        incoming(
            InKind.CHAT,
            ChatIn(text="on it", sender="Ana & Co", sender_id="c:2", reply_to=quote, attachments=(file,)),
            4,
        ),
        incoming(InKind.TASK, Task(prompt="summarise"), 6, None, None),
        incoming(InKind.WEBHOOK, Webhook(source="ci", event="red", payload='{"a": 1}'), 8, "c", "elsewhere"),
        incoming(InKind.SYSTEM, SystemIn(action="delivery", text="m3 failed"), 10),
    ]
    assert render(prompt_of(batch, [destination("room")], NOW, LISBON)) == (
        '<context timezone="somewhere" now="2026-04-16T15:37:00.000+01:00" />\n'
        '<message id="2" from="room" sender="Rui" time="2026-04-16T15:37:00.000+01:00">please check</message>\n'
        '<message id="4" from="room" sender="Ana &amp; Co" time="2026-04-16T15:37:00.000+01:00" reply_to="551">\n'
        '<quoted_message from="Rui">please check the build</quoted_message>\n'
        '<attachment name="screen.png" path="m4/screen.png" type="image/png" size="10" />\n'
        "on it</message>\n"
        '<task id="6" time="2026-04-16T15:37:00.000+01:00">summarise</task>\n'
        '<webhook id="8" from="unknown:c:elsewhere" time="2026-04-16T15:37:00.000+01:00" source="ci" event="red">'
        "{&quot;a&quot;: 1}</webhook>\n"
        '<system_response id="10" time="2026-04-16T15:37:00.000+01:00" action="delivery">m3 failed</system_response>'
    )


ANSWERED = QuestionResponse(question_id="q", question="Deploy <now>?", value="y", label="Yes", by="Ada & Co")


def test_an_answer_that_nobody_waits_for_comes_with_its_question() -> None:
    answer = incoming(InKind.SYSTEM, SystemIn(action="question_response", text=write(ANSWERED)))
    text = render(prompt_of([answer], [destination("room")], NOW, LISBON))
    assert text.partition("\n")[2] == (
        '<answer id="2" from="room" sender="Ada &amp; Co" time="2026-04-16T15:37:00.000+01:00" value="y">\n'
        "<question>Deploy &lt;now&gt;?</question>\n"
        "Yes</answer>"
    )
    (item,) = parse(text).items
    assert isinstance(item, QuestionAnswered)
    assert (item.question, item.label, item.value) == ("Deploy <now>?", "Yes", "y")


def test_an_answer_that_cannot_be_read_is_shown_as_it_is() -> None:
    told = SystemIn(action="question_response", text="yes")
    (item,) = prompt_of([incoming(InKind.SYSTEM, told)], [], NOW, LISBON).items
    assert item == SystemResponse(id=2, time=NOW, action="question_response", text="yes")


def test_what_was_not_said_to_the_agent_is_marked() -> None:
    overheard = incoming(InKind.CHAT, ChatIn(text="lunch?", sender="Rui", sender_id="c:1"))
    batch = [
        evolve(overheard, row=evolve(overheard.row, trigger=False)),
        incoming(InKind.CHAT, ChatIn(text="you?", sender="Ana", sender_id="c:2"), 4),
    ]
    _, first, second = render(prompt_of(batch, [destination("room")], NOW, LISBON)).split("\n")
    assert first.endswith(' context="yes">lunch?</message>')
    assert "context" not in second


def test_mail_from_an_agent_bears_the_name_of_that_agent() -> None:
    other = Destination(name="tester", display_name="Tester", type=DestinationType.AGENT, agent_group_id="ag-2")
    prompt = prompt_of(
        [incoming(InKind.CHAT, ChatIn(text="hi", sender="x", sender_id="y"), 2, "agent", "ag-2")], [other], NOW, LISBON
    )
    (item,) = prompt.items
    assert isinstance(item, Message)
    assert item.source == "tester"


def test_a_notice_of_the_runner_has_no_number() -> None:
    told = notice("unaddressed", "say to whom", NOW, LISBON)
    assert parse(render(told)) == told
    assert told.items == (SystemResponse(time=NOW, action="unaddressed", text="say to whom"),)
    assert 'id="' not in render(told)


def test_now_is_cut_to_milliseconds() -> None:
    prompt = prompt_of([], [], NOW.replace(microsecond=123_999), Zone(name="UTC", rules=UTC))
    assert prompt.now.microsecond == 123_000


TIME = "2026-04-16T15:37:00.000+01:00"
CONTEXT = f'<context timezone="x" now="{TIME}" />'


@pytest.mark.parametrize(
    "text",
    [
        f'<message id="2" sender="a" time="{TIME}">x</message>',
        '<context timezone="x" now="yesterday" />',
        f'<context now="{TIME}" />',
        f'{CONTEXT}\n<message sender="a" time="{TIME}">no id</message>',
        f'{CONTEXT}\n<message id="02" sender="a" time="{TIME}">x</message>',
        f'{CONTEXT}\n<message id="two" sender="a" time="{TIME}">x</message>',
        f'{CONTEXT}\n<message id="2" sender="a" time="{TIME}" extra="1">x</message>',
        f'{CONTEXT}\n<message id="2" sender="a" time="{TIME}" context="no">x</message>',
        f'{CONTEXT}\n<message id="2" sender="a" time="{TIME}">\n<b />\nx</message>',
        f'{CONTEXT}\n<message id="2" sender="a" time="{TIME}" />',
        f'{CONTEXT}\n<message id="2" time="{TIME}" sender="a">x</message>',
        f'{CONTEXT}\n<message id="2" sender="a" time="2026-04-16 15:37">x</message>',
        f'{CONTEXT}\n<answer id="2" sender="a" time="{TIME}" value="x">no question</answer>',
        f'{CONTEXT}\n<command time="{TIME}">x</command>',
        f'{CONTEXT}\n<task id="2" time="{TIME}">a raw \u202e mark</task>',
        f'<context timezone="x" now="{TIME}"></context>',
        "plain words",
    ],
)
def test_a_text_that_was_not_rendered_is_refused(text: str) -> None:
    with pytest.raises(MarkupError):
        parse(text)
