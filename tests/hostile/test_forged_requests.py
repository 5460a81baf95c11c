"""Requests that nobody has a right to: nothing comes of them, each is on record, and no person is bothered."""

from __future__ import annotations

from collections import Counter

from nanoclaw.core.requests import RULES
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.hostile.town import Town, until

RIGHTS = ("destinations", "container_settings", "wirings", "roles", "members", "approvals", "tasks")


def rights(there: Town) -> dict[str, object]:
    """Who there is, and who may what."""
    groups = [(row["id"], row["name"], row["folder"]) for row in there.rows("SELECT * FROM agent_groups ORDER BY id")]
    return {"groups": groups, **{name: there.rows(f"SELECT * FROM {name}") for name in RIGHTS}}


def test_an_agent_that_asks_for_everything_gets_what_anybody_may_have(build_town: BuildTown) -> None:
    """AT-13, and of AT-20 that a stranger's turn is given nothing. Its own right is the highest that there is."""
    with build_town(Evil(name="evil", attack="at_13_requests", admin_scope="global")) as there:
        before = rights(there)
        there.wake_all()
        until(
            lambda: [post.text for post in there.heard("evil")] == ["asked for all of it"],
            what=lambda: there.heard("evil"),
        )
        assert rights(there) == before
        found = there.rows("SELECT action, accepted, result FROM requests")
        said = there.await_report("evil")
        assert len(found) == said["asked"]
        assert {row["action"] for row in found if row["accepted"]} == {"list_tasks"}
        refused = Counter(row["action"] for row in found if not row["accepted"])
        assert sum(number for action, number in refused.items() if action not in RULES) == said["unknown"]
        whys = "\n".join(row["result"] for row in found)
        assert "the lesser counts" in whys
        assert f"{RULES['create_agent'].an_hour} times an hour" in whys
        reasons = Counter(row["reason"] for row in there.rows("SELECT reason FROM drops WHERE kind = 'outbound'"))
        assert reasons == {
            "unknown-request": said["unknown"],
            "bad-request": reasons["bad-request"],
            "unreadable": 1,
        }
        assert there.endings("evil") == []
