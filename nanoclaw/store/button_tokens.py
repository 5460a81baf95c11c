"""What buttons say to us: a token of the host's own for each option of each card and each question, 130 bits of luck.

Cards and questions have a table each, so that what was made for the one is nothing to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from attrs import evolve

from nanoclaw.model.ids import CardId, QuestionId
from schema.payloads import Option
from schema.sqlite import Connection, execute, scalar


class Buttons(Enum):
    """Whose buttons they are: the table of their tokens, and its column that names the card or the question."""

    CARD = ("approval_tokens", "card_id")
    QUESTION = ("question_tokens", "question_id")


def mint_for(options: Sequence[Option], token: Callable[[], str]) -> dict[str, str]:
    """A new token for the value of each of *options*."""
    return {option.value: token() for option in options}


def with_tokens(options: Sequence[Option], tokens: Mapping[str, str]) -> tuple[Option, ...]:
    """*options* as a channel shows them: each says its token in place of its value."""
    return tuple(evolve(option, value=tokens[option.value]) for option in options)


def keep(conn: Connection, of: Buttons, one: CardId | QuestionId, tokens: Mapping[str, str]) -> None:
    """Keep what the buttons of *one* say, by the values of its options. Its own row is there."""
    table, column = of.value
    for value, token in tokens.items():
        sql = f"INSERT INTO {table} (token, {column}, value) VALUES (?, ?, ?)"  # noqa: S608 - our own texts
        execute(conn, sql, (token, one, value))


def value_of(conn: Connection, of: Buttons, one: CardId | QuestionId, token: str) -> str | None:
    """The value of the option that *token* was made for, if it is one of that card's or question's."""
    table, column = of.value
    sql = f"SELECT value FROM {table} WHERE token = ? AND {column} = ?"  # noqa: S608 - our own texts
    found = scalar(conn, sql, (token, one))
    return None if found is None else str(found)


def has_any(conn: Connection, question: QuestionId) -> bool:
    """Have the buttons of *question* tokens? Those that were asked by an older program have not."""
    return scalar(conn, "SELECT 1 FROM question_tokens WHERE question_id = ? LIMIT 1", (question,)) is not None
