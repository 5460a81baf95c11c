"""Verbs as a command line needs them: parameters from a class, arguments read strictly."""

from __future__ import annotations

import pytest

from nanoclaw.admin.table import BY_NAME, RESOURCES, VERBS
from nanoclaw.admin.verb import Verb
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import EngageMode
from nanoclaw.model.rights import Role


def test_every_verb_has_a_name_of_its_own_and_belongs_to_a_resource() -> None:
    assert len(BY_NAME) == len(VERBS)
    assert {verb.resource for verb in VERBS if verb.action} == set(RESOURCES)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_verb_says_what_it_does_and_what_each_argument_is(verb: Verb) -> None:
    assert verb.help.endswith(".")
    for parameter in verb.parameters():
        assert parameter.help
        assert parameter.required == (parameter.positional or parameter.required)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_what_takes_away_asks_first_and_nothing_that_only_looks_writes(verb: Verb) -> None:
    assert verb.destroys == (verb.action in {"delete", "remove", "revoke", "cancel", "drop", "stop"})
    looks = {"list", "get", "check", "show", "next", "graph", "log", "test", "bindings", ""}
    assert verb.writes == (verb.action not in looks)


def test_arguments_become_a_value_of_the_verbs_own_class() -> None:
    read = BY_NAME["wirings create"].read({"chat": "c", "group": "g", "engage_mode": "mention", "priority": 3})
    assert (read.chat, read.engage_mode, read.priority, read.engage_pattern) == ("c", EngageMode.MENTION, 3, None)
    assert BY_NAME["roles grant"].read({"user": "u", "role": "owner"}).role is Role.OWNER


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"chat": "c"}, "group"),
        ({"chat": "c", "group": "g", "engage_mode": "loud"}, "engage_mode"),
        ({"chat": "c", "group": "g", "priority": "high"}, "priority"),
        ({"chat": "c", "group": "g", "priority": True}, "priority"),
        ({"chat": 7, "group": "g"}, "chat"),
        ({"chat": "c", "group": "g", "prio": 1}, "prio"),
        ("nonsense", "wirings create"),
        (None, "wirings create"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(arguments: object, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        BY_NAME["wirings create"].read(arguments)


def test_an_option_is_spelt_with_dashes() -> None:
    spelt = {parameter.option for parameter in BY_NAME["explain"].parameters() if not parameter.positional}
    assert spelt == {"--from", "--mention", "--thread", "--top-level"}
