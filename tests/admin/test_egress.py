"""What agents may reach, from the command line: closed at first, allowed by word, taken back, tried and looked at."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nanoclaw.core.egress import MOST_RULES, Preset, Rule
from nanoclaw.errors import UsageError
from nanoclaw.model.egress import EgressEntry, Outcome
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.store import egress
from tests.support.desk import Desk


@pytest.fixture
def desk() -> Desk:
    """An operator, and two agents."""
    desk = Desk()
    desk.do("groups create", name="Nano")
    desk.do("groups create", name="Ops")
    return desk


def group(desk: Desk, name: str) -> AgentGroupId:
    return AgentGroupId(str(desk.do("groups get", group=name).rows[0]["id"]))


def entry(desk: Desk, number: int, of: AgentGroupId, outcome: Outcome) -> EgressEntry:
    return EgressEntry(
        at=desk.world.now + timedelta(seconds=number),
        agent_group_id=of,
        session_id=SessionId("ses-1"),
        method="CONNECT",
        place=f"a{number}.example:443",
        outcome=outcome,
        why="web",
        sent=number,
    )


def test_a_new_agent_reaches_nothing_but_its_model(desk: Desk) -> None:
    answer = desk.do("egress list")
    assert (answer.rows, answer.said) == ((), "nothing is allowed: sandboxes reach their models and no more")
    assert egress.policy_of(desk.world.conn, group(desk, "nano"), now=desk.world.now).is_closed
    tried = desk.do("egress test", group="nano", place="pypi.org")
    assert tried.rows[0]["allowed"] is False
    assert tried.said == (
        "pypi.org:443 is not allowed; ask the operator to allow it: nanoclaw egress allow nano pypi.org"
    )


def test_what_is_allowed_is_shown_tried_and_taken_back_and_is_nobody_elses(desk: Desk) -> None:
    said = desk.do("egress allow", group="nano", what="Example.ORG.").said
    assert said == "Nano may reach example.org:443, from its next request on"
    desk.do("egress allow", group="nano", what="packages")
    desk.do("egress allow", group="ops", what="mirror.example:80", methods="get,head", path="/pool/")
    desk.do("egress allow", group="ops", what="nas.example:8443", near=True)
    assert [(row["group"], row["what"]) for row in desk.do("egress list", group="nano").rows] == [
        ("Nano", "example.org:443"),
        ("Nano", "packages"),
    ]
    rows = {row["what"]: row for row in desk.do("egress list", group="ops").rows}
    assert (rows["mirror.example:80"]["methods"], rows["mirror.example:80"]["path"]) == ("GET,HEAD", "/pool")
    assert rows["nas.example:8443"]["near"] is True
    policy = egress.policy_of(desk.world.conn, group(desk, "nano"), now=desk.world.now)
    assert policy.rules == (Rule(host="example.org"),)
    assert policy.presets == frozenset({Preset.PACKAGES})

    def allowed(of: str, place: str, **more: str) -> object:
        return desk.do("egress test", group=of, place=place, **more).rows[0]["allowed"]

    assert allowed("nano", "example.org")
    assert allowed("nano", "files.pythonhosted.org:443")
    assert not allowed("ops", "example.org")
    assert allowed("ops", "mirror.example", method="get", path="/pool/x")
    assert not allowed("ops", "mirror.example", method="post", path="/pool/x")
    desk.do("egress deny", group="nano", what="EXAMPLE.org")
    desk.do("egress deny", group="nano", what="packages")
    assert desk.do("egress list", group="nano").rows == ()
    assert not allowed("nano", "example.org")


def test_an_address_is_judged_as_it_is_tried(desk: Desk) -> None:
    desk.do("egress allow", group="nano", what="open")
    tried = desk.do("egress test", group="nano", place="169.254.169.254:80", method="GET")
    assert tried.rows[0]["allowed"] is False
    assert tried.said is not None
    assert "link-local" in tried.said
    assert desk.do("egress test", group="nano", place="8.8.8.8:53").rows[0]["allowed"] is True


@pytest.mark.parametrize(
    ("verb", "said", "expected"),
    [
        ("allow", {"what": "https://example.org"}, "no port"),
        ("allow", {"what": "127.1"}, "ends in a number"),
        ("allow", {"what": "*"}, "other characters"),
        ("allow", {"what": "web", "near": True}, "is a preset"),
        ("allow", {"what": "a.org:80", "methods": "BREW"}, "not a method"),
        ("allow", {"what": "a.org:80", "path": "/a/../b"}, "the path"),
        ("allow", {"what": "*.a.org", "near": True}, "whole name"),
        ("deny", {"what": "a.org"}, "nanoclaw egress list --group nano"),
        ("deny", {"what": "web"}, "no rule 'web'"),
        ("test", {"place": "a b"}, "in it"),
        ("log", {"most": 0}, "between 1 and"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    desk: Desk, verb: str, said: dict[str, object], expected: str
) -> None:
    with pytest.raises(UsageError, match=expected):
        desk.do(f"egress {verb}", group="nano", **said)


def test_no_agent_has_more_rules_than_anybody_reads(desk: Desk) -> None:
    for number in range(MOST_RULES):
        desk.do("egress allow", group="nano", what=f"a{number}.example")
    desk.do("egress allow", group="nano", what="a7.example")
    with pytest.raises(UsageError, match="nanoclaw egress deny"):
        desk.do("egress allow", group="nano", what="web")


def test_the_log_shows_the_newest_and_keeps_no_more_than_it_may(desk: Desk) -> None:
    nano, ops = group(desk, "nano"), group(desk, "ops")
    entries = [entry(desk, number, nano if number % 2 else ops, Outcome.ALLOWED) for number in range(9)]
    egress.add_entries(desk.world.conn, [*entries, entry(desk, 9, nano, Outcome.REFUSED)], most=6)
    egress.add_entries(desk.world.conn, [], most=6)
    assert [row["sent"] for row in desk.do("egress log").rows] == [9, 8, 7, 6, 5, 4]
    assert [row["sent"] for row in desk.do("egress log", group="nano", most=2).rows] == [9, 7]
    (refused,) = desk.do("egress log", outcome=Outcome.REFUSED.value).rows
    assert (refused["place"], refused["outcome"]) == ("a9.example:443", "refused")
    assert desk.do("egress log", group="ops", outcome=Outcome.FAILED.value).said == "no sandbox has asked for anything"


def test_rules_go_with_their_agent_and_the_log_stays(desk: Desk) -> None:
    desk.do("egress allow", group="ops", what="web")
    ops = group(desk, "ops")
    egress.add_entries(desk.world.conn, [entry(desk, 1, ops, Outcome.ALLOWED)], most=6)
    assert not egress.policy_of(desk.world.conn, ops, now=desk.world.now).is_closed
    desk.do("groups delete", group="ops")
    assert desk.do("egress list").rows == ()
    assert egress.policy_of(desk.world.conn, ops, now=desk.world.now).is_closed
    assert [row["place"] for row in desk.do("egress log").rows] == ["a1.example:443"]
