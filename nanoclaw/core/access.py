"""Who may speak to an agent group? Pure."""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.entities import SenderScope, UnknownSenderPolicy
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.rights import Rights, Standing


@frozen
class Allowed:
    """They may."""

    why: str


@frozen
class Refused:
    """They may not."""

    reason: str
    detail: str
    ask: bool
    """Shall a person be asked whether they may from now on?"""


Verdict: TypeAlias = Allowed | Refused


def standing(rights: Rights, agent_group: AgentGroupId) -> Standing:
    """What somebody with *rights* is to *agent_group*: the highest of what they were given."""
    if rights.owner:
        return Standing.OWNER
    if rights.global_admin:
        return Standing.GLOBAL_ADMIN
    if agent_group in rights.admin_of:
        return Standing.ADMIN
    if agent_group in rights.member_of:
        return Standing.MEMBER
    return Standing.STRANGER


def access(policy: UnknownSenderPolicy, sender: Standing) -> Verdict:
    """Does a chat of that *policy* let the sender speak to the agent group they stand to?"""
    if sender is not Standing.STRANGER:
        return Allowed(f"the sender is {_a(sender)}")
    if policy is UnknownSenderPolicy.PUBLIC:
        return Allowed("the chat is public")
    return Refused(
        "unknown-sender",
        f"the sender has no right to speak to this agent, and the chat's policy is {policy.value}",
        ask=policy is UnknownSenderPolicy.REQUEST_APPROVAL,
    )


def scope(sender_scope: SenderScope, sender: Standing) -> Verdict:
    """Does a wiring of that *sender_scope* let the sender through? It may be for known people in a public chat, too."""
    if sender_scope is SenderScope.ALL:
        return Allowed("the wiring is for everybody whom the chat allows")
    if sender is not Standing.STRANGER:
        return Allowed(f"the wiring is for known people, and the sender is {_a(sender)}")
    return Refused("sender-scope", "the wiring is for known people only", ask=False)


def may_speak(policy: UnknownSenderPolicy, sender_scope: SenderScope, sender: Standing) -> bool:
    """Do a chat of that *policy* and a wiring of that *sender_scope* let the sender speak to the agent group?"""
    return isinstance(access(policy, sender), Allowed) and isinstance(scope(sender_scope, sender), Allowed)


def _a(sender: Standing) -> str:
    return f"{'an' if sender.value[0] in 'ao' else 'a'} {sender.value}"
