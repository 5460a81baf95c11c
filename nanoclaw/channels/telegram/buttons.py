"""Buttons below a question, and what each says when it is pressed, in at most 64 bytes. Pure.

Nobody keeps anything here: what is pressed says all, and proves nothing. The value of an option is a token of the
host's; what it is worth, and to whom, is judged where the answer is stored.
"""

from __future__ import annotations

from nanoclaw.core.approvals import PREFIX
from nanoclaw.core.notices import plain
from nanoclaw.core.speech import ShowQuestion
from nanoclaw.model.ids import QuestionId

MOST_DATA = 64
MOST_LABEL = 60
CARD, QUESTION = "a", "q"
BETWEEN = "\n"


def keyboard(asked: ShowQuestion) -> list[list[dict[str, str]]] | None:
    """The rows of an inline keyboard; None: the names are too long to go into buttons."""
    rows = []
    for number, option in enumerate(asked.options, start=1):
        data = _data(asked.question, option.value)
        if data is None:
            return None
        rows.append([{"text": plain(option.label, MOST_LABEL) or str(number), "callback_data": data}])
    return rows


def pressed(data: str) -> tuple[QuestionId, str] | None:
    """The question, and what was said to it; None: it is no button of ours."""
    kind, question, said = data[:1], *data[1:].partition(BETWEEN)[::2]
    if not question or not said or kind not in (CARD, QUESTION):
        return None
    return QuestionId(PREFIX + question if kind == CARD else question), said


def _data(question: str, said: str) -> str | None:
    is_card = question.startswith(PREFIX)
    begin = CARD + question.removeprefix(PREFIX) if is_card else QUESTION + question
    data = f"{begin}{BETWEEN}{said}"
    fits = len(data.encode(errors="replace")) <= MOST_DATA and pressed(data) == (question, said)
    return data if fits else None
