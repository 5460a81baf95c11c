"""Which commands an agent hears, and from whom."""

from __future__ import annotations

import pytest

from nanoclaw.core.commands import ADMIN, FILTERED, Denied, Filtered, Pass, judge
from nanoclaw.model.rights import Standing

MANAGERS = (Standing.OWNER, Standing.GLOBAL_ADMIN, Standing.ADMIN)
OTHERS = (Standing.MEMBER, Standing.STRANGER)


@pytest.mark.parametrize("name", ["/help", "/login", "/logout", "/doctor", "/config", "/remote-control", "/start"])
@pytest.mark.parametrize("sender", Standing)
def test_no_agent_has_a_use_for_these_whoever_gives_them(name: str, sender: Standing) -> None:
    assert judge(f"{name} now", sender) == Filtered(name)


@pytest.mark.parametrize("name", ["/clear", "/compact", "/context", "/cost", "/files"])
def test_these_are_for_whoever_manages_the_agent(name: str) -> None:
    for sender in MANAGERS:
        assert judge(name, sender) == Pass(name)
    for sender in OTHERS:
        assert judge(name, sender) == Denied(name)


def test_there_are_no_others() -> None:
    assert len(FILTERED) == 7
    assert len(ADMIN) == 5


@pytest.mark.parametrize("text", ["/weather", "@nano /weather"])
def test_any_other_command_passes(text: str) -> None:
    assert judge(text, Standing.STRANGER) == Pass("/weather")


@pytest.mark.parametrize("text", ["clear", "/clearly", "say /clear", "", "/etc/hosts"])
def test_what_is_no_command_of_ours_passes(text: str) -> None:
    assert isinstance(judge(text, Standing.STRANGER), Pass)


def test_whoever_may_not_is_told_so() -> None:
    assert Denied("/clear").answer == "Permission denied: /clear requires admin access."
