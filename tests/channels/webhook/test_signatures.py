"""Whose call it is, by its head and its signature: forged, old, replayed and mangled ones, and settings of sources."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.webhook.signatures import MOST_BODY, WINDOW, Head, Refused, judge_head, verify
from nanoclaw.channels.webhook.sources import Source, Template, parse_sources
from nanoclaw.errors import UsageError
from tests.channels.webhook.calls import (
    CI,
    JSON,
    PLAN,
    REPO,
    SECRET,
    SETTING,
    SOURCES,
    by_github,
    by_linear,
    by_standard,
)
from tests.support.central import NOW

BODY = b'{"a": 1}'


def head(path: str, headers: dict[str, str], method: str = "POST") -> Head:
    return Head(method=method, path=path, headers=headers)


def test_the_documented_example_of_github_verifies() -> None:
    source = Source(name="x", template=Template.GITHUB, key=b"It's a Secret to Everybody")
    said = {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}
    assert verify(source, said, b"Hello, World!")


@pytest.mark.parametrize(
    ("source", "headers"),
    [(REPO, by_github(BODY)), (PLAN, by_linear(BODY)), (CI, by_standard(BODY))],
)
def test_what_is_signed_with_the_secret_of_its_source_is_its_own_and_nothing_else_is(
    source: Source, headers: dict[str, str]
) -> None:
    assert judge_head(head(source.path, headers), SOURCES, NOW) == source
    name = verify(source, headers, BODY)
    assert name
    assert verify(source, headers, BODY) == name
    assert verify(source, headers, BODY + b" ") is None
    assert verify(evolve(source, key=b"another secret of somebody"), headers, BODY) is None
    for other in SOURCES.values():
        if other.key != source.key:
            assert verify(other, headers, BODY) is None


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (head("/hooks/nobody", by_github(BODY)), 404),
        (head("/hooks/repo/", by_github(BODY)), 404),
        (head("/", by_github(BODY)), 404),
        (head("/hooks/repo", by_github(BODY), "GET"), 405),
        (head("/hooks/repo", {**by_github(BODY), "content-type": "text/plain"}), 415),
        (head("/hooks/repo", {**by_github(BODY), "content-type": "application/x-www-form-urlencoded"}), 415),
        (head("/hooks/repo", {**by_github(BODY), "content-encoding": "gzip"}), 415),
        (head("/hooks/repo", {**by_github(BODY), "content-length": str(MOST_BODY + 1)}), 413),
        (head("/hooks/repo", JSON), 401),
        (head("/hooks/repo", {**JSON, "x-hub-signature": "sha1=" + "0" * 40}), 401),
        (head("/hooks/repo", {**JSON, "x-hub-signature-256": "sha256=" + "0" * 64 + "\n"}), 401),
        (head("/hooks/repo", by_linear(BODY)), 401),
        (head("/hooks/plan", by_github(BODY)), 401),
        (head("/hooks/ci", {**by_standard(BODY), "webhook-id": ""}), 401),
        (head("/hooks/ci", {**by_standard(BODY), "webhook-id": "a\u00e9"}), 401),
        (head("/hooks/ci", {**by_standard(BODY), "webhook-timestamp": "now"}), 401),
        (head("/hooks/ci", {**by_standard(BODY), "webhook-timestamp": "1e9"}), 401),
        (head("/hooks/ci", by_standard(BODY, seconds=NOW.timestamp() - 301)), 401),
        (head("/hooks/ci", by_standard(BODY, seconds=NOW.timestamp() + 301)), 401),
    ],
)
def test_a_head_that_will_not_do_is_refused_before_anything_is_read(asked: Head, status: int) -> None:
    found = judge_head(asked, SOURCES, NOW)
    assert isinstance(found, Refused)
    assert found.status == status
    assert SECRET not in found.why


def test_a_call_is_timely_for_five_minutes_and_cannot_be_given_another_time_or_name() -> None:
    old = by_standard(BODY, seconds=(NOW - WINDOW).timestamp())
    assert judge_head(head("/hooks/ci", old), SOURCES, NOW) == CI
    assert isinstance(judge_head(head("/hooks/ci", old), SOURCES, NOW + timedelta(seconds=1)), Refused)
    fresh = {**old, "webhook-timestamp": by_standard(BODY)["webhook-timestamp"]}
    assert verify(CI, fresh, BODY) is None
    assert verify(CI, {**old, "webhook-id": "msg_2"}, BODY) is None


def test_one_right_signature_among_several_will_do_so_that_secrets_can_change() -> None:
    said = by_standard(BODY)
    both = {**said, "webhook-signature": f"v1,AAAA v1a,BBBB {said['webhook-signature']}"}
    assert judge_head(head("/hooks/ci", both), SOURCES, NOW) == CI
    assert verify(CI, both, BODY) == "msg_1"
    assert verify(CI, {**said, "webhook-signature": said["webhook-signature"].replace("v1,", "v1a,")}, BODY) is None


def test_the_same_body_is_the_same_call_of_github_whatever_id_it_is_given() -> None:
    one = by_github(BODY)
    assert verify(REPO, one, BODY) == verify(REPO, {**one, "x-github-delivery": "other"}, BODY)


@given(st.binary(max_size=200), st.text(max_size=100), st.sampled_from([REPO, PLAN, CI]))
def test_no_made_up_signature_is_right(body: bytes, said: str, source: Source) -> None:
    names = ("x-hub-signature-256", "linear-signature", "webhook-signature")
    headers = {**by_standard(body), **dict.fromkeys(names, said)}
    found = judge_head(head(source.path, headers), SOURCES, NOW)
    if isinstance(found, Source):
        assert verify(found, headers, body) is None


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("", "there are 0 sources"),
        ("repo github", "source 1 has 2 words"),
        (f"repo github {SECRET}; ci", "source 2 has 1 words"),
        (f"Repo github {SECRET}", "the name of source 1 is no name"),
        (f"../x github {SECRET}", "the name of source 1 is no name"),
        (f"repo gitlab {SECRET}", "there are generic, github, linear"),
        ("repo github short", "the secret of repo has less than 16 characters"),
        ("ci generic whsec_!!!!!!!!!!!!!", "is no base64"),
        ("ci generic whsec_AAAAAAAAAAAAAAAA", "less than 16 bytes"),
        (f"repo github {SECRET}; repo linear {SECRET}", "two sources called repo"),
        (";".join(f"s{number} github {SECRET}" for number in range(41)), "there are 41 sources"),
    ],
)
def test_sources_that_make_no_sense_are_refused_and_no_secret_is_repeated(setting: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        parse_sources(setting)
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(parse_sources(SETTING))
