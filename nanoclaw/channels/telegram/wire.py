"""What the Bot API tells, as far as it is read (core.telegram.org/bots/api: "Getting updates", "Available types")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import field, frozen
from cattrs import BaseValidationError, Converter
from cattrs.gen import make_dict_structure_fn, override

Kind = TypeVar("Kind")


class BadUpdateError(ValueError):
    """What the platform told does not fit; `str()` says where."""


@frozen(kw_only=True)
class User:
    """Somebody, or a bot. Only the id stays the same."""

    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str | None = None
    username: str | None = None


@frozen(kw_only=True)
class Chat:
    """A chat: `private`, `group`, `supergroup` or `channel`."""

    id: int
    type: str = ""
    title: str | None = None


@frozen(kw_only=True)
class Entity:
    """A part of a text that means something; offsets are units of UTF-16."""

    type: str
    offset: int
    length: int
    user: User | None = None


@frozen(kw_only=True)
class File:
    """Any kind of file; of a photo, one of its sizes."""

    file_id: str
    file_size: int | None = None
    file_name: str | None = None
    mime_type: str | None = None
    emoji: str | None = None


@frozen(kw_only=True)
class Message:
    """A message, or a note of the platform's about a chat."""

    message_id: int
    chat: Chat
    date: int = 0
    sender: User | None = None
    """`from` on the wire. For whoever speaks as a chat it is a stand-in."""
    sender_chat: Chat | None = None
    message_thread_id: int | None = None
    is_topic_message: bool = False
    text: str | None = None
    caption: str | None = None
    entities: tuple[Entity, ...] = ()
    caption_entities: tuple[Entity, ...] = ()
    reply_to_message: Message | None = None
    edit_date: int | None = None
    migrate_to_chat_id: int | None = None
    migrate_from_chat_id: int | None = None
    forum_topic_created: Mapping[str, Any] | None = None
    photo: tuple[File, ...] = ()
    document: File | None = None
    audio: File | None = None
    voice: File | None = None
    video: File | None = None
    animation: File | None = None
    video_note: File | None = None
    sticker: File | None = None
    location: Mapping[str, Any] | None = None
    contact: Mapping[str, Any] | None = None
    poll: Mapping[str, Any] | None = None
    dice: Mapping[str, Any] | None = None


@frozen(kw_only=True)
class CallbackQuery:
    """Somebody pressed a button below a message of ours."""

    id: str
    sender: User
    message: Message | None = None
    data: str = ""


@frozen(kw_only=True)
class Update:
    """One thing that happened."""

    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    channel_post: Message | None = None
    edited_channel_post: Message | None = None
    callback_query: CallbackQuery | None = None


@frozen(kw_only=True)
class Me:
    """Our own account."""

    id: int
    username: str = field(default="")
    can_read_all_group_messages: bool = False


KINDS = ("message", "edited_message", "channel_post", "edited_channel_post", "callback_query")
"""The kinds of updates that are asked for."""


def _is(kind: type) -> Any:
    def structure(value: object, _: object) -> object:
        if type(value) is not kind:
            raise ValueError(f"{value!r:.60} is no {kind.__name__}")
        return value

    return structure


_converter = Converter(detailed_validation=True)
for _kind in (int, str, bool):
    _converter.register_structure_hook(_kind, _is(_kind))
for _class in (Message, CallbackQuery):
    _converter.register_structure_hook(
        _class, make_dict_structure_fn(_class, _converter, sender=override(rename="from"))
    )


def read_update(told: object) -> Update:
    """Raises `BadUpdateError`."""
    return _read(told, Update)


def read_me(told: object) -> Me:
    """Raises `BadUpdateError`."""
    return _read(told, Me)


def number_of(told: object) -> int | None:
    """The number of an update, whatever else is wrong with it; None: it has none."""
    number = told.get("update_id") if isinstance(told, Mapping) else None
    return number if type(number) is int else None


def _read(told: object, kind: type[Kind]) -> Kind:
    if not isinstance(told, Mapping):
        raise BadUpdateError(f"{told!r:.60} is no object")
    try:
        return _converter.structure(told, kind)
    except RecursionError:
        raise BadUpdateError("it nests too deep") from None
    except (BaseValidationError, ValueError, TypeError, KeyError) as exc:
        raise BadUpdateError(_why(exc)) from exc


def _why(exc: BaseException) -> str:
    """The innermost reason, and where."""
    where = []
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
        where += [str(note).partition("@ attribute ")[2] or str(note) for note in getattr(exc, "__notes__", ())]
    return f"{' '.join(where)}: {exc}"[:300]
