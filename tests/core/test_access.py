"""Who may speak to an agent, by what they were given and where they speak."""

from __future__ import annotations

import pytest

from nanoclaw.core.access import Allowed, Refused, access, scope, standing
from nanoclaw.model.entities import SenderScope, UnknownSenderPolicy
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.rights import Rights, Standing

HERE, THERE = AgentGroupId("here"), AgentGroupId("there")


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        (Rights(), Standing.STRANGER),
        (Rights(member_of=frozenset({THERE}), admin_of=frozenset({THERE})), Standing.STRANGER),
        (Rights(member_of=frozenset({HERE})), Standing.MEMBER),
        (Rights(member_of=frozenset({HERE}), admin_of=frozenset({HERE})), Standing.ADMIN),
        (Rights(admin_of=frozenset({HERE}), global_admin=True), Standing.GLOBAL_ADMIN),
        (Rights(global_admin=True, owner=True), Standing.OWNER),
    ],
)
def test_somebody_is_the_highest_of_what_they_were_given(rights: Rights, expected: Standing) -> None:
    assert standing(rights, HERE) is expected


@pytest.mark.parametrize("policy", UnknownSenderPolicy)
@pytest.mark.parametrize("sender", [one for one in Standing if one is not Standing.STRANGER])
def test_whoever_is_something_to_an_agent_may_speak_to_it_anywhere(
    policy: UnknownSenderPolicy, sender: Standing
) -> None:
    article = {"owner": "an", "admin": "an"}.get(sender.value, "a")
    assert access(policy, sender) == Allowed(f"the sender is {article} {sender.value}")


def test_a_stranger_meets_the_policy_of_the_chat() -> None:
    assert access(UnknownSenderPolicy.PUBLIC, Standing.STRANGER) == Allowed("the chat is public")
    why = "the sender has no right to speak to this agent, and the chat's policy is"
    assert access(UnknownSenderPolicy.STRICT, Standing.STRANGER) == Refused(
        "unknown-sender", f"{why} strict", ask=False
    )
    assert access(UnknownSenderPolicy.REQUEST_APPROVAL, Standing.STRANGER) == Refused(
        "unknown-sender", f"{why} request_approval", ask=True
    )


@pytest.mark.parametrize("sender", Standing)
def test_a_scope_looks_at_strangers_alone(sender: Standing) -> None:
    assert scope(SenderScope.ALL, sender) == Allowed("the wiring is for everybody whom the chat allows")
    for_known = scope(SenderScope.KNOWN, sender)
    if sender is Standing.STRANGER:
        assert for_known == Refused("sender-scope", "the wiring is for known people only", ask=False)
    else:
        article = {"owner": "an", "admin": "an"}.get(sender.value, "a")
        assert for_known == Allowed(f"the wiring is for known people, and the sender is {article} {sender.value}")
