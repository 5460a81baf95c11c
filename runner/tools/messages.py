"""Tools that say something or change what was said: send_message, send_file, edit_message, add_reaction, send_card."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

from runner.core.arguments import Refused, Text, Whole
from runner.core.editing import why_not_edited, why_not_reacted
from runner.core.replies import MOST_PIECE
from runner.inbox import patiently
from runner.model import Posting, Reply
from runner.tools.base import Answer
from runner.tools.desk import Definition, Desk, define_tool
from schema.files import MOST_FILE_BYTES
from schema.payloads import MOST_BODY, MOST_TITLE, Card, Edit, Reaction
from schema.rows import Delivered, MessageIn, MessageOut
from schema.seq import HIGHEST

MOST_PATH = 4_096
MOST_FILE_NAME = 200
MOST_EMOJI = 64
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

TO = Text(
    name="to",
    about="The name of a destination. Left out: where the message came from that you are answering.",
    most=200,
    required=False,
)
NUMBER = Whole(
    name="message_id",
    about="The number of the message: its id in your prompt, or what you were told when you sent it.",
    most=HIGHEST,
)


@frozen(kw_only=True)
class _SendMessage:
    text: str
    to: str | None = None


@frozen(kw_only=True)
class _SendFile:
    path: str
    to: str | None = None
    text: str = ""
    filename: str | None = None


@frozen(kw_only=True)
class _EditMessage:
    message_id: int
    text: str


@frozen(kw_only=True)
class _AddReaction:
    message_id: int
    emoji: str

    def __attrs_post_init__(self) -> None:
        if self.emoji.split() != [self.emoji] or _CONTROL.search(self.emoji):
            raise ValueError("emoji has to be one emoji, or its short name, such as thumbs_up.")


@frozen(kw_only=True)
class _SendCard:
    title: str
    description: str = ""
    fallback: str | None = None
    to: str | None = None


async def _send_message(desk: Desk, said: _SendMessage) -> Answer | Refused:
    recipient = await desk.recipient(said.to)
    if isinstance(recipient, Refused):
        return recipient
    row = await desk.say(Reply(destination=recipient.destination, in_reply_to=desk.current, text=said.text))
    desk.said.add((recipient.name, said.text.strip()))
    return Answer(f"Sent to {recipient} (id: {row.seq}).")


async def _send_file(desk: Desk, said: _SendFile) -> Answer | Refused:
    recipient = await desk.recipient(said.to)
    if isinstance(recipient, Refused):
        return recipient
    name = said.filename or Path(said.path).name
    try:
        file = desk.outbox.staging.stage(Path(said.path), name)
    except OSError as exc:
        return Refused(f"{said.path} was not sent: {exc.strerror or exc}.")
    except ValueError as exc:
        return Refused(f"It was not sent: {exc}.")
    reply = Reply(destination=recipient.destination, in_reply_to=desk.current, text=said.text, files=(file,))
    row = await desk.say(reply)
    return Answer(f"{name} sent to {recipient} (id: {row.seq}).")


async def _edit_message(desk: Desk, said: _EditMessage) -> Answer | Refused:
    if why := why_not_edited(said.message_id, await _message(desk, said.message_id)):
        return Refused(why)
    await _post(desk, Edit(seq=said.message_id, text=said.text))
    return Answer(f"The new text of #{said.message_id} is on its way.")


async def _add_reaction(desk: Desk, said: _AddReaction) -> Answer | Refused:
    if why := why_not_reacted(said.message_id, await _message(desk, said.message_id)):
        return Refused(why)
    await _post(desk, Reaction(seq=said.message_id, emoji=said.emoji))
    return Answer(f"The reaction to #{said.message_id} is on its way.")


async def _send_card(desk: Desk, said: _SendCard) -> Answer | Refused:
    recipient = await desk.recipient(said.to)
    if isinstance(recipient, Refused):
        return recipient
    fallback = said.fallback or "\n\n".join(part for part in (said.title, said.description) if part)
    card = Card(title=said.title, description=said.description, fallback=fallback[:MOST_BODY])
    row = await desk.say(Posting(destination=recipient.destination, in_reply_to=desk.current, payload=card))
    return Answer(f"Card sent to {recipient} (id: {row.seq}).")


async def _message(desk: Desk, seq: int) -> MessageIn | Delivered | MessageOut | None:
    return await patiently(lambda: desk.inbox.numbered(seq)) or desk.outbox.message(seq)


async def _post(desk: Desk, payload: Edit | Reaction) -> None:
    await desk.say(Posting(destination=None, in_reply_to=desk.current, payload=payload))


MESSAGES: tuple[Definition, ...] = (
    define_tool(
        "send_message",
        "Send a message now, while you go on working: that you have begun, or something for another chat. Your answer "
        "at the end of the turn is sent by itself; do not send it with this tool as well.",
        [Text(name="text", about="What to say.", most=MOST_PIECE), TO],
        _SendMessage,
        _send_message,
    ),
    define_tool(
        "send_file",
        f"Send a file of your workspace, as it is now. At most {MOST_FILE_BYTES >> 20} MiB.",
        [
            Text(name="path", about="Where it is: absolute, or relative to your working directory.", most=MOST_PATH),
            TO,
            Text(name="text", about="What to say with it.", most=MOST_PIECE, required=False, may_be_empty=True),
            Text(name="filename", about="What to call it, if not as it is.", most=MOST_FILE_NAME, required=False),
        ],
        _SendFile,
        _send_file,
    ),
    define_tool(
        "edit_message",
        "Replace the text of a message that you have sent.",
        [NUMBER, Text(name="text", about="All of the new text.", most=MOST_PIECE)],
        _EditMessage,
        _edit_message,
    ),
    define_tool(
        "add_reaction",
        "React to a message with an emoji.",
        [NUMBER, Text(name="emoji", about="An emoji, or its short name, such as thumbs_up.", most=MOST_EMOJI)],
        _AddReaction,
        _add_reaction,
    ),
    define_tool(
        "send_card",
        "Send a card: a title with a few words, set apart from the conversation.",
        [
            Text(name="title", about="The title.", most=MOST_TITLE),
            Text(name="description", about="The words.", most=MOST_BODY, required=False, may_be_empty=True),
            Text(
                name="fallback",
                about="What to say where a platform has no cards. Left out: title and description.",
                most=MOST_BODY,
                required=False,
            ),
            TO,
        ],
        _SendCard,
        _send_card,
    ),
)
