"""What an agent is shown of a batch, as text and back. Pure.

One serializer escapes every field of every kind, so `parse(render(prompt)) == prompt` whatever people wrote: nobody
can write a message that looks like two, or like one of somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from attrs import evolve

from runner.core.causes import place_of
from runner.core.items import Item, Message, Prompt, QuestionAnswered, SystemResponse, TaskDue, WebhookCall
from runner.core.markup import Element, read, write
from runner.errors import MarkupError
from runner.model import Incoming, Zone
from schema.payloads import (
    QUESTION_RESPONSE,
    Attachment,
    ChatIn,
    PayloadError,
    QuestionResponse,
    Quote,
    SystemIn,
    Task,
    Webhook,
    read_as,
)
from schema.rows import Destination, MessageIn

__all__ = [
    "UNKNOWN",
    "Item",
    "Message",
    "Prompt",
    "QuestionAnswered",
    "SystemResponse",
    "TaskDue",
    "WebhookCall",
    "notice",
    "parse",
    "prompt_of",
    "render",
]

UNKNOWN = "unknown:"
"""What the place of a message begins with that no destination is. No name has a colon."""

CONTEXT = "yes"


def prompt_of(
    batch: Sequence[Incoming],
    destinations: Sequence[Destination],
    now: datetime,
    zone: Zone,
    *,
    inbox: str = "",
    before: Sequence[SystemResponse] = (),
) -> Prompt:
    """What *batch* comes to for an agent in *zone*, in the order it has. Its files lie in the folder *inbox*.

    *before* is what the runner itself has to say first.
    """
    names = {place_of(destination): destination.name for destination in destinations}

    def local(when: datetime) -> datetime:
        return when.replace(microsecond=when.microsecond // 1000 * 1000).astimezone(zone.rules)

    items = tuple(
        _item(incoming, _source(incoming.row, names), local(incoming.row.timestamp), inbox) for incoming in batch
    )
    told = tuple(evolve(one, time=local(one.time)) for one in before)
    return Prompt(timezone=zone.name, now=local(now), items=(*told, *items))


def notice(action: str, text: str, now: datetime, zone: Zone) -> Prompt:
    """What the runner itself has to tell the agent."""
    return prompt_of((), (), now, zone, before=[SystemResponse(time=now, action=action, text=text)])


def render(prompt: Prompt) -> str:
    """The text for a model."""
    context = Element("context", {"timezone": prompt.timezone, "now": _write_time(prompt.now)})
    return write([context, *map(_element, prompt.items)])


def parse(text: str) -> Prompt:
    """The prompt that *text* was rendered from.

    Raises:
      MarkupError: it is not what `render` writes, to the letter.
    """
    context, *elements = read(text)
    try:
        prompt = Prompt(
            timezone=context.attributes["timezone"],
            now=datetime.fromisoformat(context.attributes["now"]),
            items=tuple(map(_read_item, elements)),
        )
    except (KeyError, ValueError) as exc:
        raise MarkupError(f"a field is missing or wrong: {exc}") from None
    if render(prompt) != text:
        raise MarkupError("not rendered as it would be here")
    return prompt


def _source(row: MessageIn, names: Mapping[tuple[str | None, str | None], str]) -> str | None:
    """The name an answer could go to; for a place without one, words that cannot be a name."""
    if row.channel_type is None and row.platform_id is None:
        return None
    name = names.get((row.channel_type, row.platform_id))
    return name or f"{UNKNOWN}{row.channel_type}:{row.platform_id}"


def _item(incoming: Incoming, source: str | None, time: datetime, inbox: str) -> Item:
    seq = incoming.row.seq
    match incoming.payload:
        case ChatIn(text=text, sender=sender, reply_to=quote, attachments=files):
            return Message(
                id=seq,
                source=source,
                sender=sender,
                time=time,
                text=text,
                context=not incoming.row.trigger,
                quote=quote,
                attachments=tuple(evolve(file, path=f"{inbox}/{file.path}" if inbox else file.path) for file in files),
            )
        case Task(prompt=prompt):
            return TaskDue(id=seq, source=source, time=time, prompt=prompt, data=incoming.script_data)
        case Webhook(source=caller, event=event, payload=payload):
            return WebhookCall(id=seq, source=source, time=time, caller=caller, event=event, payload=payload)
        case SystemIn(action=action, text=text):
            answer = _answer(action, text)
            if answer is None:
                return SystemResponse(id=seq, time=time, action=action, text=text)
            return QuestionAnswered(
                id=seq,
                source=source,
                sender=answer.by,
                time=time,
                question=answer.question,
                value=answer.value,
                label=answer.label,
            )
        case _:
            assert_never(incoming.payload)


def _answer(action: str, text: str) -> QuestionResponse | None:
    try:
        return read_as(QuestionResponse, text) if action == QUESTION_RESPONSE else None
    except PayloadError:
        return None


def _element(item: Item) -> Element:
    match item:
        case Message(quote=quote):
            head = _attributes(
                id=str(item.id),
                source=item.source,
                sender=item.sender,
                time=item.time,
                reply_to=None if quote is None else quote.id,
            )
            if item.context:
                head["context"] = CONTEXT
            return Element("message", head, children=tuple(_inside(item)), text=item.text)
        case TaskDue():
            head = _attributes(id=str(item.id), source=item.source, time=item.time)
            found = () if item.data is None else (Element("script_output", {}, text=item.data),)
            return Element("task", head, children=found, text=item.prompt)
        case WebhookCall():
            head = _attributes(id=str(item.id), source=item.source, time=item.time)
            return Element("webhook", {**head, "source": item.caller, "event": item.event}, text=item.payload)
        case SystemResponse(id=seq):
            head = _attributes(id=None if seq is None else str(seq), time=item.time)
            return Element("system_response", {**head, "action": item.action}, text=item.text)
        case QuestionAnswered():
            head = _attributes(id=str(item.id), source=item.source, sender=item.sender, time=item.time)
            asked = Element("question", {}, text=item.question)
            return Element("answer", {**head, "value": item.value}, children=(asked,), text=item.label)
        case _:
            assert_never(item)


def _inside(message: Message) -> Iterator[Element]:
    if message.quote is not None:
        yield Element("quoted_message", {"from": message.quote.sender}, text=message.quote.text)
    for file in message.attachments:
        kind = {} if file.mime_type is None else {"type": file.mime_type}
        yield Element("attachment", {"name": file.name, "path": file.path, **kind, "size": str(file.size)})


def _attributes(
    *,
    id: str | None,  # noqa: A002 - the attribute's name
    source: str | None = None,
    sender: str | None = None,
    time: datetime,
    reply_to: str | None = None,
) -> dict[str, str]:
    found = {"id": id, "from": source, "sender": sender, "time": _write_time(time), "reply_to": reply_to}
    return {name: value for name, value in found.items() if value is not None}


def _read_item(element: Element) -> Item:
    """The item of *element*. What is left over, or missing from the text, `parse` sees when it renders the result."""
    attributes, text = element.attributes, element.text or ""
    time = datetime.fromisoformat(attributes["time"])
    source = attributes.get("from")
    match element.tag:
        case "message":
            return Message(
                id=int(attributes["id"]),
                source=source,
                sender=attributes["sender"],
                time=time,
                text=text,
                context=attributes.get("context") == CONTEXT,
                quote=_read_quote(element),
                attachments=tuple(_read_file(child) for child in element.children if child.tag == "attachment"),
            )
        case "task":
            data = next((child.text or "" for child in element.children if child.tag == "script_output"), None)
            return TaskDue(id=int(attributes["id"]), source=source, time=time, prompt=text, data=data)
        case "webhook":
            return WebhookCall(
                id=int(attributes["id"]),
                source=source,
                time=time,
                caller=attributes["source"],
                event=attributes["event"],
                payload=text,
            )
        case "answer":
            return QuestionAnswered(
                id=int(attributes["id"]),
                source=source,
                sender=attributes["sender"],
                time=time,
                question=_read_question(element),
                value=attributes["value"],
                label=text,
            )
        case "system_response":
            seq = int(attributes["id"]) if "id" in attributes else None
            return SystemResponse(id=seq, time=time, action=attributes["action"], text=text)
        case _:
            raise MarkupError(f"no such thing in a prompt: {element.tag}")


def _read_quote(message: Element) -> Quote | None:
    for child in message.children:
        if child.tag == "quoted_message":
            return Quote(id=message.attributes.get("reply_to"), sender=child.attributes["from"], text=child.text or "")
    return None


def _read_question(answer: Element) -> str:
    for child in answer.children:
        if child.tag == "question":
            return child.text or ""
    raise MarkupError("an answer without its question")


def _read_file(element: Element) -> Attachment:
    found = element.attributes
    return Attachment(name=found["name"], path=found["path"], mime_type=found.get("type"), size=int(found["size"]))


def _write_time(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds")
