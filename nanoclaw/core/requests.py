"""What agents may ask of the host, and who may have it asked: one table, and the decision about one request. Pure.

An agent is as powerful as the least of those who have a say in what it does: the agent itself, as its operator set it,
and everybody whose messages it is at. So nobody has an agent do what they may not do themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from types import MappingProxyType
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.notices import plain
from nanoclaw.model.rights import Standing
from nanoclaw.model.settings import AdminScope
from schema.requests import MOST_NAME

WINDOW = timedelta(hours=1)
"""What is counted against the limits of `RULES`: what was asked since, granted or not."""
HOST = "nanoclaw"
"""Who says what the host itself says, in small letters. No agent is called so."""
MOST_CHILDREN = 20
"""Agents that one agent has made and may still write to."""


class Right(IntEnum):
    """What somebody may have done, or an agent do; the greater holds all of the lesser."""

    TALK = 1
    GROUP = 2
    GLOBAL = 3


WORDS: Mapping[Right, str] = MappingProxyType(
    {
        Right.TALK: "whoever is heard",
        Right.GROUP: "whoever manages this agent",
        Right.GLOBAL: "whoever manages all agents",
    }
)
"""The people who have a right."""

OF_AGENTS: Mapping[AdminScope, Right] = MappingProxyType(
    {AdminScope.DISABLED: Right.TALK, AdminScope.GROUP: Right.GROUP, AdminScope.GLOBAL: Right.GLOBAL}
)
OF_PEOPLE: Mapping[Standing, Right] = MappingProxyType(
    {
        Standing.STRANGER: Right.TALK,
        Standing.MEMBER: Right.TALK,
        Standing.ADMIN: Right.GROUP,
        Standing.GLOBAL_ADMIN: Right.GLOBAL,
        Standing.OWNER: Right.GLOBAL,
    }
)


@frozen(kw_only=True)
class Rule:
    """What holds for one action."""

    does: str
    right: Right
    """That of the agent, and of everybody who triggered the turn."""
    an_hour: int
    """How often one agent group may ask for it, in all its sessions together."""
    approval: str | None = None
    """Who has to say yes before it is done; None: nobody."""
    shown: str = "-"
    """What they are shown."""
    fails: str = "its agent is told why; nothing has changed"


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "schedule_task": Rule(does="a task for its own conversation", right=Right.TALK, an_hour=120),
        "list_tasks": Rule(does="the tasks of its own conversation", right=Right.TALK, an_hour=600),
        "update_task": Rule(does="another time or prompt for one of them", right=Right.TALK, an_hour=240),
        "pause_task": Rule(does="that one of them rests", right=Right.TALK, an_hour=240),
        "resume_task": Rule(does="that one of them goes on", right=Right.TALK, an_hour=240),
        "cancel_task": Rule(does="the end of one of them", right=Right.TALK, an_hour=240),
        "create_agent": Rule(
            does="a new agent, with a folder of its own, to which it may write and which may write to it",
            right=Right.GLOBAL,
            an_hour=5,
        ),
        "install_packages": Rule(
            does="packages of Debian, npm or PyPI in its image; none where sandboxes have no image",
            right=Right.GROUP,
            an_hour=10,
            approval="whoever manages the agent",
            shown="the agent, what for, every package with its version, also those that others need, the image below",
            fails="its agent is told why; the image it had stays in use",
        ),
        "add_mcp_server": Rule(
            does="a program in its sandbox that gives it tools, from then on",
            right=Right.GROUP,
            an_hour=20,
            approval="whoever manages the agent",
            shown="the agent, the server's name, its command, each argument, each variable with its value, what is "
            "replaced, and of each file of the agent's that it is started with the size, the digest and, if it fits, "
            "what is in it",
            fails="its agent is told why; it has the servers it had",
        ),
        "admin": Rule(
            does="an admin command, within the lesser of the two rights",
            right=Right.GROUP,
            an_hour=120,
            approval="for what changes something: whoever manages the agent, or all if it reaches further",
            shown="the agent, the command, every option, what names stand for, how far it reaches",
            fails="its agent is told why; nothing has changed. What somebody changed since it was asked for stays",
        ),
    }
)
"""By the name of the action. What is not in it cannot be asked for."""


@frozen
class Cause:
    """Somebody, or something, to which the turn that asks is due."""

    who: str
    right: Right


NOBODY = Cause("nobody who has a say", Right.TALK)
"""Whom a turn is due to that comes of a task, of another agent or of a program."""


@frozen
class Granted:
    """It may be asked for."""

    right: Right
    """The least of all that have a say: what is done reaches no further."""


@frozen
class Denied:
    """It may not; *why* is for the agent."""

    why: str
    too_often: bool = False


Verdict: TypeAlias = Granted | Denied


def decide_request(action: str, *, scope: AdminScope, causes: Sequence[Cause], lately: int) -> Verdict:
    """May an agent ask for *action*, one of `RULES`?

    Args:
      action: What it asks for.
      scope: What its operator lets it do.
      causes: To whom its turn is due; empty counts as `NOBODY`.
      lately: How often its agent group asked for the same within `WINDOW`.
    """
    rule = RULES[action]
    if lately >= rule.an_hour:
        return Denied(f"{action} can be asked for {rule.an_hour} times an hour, and that was done: try later", True)
    own = OF_AGENTS[scope]
    least = min(causes, key=lambda cause: cause.right, default=NOBODY)
    if own < rule.right:
        return Denied(
            f"{action} is for agents whose admin scope is {_scope(rule.right)}, and this one's is {scope.value}: "
            "an operator can set it"
        )
    if least.right < rule.right:
        return Denied(
            f"{action} takes {WORDS[rule.right]}, and this turn is due to {plain(least.who)}, who has less of a say: "
            "the lesser counts"
        )
    return Granted(min(own, least.right))


def name_fault(name: str) -> str | None:
    """Why an agent cannot be called *name*; None if it can."""
    if not name.strip():
        return "an agent needs a name"
    if name != plain(name, most=len(name) + 1) or len(name) > MOST_NAME:
        return f"a name has at most {MOST_NAME} characters on one line, with single spaces between words"
    if name.casefold() == HOST:
        return f"{HOST} is what the host itself is called"
    return None


def _scope(right: Right) -> str:
    return next(scope.value for scope, has in OF_AGENTS.items() if has is right)


HEADINGS = (
    "request",
    "what is asked for",
    "who may have it asked",
    "an hour",
    "who approves",
    "what they see",
    "if not",
)


def table() -> list[tuple[str, ...]]:
    """`RULES` in words, a row a request, in the order of `HEADINGS`: what the pages say of them is made of this."""
    return [
        (
            f"`{name}`",
            rule.does,
            WORDS[rule.right],
            str(rule.an_hour),
            rule.approval or "nobody",
            rule.shown,
            rule.fails,
        )
        for name, rule in RULES.items()
    ]
