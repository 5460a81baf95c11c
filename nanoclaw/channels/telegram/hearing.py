"""What an update means: an event, a revision, or nothing and why. Pure.

Who somebody is comes from ids that Telegram vouches for, and never from what they call themselves. Whoever speaks as a
chat, such as an admin who stays anonymous or a channel, is that chat, whose id is no person's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import field, frozen

from nanoclaw.channels.telegram.buttons import pressed
from nanoclaw.channels.telegram.wire import CallbackQuery, Entity, File, Me, Message, Update
from nanoclaw.core.notices import plain
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import Choice, InboundEvent, Revision, RevisionKind

PRIVATE = "private"
MOST_NAME = 200
"""Characters of what somebody calls themselves."""


@frozen
class Wanted:
    """A file that came with a message and has to be fetched."""

    file_id: str
    name: str
    mime_type: str | None
    size: int | None


@frozen(kw_only=True)
class Heard:
    """Somebody said, changed or pressed something."""

    told: InboundEvent | Revision
    """Without its files."""
    files: tuple[Wanted, ...] = ()
    pressed: str | None = None
    """The query to be answered, so that the button stops spinning."""


@frozen
class Moved:
    """A group became a supergroup, which has another id."""

    before: int
    now: int


@frozen(kw_only=True)
class Nothing:
    """There is nothing to tell."""

    why: str
    pressed: str | None = None


Meaning: TypeAlias = Heard | Moved | Nothing


@frozen(kw_only=True)
class Listener:
    """Who hears."""

    name: ChannelName
    me: Me
    engages: Callable[[str, str | None], bool]
    """May a plain message there be heard by anybody?"""
    chat_called: Callable[[int], str] = field(default=str)
    """What the rest of the house calls a chat: by the first id it had."""

    def hear(self, update: Update) -> Meaning:
        """What *update* means."""
        message = update.message or update.channel_post
        if message is not None:
            return self._said(message)
        changed = update.edited_message or update.edited_channel_post
        if changed is not None:
            return self._changed(changed, update.update_id)
        if update.callback_query is not None:
            return self._pressed(update.callback_query)
        return Nothing(why="of a kind that is not asked for")

    def _said(self, message: Message) -> Meaning:
        if message.migrate_to_chat_id is not None:
            return Moved(message.chat.id, message.migrate_to_chat_id)
        if message.migrate_from_chat_id is not None:
            return Moved(message.migrate_from_chat_id, message.chat.id)
        who = self._who(message)
        text, files = self._text(message), _files(message)
        if who is None or not (text or files):
            return Nothing(why="a note about the chat, or our own")
        chat, thread, mention = self.chat_called(message.chat.id), _thread(message), self._is_addressed(message)
        if not mention and not self.engages(chat, thread):
            return Nothing(why="nobody here listens to what is not said to us")
        return Heard(
            told=InboundEvent(
                channel=self.name,
                platform_message_id=_name(message),
                platform_id=chat,
                thread_id=thread,
                mention=mention,
                is_group=message.chat.type != PRIVATE,
                chat_name=None if message.chat.title is None else plain(message.chat.title, MOST_NAME),
                sender_id=who[0],
                sender=who[1],
                text=text,
            ),
            files=files,
        )

    def _changed(self, message: Message, number: int) -> Meaning:
        who = self._who(message)
        if who is None or message.location is not None:
            return Nothing(why="no change of words")
        return Heard(
            told=Revision(
                channel=self.name,
                platform_message_id=_name(message),
                revision=str(number),
                kind=RevisionKind.EDIT,
                sender_id=who[0],
                sender=who[1],
                text=self._text(message),
            )
        )

    def _pressed(self, query: CallbackQuery) -> Meaning:
        found = pressed(query.data)
        if found is None or query.message is None:
            return Nothing(why="no button of ours", pressed=query.id)
        question, said = found
        return Heard(
            told=InboundEvent(
                channel=self.name,
                platform_message_id=f"pressed/{query.id}",
                platform_id=self.chat_called(query.message.chat.id),
                thread_id=_thread(query.message),
                mention=True,
                is_group=query.message.chat.type != PRIVATE,
                sender_id=UserId(f"{self.name}:{query.sender.id}"),
                sender=_called(query.sender.first_name, query.sender.last_name),
                text=said,
                choice=Choice(question=question, said=said),
            ),
            pressed=query.id,
        )

    def _who(self, message: Message) -> tuple[UserId, str] | None:
        """The id and the name of whoever speaks; None: nobody, or we."""
        if message.sender_chat is not None:
            return UserId(f"{self.name}:{message.sender_chat.id}"), _called(message.sender_chat.title, None)
        if message.sender is None or message.sender.id == self.me.id:
            return None
        return UserId(f"{self.name}:{message.sender.id}"), _called(message.sender.first_name, message.sender.last_name)

    def _text(self, message: Message) -> str:
        """The words, without the mention of us that they begin with or that a command carries."""
        text = message.text if message.text is not None else message.caption or ""
        for entity in (*message.entities, *message.caption_entities):
            if entity.offset != 0 or not self._is_us(entity, text):
                continue
            if entity.type == "bot_command":
                command = _part(text, entity)
                return command.partition("@")[0] + text[len(command) :]
            return text[len(_part(text, entity)) :].lstrip(" ,:")
        return text or _in_words(message)

    def _is_addressed(self, message: Message) -> bool:
        answered = message.reply_to_message
        if message.chat.type == PRIVATE:
            return True
        # Every message of a topic answers the note that the topic was made, which may have been by us.
        is_answer = answered is not None and answered.forum_topic_created is None
        if is_answer and answered and answered.sender and answered.sender.id == self.me.id:
            return True
        text = message.text or message.caption or ""
        return any(self._is_us(entity, text) for entity in (*message.entities, *message.caption_entities))

    def _is_us(self, entity: Entity, text: str) -> bool:
        ours = f"@{self.me.username}".casefold()
        match entity.type:
            case "mention":
                return _part(text, entity).casefold() == ours
            case "text_mention":
                return entity.user is not None and entity.user.id == self.me.id
            case "bot_command":
                return _part(text, entity).casefold().endswith(ours)
            case _:
                return False


def _name(message: Message) -> str:
    """Messages are numbered in their chats."""
    return f"{message.chat.id}/{message.message_id}"


def _thread(message: Message) -> str | None:
    """The topic. Answers in a group without topics have a number, too, which is none; the General topic has none."""
    return str(message.message_thread_id) if message.is_topic_message and message.message_thread_id else None


def _called(first: str | None, last: str | None) -> str:
    return plain(" ".join(part for part in (first, last) if part), MOST_NAME)


def _part(text: str, entity: Entity) -> str:
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le", "replace")


def _files(message: Message) -> tuple[Wanted, ...]:
    photo = max(message.photo, key=lambda size: size.file_size or 0, default=None)
    named: tuple[tuple[File | None, str], ...] = (
        (message.document if message.animation is None else None, "document"),
        (photo, "photo.jpg"),
        (message.audio, "audio"),
        (message.voice, "voice.ogg"),
        (message.video, "video.mp4"),
        (message.animation, "animation.mp4"),
        (message.video_note, "video.mp4"),
        (message.sticker, "sticker.webp"),
    )
    return tuple(
        Wanted(file.file_id, file.file_name or name, file.mime_type, file.file_size)
        for file, name in named
        if file is not None
    )


def _in_words(message: Message) -> str:
    """What has no words, as some."""
    if message.location is not None:
        return f"[location {message.location.get('latitude')}, {message.location.get('longitude')}]"
    if message.contact is not None:
        return f"[contact {message.contact.get('first_name')}: {message.contact.get('phone_number')}]"
    if message.poll is not None:
        return f"[poll: {message.poll.get('question')}]"
    if message.dice is not None:
        return f"[{message.dice.get('emoji')} {message.dice.get('value')}]"
    if message.sticker is not None:
        return f"[sticker {message.sticker.emoji or ''}]"
    return ""
