"""The tool by which an agent has another one made: create_agent."""

from __future__ import annotations

from runner.core.arguments import Text
from runner.tools.asking import request
from runner.tools.desk import Definition, define_tool
from schema.requests import MOST_INSTRUCTIONS, MOST_NAME, CreateAgent

AGENTS: tuple[Definition, ...] = (
    define_tool(
        "create_agent",
        "Have another agent made, with a folder and a memory of its own, for work that lasts: not for a single "
        "question. You can write to it as soon as you are told its name, and it answers you. Only for agents that an "
        "operator lets do so, when somebody asks who manages all agents.",
        [
            Text(name="name", about="What people call it, in a word or two.", most=MOST_NAME),
            Text(
                name="instructions",
                about="What its memory begins with: what it is for, and how it is to work.",
                most=MOST_INSTRUCTIONS,
                required=False,
                may_be_empty=True,
            ),
        ],
        CreateAgent,
        request,
    ),
)
