"""What an agent is shown, and that nobody can write themselves into it."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runner.core.prompt import (
    Message,
    Prompt,
    SystemResponse,
    TaskDue,
    WebhookCall,
    notice,
    parse,
    prompt_of,
    render,
)
from runner.errors import MarkupError
from runner.model import Incoming, Zone
from schema.payloads import Attachment, ChatIn, InPayload, Quote, SystemIn, Task, Webhook
from schema.rows import Destination, DestinationType, InKind, InStatus, MessageIn
from tests.runner.link import NOW, destination

ANYTHING = st.text(st.characters(exclude_categories=()))
MAYBE = st.one_of(st.none(), ANYTHING)
SEQS = st.integers(1, 2**53)
TIMES = st.builds(
    lambda milliseconds, minutes: (NOW + timedelta(milliseconds=milliseconds)).astimezone(
        timezone(timedelta(minutes=minutes))
    ),
    st.integers(-(10**12), 10**14),
    st.integers(-840, 840),
)
FILES = st.builds(Attachment, name=ANYTHING, path=ANYTHING, mime_type=MAYBE, size=st.integers(0, 2**40))
QUOTES = st.builds(Quote, id=MAYBE, sender=ANYTHING, text=ANYTHING)
ITEMS = st.one_of(
    st.builds(
        Message,
        id=SEQS,
        source=MAYBE,
        sender=ANYTHING,
        time=TIMES,
        text=ANYTHING,
        context=st.booleans(),
        quote=st.one_of(st.none(), QUOTES),
        attachments=st.lists(FILES, max_size=3).map(tuple),
    ),
    st.builds(TaskDue, id=SEQS, source=MAYBE, time=TIMES, prompt=ANYTHING, data=st.none() | ANYTHING),
    st.builds(WebhookCall, id=SEQS, source=MAYBE, time=TIMES, caller=ANYTHING, event=ANYTHING, payload=ANYTHING),
    st.builds(SystemResponse, id=st.one_of(st.none(), SEQS), time=TIMES, action=ANYTHING, text=ANYTHING),
)
PROMPTS = st.builds(Prompt, timezone=ANYTHING, now=TIMES, items=st.lists(ITEMS, max_size=5).map(tuple))
LISBON = Zone(name="somewhere", rules=timezone(timedelta(hours=1)))


@given(PROMPTS)
def test_a_prompt_reads_as_it_was_rendered(prompt: Prompt) -> None:
    assert parse(render(prompt)) == prompt


PAYLOADS = st.one_of(
    st.tuples(
        st.sampled_from([InKind.CHAT, InKind.CHAT_SDK]),
        st.builds(
            ChatIn,
            text=ANYTHING,
            sender=ANYTHING,
            sender_id=ANYTHING,
            attachments=st.lists(FILES, max_size=2).map(tuple),
            reply_to=st.one_of(st.none(), QUOTES),
        ),
    ),
    st.tuples(st.just(InKind.TASK), st.builds(Task, prompt=ANYTHING)),
    st.tuples(st.just(InKind.WEBHOOK), st.builds(Webhook, source=ANYTHING, event=ANYTHING, payload=ANYTHING)),
    st.tuples(st.just(InKind.SYSTEM), st.builds(SystemIn, action=ANYTHING, text=ANYTHING)),
)


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


@given(st.lists(st.tuples(PAYLOADS, MAYBE), max_size=4), ANYTHING)
def test_whatever_people_write_a_batch_reads_as_what_it_is(
    written: list[tuple[tuple[InKind, InPayload], str | None]], name: str
) -> None:
    batch = [incoming(kind, payload, 2 * at + 2, "c", place) for at, ((kind, payload), place) in enumerate(written)]
    prompt = prompt_of(batch, [destination(name)], NOW, LISBON)
    assert parse(render(prompt)) == prompt
    assert [item.id for item in prompt.items] == [one.row.seq for one in batch]


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
        f'{CONTEXT}\n<command time="{TIME}">x</command>',
        f'{CONTEXT}\n<task id="2" time="{TIME}">a raw \u202e mark</task>',
        f'<context timezone="x" now="{TIME}"></context>',
        "plain words",
    ],
)
def test_a_text_that_was_not_rendered_is_refused(text: str) -> None:
    with pytest.raises(MarkupError):
        parse(text)
