"""A secret goes to the place it is bound to, in the header it is bound to, and does not come back."""

from __future__ import annotations

import base64
from urllib.parse import quote

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.approvals import YES_OR_NO, fault
from nanoclaw.core.binding_asking import payload_of, request_digest, shown, subject_of
from nanoclaw.core.bindings import (
    Bad,
    Bound,
    instructions,
    permitted,
    read_binding,
    read_target,
    value_fault,
    with_secret,
    without_secret,
)
from nanoclaw.model.bindings import Asks, Binding, BoundRequest
from nanoclaw.model.ids import AgentGroupId
from tests.support.central import NOW

VALUE = "kumquat-of-github"
BINDING = Binding(
    agent_group_id=AgentGroupId("agt-nano"),
    name="github",
    secret="GITHUB_TOKEN",  # noqa: S106 - its name
    place="api.github.com:443",
    header="Authorization",
    template="Bearer {}",
    asks=Asks.ALWAYS,
    added_at=NOW,
)
REQUEST = BoundRequest(name="github", method="POST", path="/repos?x=1", size=3, digest="abc")
HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"authorization", b"host", b"connection", b"x-a", b"content-length", b"proxy-authorization"]),
        st.sampled_from([b"authorization", b"Bearer mine", b"x-a, authorization", b"5"]),
    )
)


def test_a_binding_is_read_with_what_is_usual() -> None:
    found = read_binding("GITHUB_TOKEN", host="API.GitHub.com.", header="Authorization", template=None, name=None)
    assert isinstance(found, Bound)
    assert (str(found.place), found.name, found.template) == ("api.github.com:443", "github-token", "Bearer {}")
    other = read_binding("KEY", host="h.example:8443", header="X-Api-Key", template=None, name="thing")
    assert isinstance(other, Bound)
    assert (str(other.place), other.name, other.template) == ("h.example:8443", "thing", "{}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secret": "github"}, "capital letters"),
        ({"host": "127.1"}, "--host"),
        ({"host": "*.example.org"}, "--host"),
        *(({"header": header}, "--header") for header in ("Host", "content-length", "X Y", "X\r\nY", "", "te")),
        *(({"template": text}, "--template") for text in ("Bearer", "{} {}", "a\n{}", "{}\u00e9", "")),
        *(({"name": name}, "--as") for name in ("", "A", "a/b", "../x", "-a", "gw.x")),
    ],
)
def test_what_cannot_be_bound_says_what_is_wrong(changes: dict[str, str], said: str) -> None:
    words = {"secret": "T", "host": "h.example", "header": "Authorization", "template": "{}", "name": "x"} | changes
    secret = words.pop("secret")
    found = read_binding(secret, **words)
    assert isinstance(found, Bad)
    assert said in found.why


@pytest.mark.parametrize("value", ["", " a", "a ", "a\nb", "a\x00", "é", "x" * 9000])
def test_what_cannot_stand_in_a_header_is_no_secret(value: str) -> None:
    assert value_fault(value) is not None


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/github/repos/x?y=1", ("github", "/repos/x?y=1")),
        ("POST", "/github/", ("github", "/")),
        ("GET", "/github/http://evil.example/", ("github", "/http://evil.example/")),
        ("GET", "/github//evil.example/", ("github", "//evil.example/")),
        *(("GET", path, None) for path in ("/", "/github", "/GITHUB/x", "//x/", "/../x/", "/git%68ub/x", "/a b/")),
        ("CONNECT", "/github/x", None),
        ("TRACE", "/github/x", None),
    ],
)
def test_the_name_is_the_first_word_of_the_path(method: str, path: str, found: tuple[str, str] | None) -> None:
    read = read_target(method, path)
    assert read == found if found else isinstance(read, Bad)


@given(headers=HEADERS)
def test_an_agent_can_change_neither_the_header_nor_the_host(headers: list[tuple[bytes, bytes]]) -> None:
    onward = with_secret(BINDING, permitted(BINDING, "GET", "/x").asked, headers, VALUE)
    assert [said for name, said in onward if name == b"authorization"] == [f"Bearer {VALUE}".encode()]
    assert [said for name, said in onward if name == b"host"] == [b"api.github.com"]
    assert [said for name, said in onward if name == b"connection"] == [b"close"]
    assert b"proxy-authorization" not in dict(onward)


@pytest.mark.parametrize(
    "name", [b"x-http-method-override", b"x_http_method_override", b"x-original-url", b"x-forwarded-host"]
)
def test_no_header_makes_of_the_request_that_people_were_shown_another_one(name: bytes) -> None:
    headers = [(name, b"DELETE"), (b"accept", b"text/plain")]
    onward = with_secret(BINDING, permitted(BINDING, "GET", "/x").asked, headers, VALUE)
    assert {key for key, _ in onward} == {b"host", b"authorization", b"accept", b"connection"}


def test_no_header_passes_for_the_one_of_the_secret() -> None:
    binding = attrs.evolve(BINDING, header="X-Api-Key")
    onward = with_secret(binding, permitted(binding, "GET", "/x").asked, [(b"x_api_key", b"mine")], VALUE)
    assert b"x_api_key" not in dict(onward)


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        f"Bearer {VALUE}",
        f"token={VALUE}; path=/",
        VALUE.upper(),
        quote(VALUE, safe=""),
        base64.b64encode(VALUE.encode()).decode(),
        base64.b64encode(f"Bearer {VALUE}".encode()).decode().rstrip("="),
    ],
)
def test_a_header_of_the_answer_that_says_the_secret_is_struck(form: str) -> None:
    headers = [(b"x-echo", form.encode()), (b"content-type", b"text/plain"), (form.lower().encode(), b"1")]
    assert without_secret(headers, BINDING, VALUE) == [(b"content-type", b"text/plain")]


def test_people_see_all_of_the_request_and_nothing_of_the_secret() -> None:
    card = shown("Nano", payload_of(BINDING, REQUEST))
    text = "\n".join((card.title, *card.lines))
    assert fault(card, YES_OR_NO) is None
    for said in ("POST", "api.github.com:443", "/repos?x=1", "github", "3 bytes, SHA-256 abc", "GITHUB_TOKEN", "once"):
        assert said in text
    assert VALUE not in text


def test_requests_that_differ_in_anything_are_different_and_a_binding_asked_once_is_one() -> None:
    others = [
        attrs.evolve(REQUEST, **one) for one in ({"path": "/y"}, {"method": "GET"}, {"digest": "bcd"}, {"size": 4})
    ]
    digests = {request_digest(BINDING, one) for one in (REQUEST, *others)}
    assert len(digests) == len(others) + 1
    assert request_digest(attrs.evolve(BINDING, place="evil.example:443"), REQUEST) not in digests
    first = attrs.evolve(BINDING, asks=Asks.FIRST)
    assert len({subject_of(first, one) for one in (REQUEST, *others)}) == 1


def test_an_agent_is_told_the_names_and_no_secret() -> None:
    text = instructions([BINDING, attrs.evolve(BINDING, name="other", place="h.example:8443", asks=Asks.NEVER)])
    assert "- `http://gw/github/…` is `https://api.github.com/…`; a person lets each request go on" in text
    assert "- `http://gw/other/…` is `https://h.example:8443/…`\n" in text
    assert "GITHUB_TOKEN" not in text
