"""What of a sandbox's request goes to a model, and under whose name: the host's, whatever the sandbox says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.endpoints import ANTHROPIC, BadEndpoint, Endpoint, read_endpoint
from nanoclaw.core.model_requests import (
    MOST_BODY,
    MOST_HEAD,
    BadKey,
    Counts,
    Forward,
    Headers,
    Key,
    Refuse,
    answer_headers,
    counts,
    judge,
    read_key,
    unreachable,
)

KEY = Key("sk-ant-api03-sesame")
TOKEN = Key("sk-ant-oat01-sesame")
PLACEHOLDER = (b"x-api-key", b"placeholder")


def at(url: str) -> Endpoint:
    found = read_endpoint(url)
    assert isinstance(found, Endpoint)
    return found


CLAUDE = at(ANTHROPIC)


def forwarded(headers: Headers = (), *, key: Key | None = KEY, endpoint: Endpoint = CLAUDE) -> dict[bytes, bytes]:
    """The headers that go on; each only once."""
    found = judge(b"POST", b"/v1/messages", headers, endpoint, key)
    assert isinstance(found, Forward)
    assert len(dict(found.headers)) == len(found.headers)
    return dict(found.headers)


def test_a_request_goes_on_with_the_hosts_key_and_what_is_the_clients_own_business() -> None:
    own = [
        (b"content-type", b"application/json"),
        (b"anthropic-version", b"2023-06-01"),
        (b"anthropic-beta", b"a,b"),
        (b"x-stainless-lang", b"js"),
        (b"x-claude-code-session-id", b"4711"),
        (b"user-agent", b"claude-cli/2"),
        (b"content-length", b"7"),
    ]
    found = judge(b"POST", b"/v1/messages?beta=true", [(b"host", b"127.0.0.1:9"), PLACEHOLDER, *own], CLAUDE, KEY)
    assert isinstance(found, Forward)
    assert (found.method, found.target) == (b"POST", b"/v1/messages?beta=true")
    plain = {b"accept-encoding": b"identity"}
    assert dict(found.headers) == {
        b"host": b"api.anthropic.com",
        b"x-api-key": KEY.value.encode(),
        **plain,
        **dict(own),
    }


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "x-api-key", "proxy-authorization", "cookie", "forwarded", "x-forwarded-for", "via", "host"),
        *("connection", "keep-alive", "te", "trailer", "upgrade", "expect", "proxy-connection"),
    ],
)
def test_nothing_goes_on_that_names_somebody_or_is_between_neighbours(name: str) -> None:
    found = forwarded([(name.encode(), b"sesame-of-the-sandbox")])
    assert not [value for value in found.values() if b"sandbox" in value]


def test_what_a_connection_header_names_is_between_neighbours_too() -> None:
    assert b"x-hop" not in forwarded([(b"connection", b"close, X-Hop"), (b"x-hop", b"1")])


@pytest.mark.parametrize(
    ("url", "key", "headers"),
    [
        (ANTHROPIC, KEY, {b"x-api-key": KEY.value.encode()}),
        (
            ANTHROPIC,
            TOKEN,
            {b"authorization": b"Bearer " + TOKEN.value.encode(), b"anthropic-beta": b"oauth-2025-04-20"},
        ),
        (
            "http://models.example",
            KEY,
            {b"x-api-key": KEY.value.encode(), b"authorization": b"Bearer " + KEY.value.encode()},
        ),
        ("http://localhost:11434", None, {}),
    ],
    ids=["key", "token", "elsewhere", "none"],
)
def test_a_key_is_shown_as_its_place_wants_to_see_it(url: str, key: Key | None, headers: dict[bytes, bytes]) -> None:
    found = forwarded([PLACEHOLDER, (b"authorization", b"Bearer placeholder")], key=key, endpoint=at(url))
    del found[b"host"], found[b"accept-encoding"]
    assert found == headers


def test_a_token_says_what_it_is_once_beside_what_the_client_says() -> None:
    assert forwarded([(b"anthropic-beta", b"a,b")], key=TOKEN)[b"anthropic-beta"] == b"a,b,oauth-2025-04-20"
    said = [(b"anthropic-beta", b"oauth-2025-04-20"), (b"anthropic-beta", b"a")]
    assert forwarded(said, key=TOKEN)[b"anthropic-beta"] == b"oauth-2025-04-20,a"


def test_a_place_with_a_path_of_its_own_has_it_before_the_apis() -> None:
    found = judge(b"GET", b"/v1/models", [], at("https://models.example:8443/api"), None)
    assert isinstance(found, Forward)
    assert found.target == b"/api/v1/models"
    assert dict(found.headers)[b"host"] == b"models.example:8443"


def test_the_end_of_a_body_is_said_in_one_way_only() -> None:
    both = [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    assert forwarded(both).keys() & {b"content-length", b"transfer-encoding"} == {b"transfer-encoding"}
    assert forwarded([(b"content-length", b"5")])[b"content-length"] == b"5"
    assert [name for name, _ in answer_headers(both)] == []


@pytest.mark.parametrize(
    ("method", "target"),
    [
        (b"PUT", b"/v1/messages"),
        (b"DELETE", b"/v1/files/1"),
        (b"CONNECT", b"api.anthropic.com:443"),
        (b"HEAD", b"/api/hello"),
        (b"GET", b"/"),
        (b"GET", b"/v1"),
        (b"GET", b"/v1/"),
        (b"GET", b"/v10/messages"),
        (b"GET", b"http://169.254.169.254/v1/messages"),
        (b"GET", b"//evil.example/v1/messages"),
        (b"GET", b"/v1/../admin"),
        (b"GET", b"/v1/./messages"),
        (b"GET", b"/v1/%2e%2e/admin"),
        (b"GET", b"/v1//admin"),
        (b"GET", b"/v1/messages#x"),
        (b"GET", b"/v1/messages?a b"),
        (b"GET", b"/v1/messages\x00"),
    ],
)
def test_nothing_but_the_models_api_is_there(method: bytes, target: bytes) -> None:
    found = judge(method, target, [], CLAUDE, KEY)
    assert isinstance(found, Refuse)
    assert (found.status, found.kind) == (404, "not_found_error")


@given(st.binary(max_size=40) | st.from_regex(rb"/v1/[a-z./%?#\\]{0,20}", fullmatch=True))
def test_whatever_goes_on_stays_below_v1(target: bytes) -> None:
    found = judge(b"GET", target, [], at("http://models.example/api"), None)
    if isinstance(found, Forward):
        path = found.target.split(b"?")[0]
        assert path.startswith(b"/api/v1/")
        assert not {b".", b"..", b""} & set(path.split(b"/")[1:])


def test_without_a_key_claude_is_not_even_asked_and_others_are() -> None:
    found = judge(b"POST", b"/v1/messages", [PLACEHOLDER], CLAUDE, None)
    assert isinstance(found, Refuse)
    assert (found.status, found.again) == (401, False)
    said = json.loads(found.body)
    assert said["type"] == "error"
    assert said["error"]["type"] == "authentication_error"
    assert "nanoclaw secrets set anthropic" in said["error"]["message"]
    assert isinstance(judge(b"POST", b"/v1/messages", [], at("http://localhost:11434"), None), Forward)


def test_what_is_too_large_or_leads_nowhere_is_refused_with_a_sentence() -> None:
    large = judge(b"POST", b"/v1/messages", [(b"content-length", str(MOST_BODY + 1).encode())], CLAUDE, KEY)
    assert isinstance(large, Refuse)
    assert (large.status, large.kind) == (413, "request_too_large")
    assert isinstance(
        judge(b"POST", b"/v1/messages", [(b"content-length", str(MOST_BODY).encode())], CLAUDE, KEY), Forward
    )
    wide = judge(b"POST", b"/v1/messages", [(b"x", b"y" * MOST_HEAD)], CLAUDE, KEY)
    assert isinstance(wide, Refuse)
    assert (wide.status, wide.kind) == (431, "request_too_large")
    bad = judge(b"POST", b"/v1/messages", [], BadEndpoint("has no host"), KEY)
    assert isinstance(bad, Refuse)
    assert "has no host" in bad.why
    away = unreachable(CLAUDE, "nobody takes the connection")
    assert (away.status, away.again) == (502, True)
    assert ANTHROPIC in away.why


def test_an_answer_comes_back_without_what_is_between_neighbours_or_would_be_kept() -> None:
    said = [
        (b"content-type", b"text/event-stream"),
        (b"request-id", b"req_1"),
        (b"retry-after", b"7"),
        (b"set-cookie", b"a=b"),
        (b"alt-svc", b"h3"),
        (b"connection", b"keep-alive"),
        (b"content-length", b"9"),
    ]
    assert answer_headers(said) == [*said[:3], said[-1]]


@pytest.mark.parametrize(("text", "kind"), [(" sk-ant-api03-x\n", "API key"), ("sk-ant-oat01-x", "OAuth token")])
def test_a_key_is_taken_as_it_was_pasted_and_never_shown(text: str, kind: str) -> None:
    key = read_key(text)
    assert isinstance(key, Key)
    assert (key.value, key.kind) == (text.strip(), kind)
    assert text.strip() not in repr(key)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("a b", "space"),
        ("a\nb", "line"),
        ("schlüssel", "character"),
        ("x" * 9000, "8192"),
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(text: str, why: str) -> None:
    found = read_key(text)
    assert isinstance(found, BadKey)
    assert why in found.why


@pytest.mark.parametrize(
    ("method", "target", "what"),
    [
        (b"POST", b"/v1/messages", Counts.SAID),
        (b"POST", b"/v1/messages?beta=true", Counts.SAID),
        (b"POST", b"/v1/messages/count_tokens?beta=true", Counts.FREE),
        (b"GET", b"/v1/models", Counts.FREE),
        (b"POST", b"/v1/messages/batches", Counts.UNSAID),
        (b"POST", b"/v1/complete", Counts.UNSAID),
        (b"POST", b"/v1/MESSAGES", Counts.UNSAID),
    ],
)
def test_what_a_request_costs_is_said_by_its_answer_or_by_nobody(method: bytes, target: bytes, what: Counts) -> None:
    assert counts(method, target) is what


def test_an_answer_that_is_counted_is_asked_for_as_plain_text() -> None:
    assert forwarded([(b"accept-encoding", b"gzip")])[b"accept-encoding"] == b"identity"
    other = judge(b"GET", b"/v1/models", [(b"accept-encoding", b"gzip")], CLAUDE, KEY)
    assert isinstance(other, Forward)
    assert dict(other.headers)[b"accept-encoding"] == b"gzip"
