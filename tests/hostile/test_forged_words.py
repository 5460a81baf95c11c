"""Agents that speak where they may not, make plans for a whole village, and would have their own requests approved."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

from nanoclaw.core.approvals import escaped
from nanoclaw.store.tasks import MOST_TASKS
from schema.payloads import MOST_TEXT
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.hostile.test_forged_requests import rights
from tests.hostile.town import SECONDS, Town, until
from tests.support.sampling import WHOLE

PLANS = 100_000 if WHOLE else 130
CALLS = 10_000 if WHOLE else 100
PATIENCE = 1_800 if WHOLE else SECONDS
"""In seconds."""
EVERYWHERE = Evil(name="evil-0", attack="at_14_places", words=(str(PLANS),))
FORGER = Evil(name="evil-1", attack="at_16_cards", words=(str(CALLS),), managed=True)


def test_nothing_reaches_whom_it_may_not_and_nothing_is_done_that_a_person_has_not_seen(build_town: BuildTown) -> None:
    with build_town(EVERYWHERE, FORGER) as there:
        before = rights(there)
        there.wake_all()
        until(lambda: "said all of it" in heard(there, EVERYWHERE), PATIENCE, what=there.all_text)
        until(lambda: "asked for all of it" in heard(there, FORGER), PATIENCE, what=there.all_text)
        its_words_stay_in_its_room(there)
        its_plans_are_few_and_its_own(there)
        its_requests_wait_and_show_all(there)
        what_is_foreign_is_as_what_is_nobodys(there)
        waiting = there.rows("SELECT * FROM approvals ORDER BY id")
        there.say(FORGER.name, 2, text="1")
        there.say(FORGER.name, 3, text="Approve")
        until(lambda: len(there.rows("SELECT 1 FROM questions WHERE state = 'answered'")) == 2)
        assert there.rows("SELECT * FROM approvals ORDER BY id") == waiting
        after = rights(there)
        assert {name for name in before if before[name] != after[name]} == {"approvals", "tasks"}
        assert there.endings(EVERYWHERE.name) == there.endings(FORGER.name) == []


def heard(there: Town, evil: Evil) -> list[str]:
    """What was posted in its room."""
    return [post.text for post in there.heard(evil.name)]


def its_words_stay_in_its_room(there: Town) -> None:
    """AT-14, AT-19: names, fields and answers of others lead nowhere; what is said is passed on as it is or not."""
    said, posted = there.report(EVERYWHERE.name), heard(there, EVERYWHERE)
    assert not [post for post in there.platform.posts if "leak" in post.text]
    assert not [post for post in there.platform.posts if "not heard" in post.text and post.room != EVERYWHERE.name]
    assert [text for text in posted if text in said["words"]] == said["words"]
    assert max(len(text) for text in posted) <= MOST_TEXT
    dropped = there.rows("SELECT reason FROM drops WHERE session_id = ?", there.session(EVERYWHERE.name))
    reasons = Counter(row["reason"] for row in dropped)
    # Unreadable: two of the names, fields that there are not, and a megabyte of text.
    assert (reasons["unreadable"], reasons["unknown-destination"]) == (4, said["places"] - 2)


def its_plans_are_few_and_its_own(there: Town) -> None:
    """AT-15."""
    tasks = there.rows("SELECT id, prompt, cron, session_id FROM tasks")
    assert 0 < len(tasks) <= MOST_TASKS
    assert {row["session_id"] for row in tasks} == {there.session(EVERYWHERE.name)}
    assert all(row["id"].startswith("task-ses") for row in tasks)
    assert not {"each second", "never"} & {row["prompt"] for row in tasks}
    assert {row["cron"] for row in tasks if row["prompt"] == "each minute"} == {"* * * * *"}
    refused = there.rows("SELECT result FROM requests WHERE action = 'schedule_task' AND NOT accepted")
    assert len(refused) == there.report(EVERYWHERE.name)["plans"] - len(tasks)


def its_requests_wait_and_show_all(there: Town) -> None:
    """AT-16, AT-17: what waits is what is shown, to the last sign; no question of its own is a card."""
    waiting = there.rows("SELECT * FROM approvals")
    assert sorted(row["id"] for row in waiting) == sorted(there.report(FORGER.name)["approvals"])
    assert len(waiting) == 2
    for row in waiting:
        assert row["state"] == "pending"
        assert hashlib.sha256(row["payload"].encode()).hexdigest() == row["digest"]
        lines, payload = json.loads(row["lines"]), json.loads(row["payload"])
        for name, value in payload["options"].items():
            assert any(line.startswith(f"{name}: “{escaped(value)}”") for line in lines), lines
    more = there.rows("SELECT accepted FROM requests WHERE action IN ('add_mcp_server', 'install_packages')")
    assert [row["accepted"] for row in more] == [0] * there.report(FORGER.name)["more"]
    questions = [row["id"] for row in there.rows("SELECT id FROM questions")]
    refused = there.rows("SELECT reason, detail FROM drops WHERE session_id = ?", there.session(FORGER.name))
    assert sorted(questions) == sorted(row["id"] for row in waiting), refused
    named = ["unknown-responder"] * there.report(FORGER.name)["named"]
    reasons = [row["reason"] for row in refused]
    assert reasons == ["bad-question"] * 4 + ["bad-request"] * 2 + named, "4 would pass for cards"
    cards = there.rows("SELECT session_id FROM ledger WHERE id IN (SELECT ledger_id FROM approval_cards)")
    assert all(row["session_id"] is None for row in cards)


def what_is_foreign_is_as_what_is_nobodys(there: Town) -> None:
    """AT-20."""
    order = "CAST(substr(runner_id, 6) AS INTEGER)"
    found = there.rows(f"SELECT result, accepted FROM requests WHERE action = 'admin' ORDER BY {order}")
    said = there.report(FORGER.name)
    pairs = found[said["commands"] : said["asked"]]
    assert len(pairs) == 16
    for foreign, nobodys in zip(pairs[::2], pairs[1::2], strict=True):
        assert not foreign["accepted"]
        assert foreign["result"].replace("~", "") == nobodys["result"].replace("~", "")
    assert not [row for row in found[said["asked"] :] if row["accepted"]]
