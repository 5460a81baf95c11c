"""What calls become: messages that people could read, nothing with a reason, and never anybody but their source."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.webhook.codec import Untold, read
from nanoclaw.channels.webhook.signatures import Refused
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundEvent
from tests.channels.webhook import calls
from tests.channels.webhook.calls import (
    CI,
    COMMENT,
    ISSUE,
    PLAN,
    PULL,
    REPO,
    by_github,
    by_linear,
    by_standard,
    written,
)
from tests.support.central import NOW

HOOK = ChannelName("hook")
URL = "https://github.com/octo/hello"
SAID = f"{URL}/issues/7#issuecomment-1"
COMMIT = {"id": "0123456789abcdef", "message": "Mend the roof\n\nAt last.", "author": {"name": "Ada"}}
RUN = {"name": "CI", "conclusion": "timed_out", "head_branch": "main", "html_url": f"{URL}/runs/1"}
OCT = {"identifier": "OCT-1", "title": "Rain", "state": {"name": "Todo"}, "priorityLabel": "High", "description": "Wet"}


def github(event: str, call: object) -> object:
    body = written(call)
    return read(HOOK, REPO, by_github(body, event), body, NOW)


def linear(call: object) -> object:
    body = written(call)
    return read(HOOK, PLAN, by_linear(body), body, NOW)


def generic(body: bytes) -> object:
    return read(HOOK, CI, by_standard(body), body, NOW)


def text(found: object) -> str:
    assert isinstance(found, InboundEvent), found
    return found.text


@pytest.mark.parametrize(
    ("event", "call", "said"),
    [
        (
            "issues",
            calls.github("opened", issue=ISSUE),
            f"octocat opened issue #7 of octo/hello: “It rains in”\n{URL}/issues/7\n> A lot.\n> Really.",
        ),
        (
            "issues",
            calls.github("labeled", issue=ISSUE, label={"name": "water"}),
            f"octocat labeled issue #7 of octo/hello (water): “It rains in”\n{URL}/issues/7",
        ),
        (
            "pull_request",
            calls.github("closed", pull_request={**PULL, "merged": True}),
            f"octocat merged pull request #8 of octo/hello: “A roof”\n{URL}/pull/8",
        ),
        (
            "pull_request",
            calls.github("synchronize", pull_request=PULL),
            f"octocat pushed to pull request #8 of octo/hello: “A roof”\n{URL}/pull/8",
        ),
        (
            "issue_comment",
            calls.github("created", issue=ISSUE, comment=COMMENT),
            f"octocat wrote a comment about issue #7 of octo/hello: “It rains in”\n{SAID}\n> Me too",
        ),
        (
            "issue_comment",
            calls.github("deleted", issue={**ISSUE, "pull_request": {}}, comment=COMMENT),
            f"octocat deleted a comment about pull request #7 of octo/hello: “It rains in”\n{SAID}",
        ),
        (
            "pull_request_review",
            calls.github("submitted", pull_request=PULL, review={"state": "changes_requested", "body": "Leaks"}),
            "octocat submitted a review (changes requested) of pull request #8 of octo/hello: “A roof”\n> Leaks",
        ),
        (
            "pull_request_review_comment",
            calls.github("created", pull_request=PULL, comment=COMMENT),
            f"octocat wrote a comment on roof.py about pull request #8 of octo/hello: “A roof”\n{SAID}\n> Me too",
        ),
        (
            "push",
            calls.github(ref="refs/heads/main", commits=[COMMIT], compare=f"{URL}/compare/a...b", forced=False),
            f"octocat pushed 1 commit to main of octo/hello.\n- 0123456 Mend the roof (Ada)\n{URL}/compare/a...b",
        ),
        (
            "push",
            calls.github(ref="refs/heads/main", commits=[COMMIT] * 25, forced=True),
            "octocat force-pushed 25 commits to main of octo/hello.\n"
            + "- 0123456 Mend the roof (Ada)\n" * 20
            + "- and 5 more",
        ),
        ("push", calls.github(ref="refs/heads/old", deleted=True), "octocat deleted old of octo/hello."),
        (
            "release",
            calls.github("published", release={"tag_name": "v1", "body": "Dry", "html_url": f"{URL}/v1"}),
            f"octocat published release “v1” of octo/hello.\n{URL}/v1\n> Dry",
        ),
        (
            "workflow_run",
            calls.github("completed", workflow_run=RUN),
            f"Workflow “CI” on main of octo/hello: timed out.\n{URL}/runs/1",
        ),
        ("star", calls.github("created"), "octocat: star created in octo/hello."),
        ("", {}, "Somebody: something in a repository."),
    ],
)
def test_what_github_calls_about_is_a_message(event: str, call: object, said: str) -> None:
    assert text(github(event, call)) == said


@pytest.mark.parametrize(
    ("event", "call"),
    [("ping", {"zen": "x"}), ("check_run", calls.github("completed")), ("workflow_run", calls.github("requested"))],
)
def test_what_is_only_noise_is_not_told(event: str, call: object) -> None:
    assert isinstance(github(event, call), Untold)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            calls.linear("create", "Issue", OCT),
            "Ada created OCT-1 “Rain” (Todo, High).\nhttps://linear.app/octo/issue/OCT-1\n> Wet",
        ),
        (
            calls.linear("update", "Issue", OCT, updatedFrom={"updatedAt": "x", "stateId": "y", "labelIds": []}),
            "Ada changed OCT-1 “Rain” (Todo, High).\nChanged: state, labels.\nhttps://linear.app/octo/issue/OCT-1",
        ),
        (
            calls.linear("create", "Comment", {"body": "Me too", "issue": {"identifier": "OCT-1", "title": "Rain"}}),
            "Ada commented on OCT-1 “Rain”.\nhttps://linear.app/octo/issue/OCT-1\n> Me too",
        ),
        (
            calls.linear("remove", "Project", {"name": "Roof"}),
            "Ada removed Project “Roof”.\nhttps://linear.app/octo/issue/OCT-1",
        ),
    ],
)
def test_what_linear_calls_about_is_a_message(call: object, said: str) -> None:
    assert text(linear(call)) == said


@pytest.mark.parametrize("sent", [None, True, "now", (NOW.timestamp() - 301) * 1000, (NOW.timestamp() + 301) * 1000])
def test_a_call_of_linears_says_itself_when_it_was_sent(sent: object) -> None:
    found = linear({**calls.linear("create", "Issue", OCT), "webhookTimestamp": sent})
    assert isinstance(found, Refused)
    assert found.status == 401


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"title": "Backup", "text": "all is well", "url": "https://x.example"}',
            "“Backup”\nall is well\nhttps://x.example",
        ),
        (b'{"message": "done\\r\\n2"}', "done \n2"),
        (b'{"state": {"ok": true}}', '    {\n     "state": {\n      "ok": true\n     }\n    }'),
        (b"[1]", "    [\n     1\n    ]"),
    ],
)
def test_a_call_of_anybodys_is_its_text_or_all_of_it(body: bytes, said: str) -> None:
    assert text(generic(body)) == said


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"", "cannot be read"), (b"{", "not JSON"), (b"\xff", "no UTF-8"), (b"[" * 100, "deeper"), (b"{}x", "")],
)
def test_what_is_signed_and_no_json_is_refused(body: bytes, why: str) -> None:
    found = generic(body)
    assert isinstance(found, Refused)
    assert found.status == 400
    assert why in found.why


HOSTILE: tuple[Any, ...] = (
    "hook:owner", "owner", "$(id)", "; rm -rf /", "../../x", "{{7*7}}", "\u202egnp", "x" * 10_000, "", "\U0001f600",
    "a\0b", None, 7, True, [], {}, {"login": {"login": "x"}},
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_whoever_a_call_names_it_is_its_source_that_speaks(name: Any) -> None:
    who = {"senderId": name, "sender_id": name, "sender": {"login": name, "id": name}, "actor": {"name": name}}
    issue = {**ISSUE, "title": name, "body": name, "number": name, "user": {"login": name}}
    found = [
        github("issues", {**calls.github("opened", issue=issue, repository={"full_name": name}), **who}),
        linear({**calls.linear("create", "Issue", {**OCT, "title": name}), **who}),
        generic(written({**who, "text": "x", "title": name})),
    ]
    for event in found:
        assert isinstance(event, InboundEvent)
        assert event.sender_id == f"hook:{event.platform_id}"
        assert event.sender in ("GitHub", "Linear", "ci")
        assert event.is_group, "it is no conversation in which anybody could be asked"
        assert not {"\0", "\u202e"} & set(event.text)
        assert len(event.text) < 10_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=20),
    lambda more: st.lists(more, max_size=3) | st.dictionaries(st.text(max_size=12), more, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["action", "issue", "pull_request", "comment", "commits", "review", "release", "data", "type", "ref"]
)


@given(st.dictionaries(FIELDS, JSON, max_size=6), st.sampled_from(["push", "issues", "pull_request", "release", "x\n"]))
def test_whatever_is_in_a_call_it_is_a_message_or_nothing(call: dict[str, object], event: str) -> None:
    assert isinstance(github(event, call), InboundEvent | Untold)
    assert isinstance(linear({**call, "webhookTimestamp": NOW.timestamp() * 1000}), InboundEvent)
    assert isinstance(generic(written(call)), InboundEvent)
