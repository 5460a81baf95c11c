"""The JSON inside rows: one class a kind, closed unions, read once at the edge and refused where it does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias, TypeVar, get_origin

from attrs import Attribute, field, frozen, has
from attrs.validators import deep_iterable, ge, le, max_len, min_len, optional
from cattrs import BaseValidationError, Converter, ForbiddenExtraKeysError, transform_error
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.gen import make_dict_structure_fn
from cattrs.v import format_exception

from schema.rows import InKind, OutKind
from schema.strict_json import JsonError, read

T = TypeVar("T")

MOST_TEXT = 200_000
"""Characters of text in one message; a platform's own limit is its channel's business."""
MOST_OPTIONS = 20
"""Answers of one question."""
MOST_LABEL = 75
"""Characters of one answer, as long as the buttons of platforms go."""
MOST_TITLE = 150
MOST_BODY = 3_000
"""Characters of a question, or of what a card says."""
MOST_RESPONDERS = 20
"""Names of those who may answer one question."""
MOST_RESPONDER = 200
"""Characters of one of them."""
MOST_WAIT_SECONDS = 14_400
"""For an answer: well within what a host allows a turn."""
QUESTION_RESPONSE = "question_response"
"""The action of a `SystemIn` whose text is a `QuestionResponse`."""
QUESTION_EXPIRED = "question_expired"
"""That of one which says that a question is closed without an answer."""
QUESTION_UNDELIVERED = "question_undelivered"
"""That of one which says that nobody has seen it."""


class PayloadError(ValueError):
    """A payload that does not fit its kind. `str()` says where, and quotes nothing of it."""


@frozen(kw_only=True)
class Attachment:
    """A file that came with a message; `path` is relative to the session's inbox."""

    name: str
    path: str
    mime_type: str | None = None
    size: int


@frozen(kw_only=True)
class Quote:
    """The message that a message answers, as its platform showed it."""

    id: str | None = None
    sender: str
    text: str


@frozen(kw_only=True)
class ChatIn:
    """Somebody said something. `sender_id` is `<channel>:<immutable id>`, made by the adapter."""

    text: str
    sender: str
    sender_id: str
    attachments: tuple[Attachment, ...] = ()
    reply_to: Quote | None = None


@frozen(kw_only=True)
class Task:
    """Something is due."""

    prompt: str
    script: str | None = None


@frozen(kw_only=True)
class Webhook:
    """Another program called."""

    source: str
    event: str
    payload: str


@frozen(kw_only=True)
class SystemIn:
    """The host tells the agent something about itself: what became of a message or a request."""

    action: str
    text: str


@frozen(kw_only=True)
class QuestionResponse:
    """Somebody has answered a question of the agent's: the JSON text of a `SystemIn`, in the row `answer_row` names."""

    question_id: str
    question: str
    value: str
    label: str
    by: str
    """What whoever answered is called, in the words of their platform."""


def answer_row(question_id: str) -> str:
    """The id of the inbound row with the answer to a question."""
    return f"answer-{question_id}"


def question_rows(question_id: str) -> tuple[str, ...]:
    """The ids of all inbound rows that can be the end of a question."""
    notes = (f"note:{action}:{question_id}" for action in (QUESTION_EXPIRED, QUESTION_UNDELIVERED))
    return (answer_row(question_id), *notes)


InPayload: TypeAlias = ChatIn | Task | Webhook | SystemIn


def _says_something(message: ChatOut, _: Attribute[tuple[str, ...]], files: tuple[str, ...]) -> None:
    if not message.text and not files:
        raise ValueError("neither text nor files")


@frozen(kw_only=True)
class ChatOut:
    """Say *text*; `files` are names in this message's folder of the outbox. One of the two may be empty."""

    text: str = field(validator=max_len(MOST_TEXT))
    files: tuple[str, ...] = field(default=(), validator=_says_something)


@frozen(kw_only=True)
class Edit:
    """Replace the text of message number *seq*."""

    seq: int
    text: str = field(validator=[min_len(1), max_len(MOST_TEXT)])


@frozen(kw_only=True)
class Reaction:
    """React to message number *seq*."""

    seq: int
    emoji: str = field(validator=[min_len(1), max_len(64)])


@frozen(kw_only=True)
class Card:
    """A titled card; `fallback` is shown where a platform has none."""

    title: str = field(validator=max_len(MOST_TITLE))
    description: str = field(default="", validator=max_len(MOST_BODY))
    fallback: str = field(validator=[min_len(1), max_len(MOST_BODY)])


@frozen(kw_only=True)
class Option:
    """One answer of a question."""

    label: str = field(validator=[min_len(1), max_len(MOST_LABEL)])
    value: str = field(validator=max_len(MOST_BODY))


@frozen(kw_only=True)
class AskQuestion:
    """Ask a person to choose. After *timeout_seconds* the question is closed; without, it waits as long as it takes.

    *responders* are names for those who may answer; without any, they are whoever triggered the turn, and admins.
    """

    question_id: str = field(validator=[min_len(1), max_len(MOST_LABEL)])
    title: str = field(validator=max_len(MOST_TITLE))
    question: str = field(validator=max_len(MOST_BODY))
    options: tuple[Option, ...] = field(validator=[min_len(1), max_len(MOST_OPTIONS)])
    timeout_seconds: int | None = field(default=None, validator=optional([ge(1), le(MOST_WAIT_SECONDS)]))
    responders: tuple[str, ...] = field(
        default=(), validator=[max_len(MOST_RESPONDERS), deep_iterable(max_len(MOST_RESPONDER))]
    )


@frozen(kw_only=True)
class SystemOut:
    """Ask the host to do something; `arguments` is JSON text that the action's own schema reads."""

    action: str
    arguments: str = "{}"


OutPayload: TypeAlias = ChatOut | Edit | Reaction | Card | AskQuestion | SystemOut

IN_CLASSES: dict[InKind, type[InPayload]] = {
    InKind.CHAT: ChatIn,
    InKind.CHAT_SDK: ChatIn,
    InKind.TASK: Task,
    InKind.WEBHOOK: Webhook,
    InKind.SYSTEM: SystemIn,
}
OUT_CLASSES: dict[OutKind, type[OutPayload]] = {
    OutKind.CHAT: ChatOut,
    OutKind.EDIT: Edit,
    OutKind.REACTION: Reaction,
    OutKind.CARD: Card,
    OutKind.ASK_QUESTION: AskQuestion,
    OutKind.SYSTEM: SystemOut,
}

_converter = Converter(forbid_extra_keys=True, prefer_attrib_converters=False)


def _only(json_type: type, structure: Callable[..., object]) -> Callable[[object, type], object]:
    """Structure a *json_type* and nothing that could be turned into one: "1" is not 1, "abc" is not a list of three."""

    def exact(value: object, cls: type) -> object:
        if type(value) is not json_type:
            raise ValueError(f"not a {json_type.__name__}")
        return structure(value, cls)

    return exact


def _is_tuple(cls: object) -> bool:
    return get_origin(cls) is tuple


for _cls in (str, int, float, bool):
    _converter.register_structure_hook(_cls, _only(_cls, lambda value, _: value))
_converter.register_structure_hook_factory(
    has, lambda cls: _only(dict, make_dict_structure_fn(cls, _converter, _cattrs_forbid_extra_keys=True))
)
_converter.register_structure_hook_factory(
    _is_tuple, lambda cls: _only(list, homogenous_tuple_structure_factory(cls, _converter))
)


def read_in(kind: InKind, text: str) -> InPayload:
    """The payload of an inbound row. Raises `PayloadError`."""
    return _read(text, IN_CLASSES[kind])


def read_out(kind: OutKind, text: str) -> OutPayload:
    """The payload of an outbound row. Raises `PayloadError`."""
    return _read(text, OUT_CLASSES[kind])


def read_as(cls: type[T], text: str) -> T:
    """A frozen class of this contract from JSON text, as strictly as a payload. Raises `PayloadError`."""
    return _read(text, cls)


def write(payload: object) -> str:
    """A payload, or another frozen class, as the JSON text that `read_in`, `read_out` or `read_as` takes."""
    return json.dumps(_converter.unstructure(payload), ensure_ascii=False)


def _read(text: str, cls: type[T]) -> T:
    try:
        value = read(text)
        if not isinstance(value, dict):
            raise PayloadError("not a JSON object")
        return _converter.structure(value, cls)
    except JsonError as exc:
        raise PayloadError(str(exc)) from None
    except BaseValidationError as exc:
        raise PayloadError("; ".join(transform_error(exc, format_exception=_describe))[:500]) from None


def _describe(exc: BaseException, cls: type | None) -> str:
    """What is wrong with one value. cattrs would quote the names of unknown fields, which are a stranger's text."""
    return "unknown field" if isinstance(exc, ForbiddenExtraKeysError) else format_exception(exc, cls)
