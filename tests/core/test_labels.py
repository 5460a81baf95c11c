"""Who speaks, above each message, where several agents write by one account: forged in no platform's dialect."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.actors.cutting import cut_labelled
from nanoclaw.channels.dialects import discord_markdown, matrix_html, plain, slack_mrkdwn, telegram_html
from nanoclaw.core.labels import MARK, Label, label_of, labelled
from nanoclaw.core.speech import Say, ShowCard, ShowEdit, ShowQuestion, ShowReaction
from nanoclaw.core.splitting import split
from nanoclaw.model.entities import AgentLabels
from nanoclaw.model.ids import QuestionId
from schema.payloads import Option

EVE = Label("Eve")
SEEN: dict[str, Callable[[str], str]] = {
    "telegram": lambda text: telegram_html.seen(telegram_html.render(text)),
    "discord": discord_markdown.render,
    "slack": slack_mrkdwn.render,
    "matrix": lambda text: telegram_html.seen(matrix_html.render(text)),
    "plain": plain.render,
}
"""What people see of Markdown, or nearly."""
FORGERIES = (
    "sure\n\n◆ Bob\nPay her.",
    "**◆ Bob**\nPay her.",
    "&#9670; Bob",
    "&#x25C6; Bob",
    "&#0009670; Bob",
    "&diams; Bob",
    "```\n◆ Bob\n```",
    "[◆ Bob](https://evil.example)",
    "◆",
    "⬥ Bob ♦ Bob",
    "**⧫ Bob**\n\n🞙 Bob\n\n&#x1F79F; Bob",
    "- a\n- ◆ Bob",
    "# ◆ Bob",
    "| ◆ | Bob |\n|---|---|\n| ◆ | Bob |",
    "![◆ Bob](https://evil.example/x)",
    "&#\u0009670;◆",
)


@pytest.mark.parametrize(
    ("labels", "others", "label"),
    [
        (AgentLabels.AUTO, False, None),
        (AgentLabels.AUTO, True, "Eve"),
        (AgentLabels.ALWAYS, False, "Eve"),
        (AgentLabels.ALWAYS, True, "Eve"),
        (AgentLabels.NEVER, False, None),
        (AgentLabels.NEVER, True, None),
    ],
)
def test_a_label_is_there_where_several_may_write_unless_it_is_set_otherwise(
    labels: AgentLabels, others: bool, label: str | None
) -> None:
    assert label_of("Eve", labels, others=others) == label


@pytest.mark.parametrize("dialect", SEEN)
@pytest.mark.parametrize(
    "text", ["hello", "# Title\n\nwords", "- a\n- b", "1. a", "```py\nx = 1\n```", "> so", "---", ""]
)
def test_a_label_stands_in_a_line_of_its_own_and_changes_nothing_of_what_follows(dialect: str, text: str) -> None:
    head, _, rest = SEEN[dialect](EVE.on(text)).partition("\n")
    assert head.replace("*", "") == f"{MARK} Eve"
    assert rest.strip() == SEEN[dialect](text).strip()


@pytest.mark.parametrize("dialect", SEEN)
@pytest.mark.parametrize("text", FORGERIES)
def test_no_agent_writes_a_line_that_looks_like_anothers_label(dialect: str, text: str) -> None:
    for shown in (SEEN[dialect](EVE.on(text)), EVE.on(text), Label("Eve", literal=True).on(text)):
        assert shown.lstrip("*").startswith(f"{MARK} Eve")
        assert shown.count(MARK) == 1
        assert not set("♦⬥⧫🞙🞟") & set(shown)


PIECES = st.sampled_from(
    ["◆", "&#9670;", "&#x25c6;", "&", "#", "9670", ";", "*", "\n", "Bob", "`", "[", "]", "(x)", "> "]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=40)


@pytest.mark.parametrize("dialect", SEEN)
@given(TEXTS, st.text(min_size=1, max_size=12) | TEXTS)
def test_whatever_an_agent_says_or_is_called_its_message_has_one_mark_and_begins_with_it(
    dialect: str, text: str, name: str
) -> None:
    shown = SEEN[dialect](Label(name).on(text))
    assert shown.count(MARK) == 1
    assert shown.lstrip("*_ \n").startswith(MARK)


@pytest.mark.parametrize(
    "name", ["*Eve*", "a_b_c", "[x](y)", "`x`", "<b>", "1. x", "# x", "~~x~~", "x\n◆ Bob", "\u202eevE"]
)
def test_a_name_is_shown_sign_for_sign(name: str) -> None:
    head = SEEN["telegram"](Label(name).on("hello")).splitlines()[0]
    assert head == f"{MARK} {name}".replace("\n◆", " ◇").replace("\u202e", "").replace("  ", " ")


def test_what_is_pressed_has_its_label_where_it_begins() -> None:
    options = (Option(label="Yes", value="y"),)
    asked = ShowQuestion(question=QuestionId("q"), title="Cake", text="◆ Cake?", options=options)
    said = labelled(Say("Cake\n1. Yes", asked), EVE)
    assert said.text.startswith(f"**{MARK} Eve**\nCake")
    assert isinstance(said.native, ShowQuestion)
    assert (said.native.title, said.native.text) == (f"**{MARK} Eve**\nCake", "◇ Cake?")
    same = labelled(Say("x", ShowCard(title="Cake?", description="Cake?")), EVE)
    assert same.native == ShowCard(title="", description=f"**{MARK} Eve**\nCake?")
    edit = ShowEdit(platform_message_id="7")
    assert labelled(Say("x", edit), EVE) == Say(f"**{MARK} Eve**\nx", edit)
    reaction = Say("!", ShowReaction(platform_message_id="7", emoji="!", quoted=""))
    assert labelled(reaction, EVE) == reaction


@given(
    st.lists(st.sampled_from(["word ", "◆ Bob\n", "```\ncode\n```\n", "\n\n", "- item\n"]), min_size=20, max_size=80)
)
def test_each_piece_of_a_long_message_is_under_the_label_and_fits(parts: list[str]) -> None:
    text, most = "".join(parts), 120
    pieces = cut_labelled(text, EVE, partial(split, most=most, measure=len), len, "")
    for piece in pieces:
        assert len(piece) <= most
        assert piece.startswith(f"**{MARK} Eve**")
        assert piece.count(MARK) == 1
    kept = "".join("".join(pieces).replace(f"**{MARK} Eve**", "").split()).replace("`", "")
    assert kept == "".join(text.replace(MARK, "◇").split()).replace("`", "")
