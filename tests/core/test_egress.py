"""What a sandbox may reach: nothing but what the operator allowed, and never this machine by way of a name."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.egress import (
    MEANS,
    Asked,
    BadRule,
    Denied,
    Permitted,
    Policy,
    Preset,
    Rule,
    judge_addresses,
    judge_name,
    read_rule,
)
from nanoclaw.core.host_names import BadHost, read_place

CLOSED = Policy()


def rule(text: str, *methods: str, path: str = "", near: bool = False) -> Rule:
    found = read_rule(text, methods=methods, path=path, near=near)
    assert isinstance(found, Rule), found
    return found


def asked(place: str, method: str | None = None, path: str = "/") -> Asked:
    found = read_place(place)
    assert not isinstance(found, BadHost), found
    return Asked(place=found, method=method, path=path)


def allows(policy: Policy, place: str, method: str | None = None, path: str = "/") -> bool:
    return isinstance(judge_name(policy, asked(place, method, path)), Permitted)


def test_nothing_is_allowed_unless_somebody_did_and_the_agent_is_told_whom_to_ask() -> None:
    found = judge_name(CLOSED, asked("pypi.org:443"))
    assert found == Denied(
        why="pypi.org:443 is not allowed; ask the operator to allow it: nanoclaw egress allow AGENT pypi.org",
        can_ask=True,
    )
    assert CLOSED.is_closed
    assert not Policy(presets=frozenset({Preset.WEB})).is_closed


@pytest.mark.parametrize(
    ("said", "yes", "no"),
    [
        ("example.org", ["example.org:443"], ["example.org:80", "www.example.org:443", "example.org.evil.com:443"]),
        ("Example.ORG.:8443", ["example.org:8443"], ["example.org:443"]),
        ("example.org:*", ["example.org:1", "example.org:443"], ["a.example.org:443"]),
        ("*.example.org", ["a.example.org:443", "a.b.example.org:443"], ["example.org:443", "aexample.org:443"]),
        ("*.b\u00fccher.example:80", ["a.xn--bcher-kva.example:80"], ["a.xn--bcher-kva.example:443"]),
        ("8.8.8.8:53", ["8.8.8.8:53"], ["8.8.4.4:53"]),
        ("[2606:4700::1]:443", ["[2606:4700:0::1]:443"], ["[2606:4700::2]:443"]),
    ],
)
def test_a_rule_covers_what_it_says_and_nothing_beside_it(said: str, yes: list[str], no: list[str]) -> None:
    policy = Policy(rules=(rule(said),))
    assert [place for place in yes if not allows(policy, place)] == []
    assert [place for place in no if allows(policy, place)] == []


@pytest.mark.parametrize(
    "said",
    ["", "*", "*.", "*.org", "*.8.8.8.8", "a*.org", "https://a.org", "a.org/x", "a.org:0", "127.1", "*.*.org", "a b"],
)
def test_what_is_no_rule_is_said_to_be_none(said: str) -> None:
    assert isinstance(read_rule(said), BadRule)


def test_a_rule_for_plain_http_may_say_methods_and_a_path_and_has_no_tunnel() -> None:
    policy = Policy(rules=(rule("a.org:80", "GET", "HEAD", path="/pool/"),))
    assert allows(policy, "a.org:80", "GET", "/pool/x?y=../z")
    assert allows(policy, "a.org:80", "HEAD", "/pool")
    refused = [
        ("POST", "/pool/x"),
        ("GET", "/poolside"),
        ("GET", "/"),
        ("GET", "/pool/../etc"),
        ("GET", "/pool/%2e%2e/"),
    ]
    refused += [
        ("GET", "/pool//etc"),
        ("GET", "/pool/./x"),
        ("GET", "/pool;x/.."),
        ("GET", "pool"),
        ("GET", "/pool/ x"),
    ]
    assert [one for one in refused if allows(policy, "a.org:80", *one)] == []
    assert isinstance(found := judge_name(policy, asked("a.org:80")), Denied)
    assert "plain HTTP only" in found.why
    assert isinstance(read_rule("a.org:80", methods=["BREW"]), BadRule)
    assert isinstance(read_rule("a.org:80", path="pool"), BadRule)
    assert isinstance(read_rule("a.org:80", path="/a/../b"), BadRule)


OF_GITHUB = (
    # git, its archives, large files to read; gh, and what releases, raw files, gists and packages are fetched from.
    *("github.com", "codeload.github.com", "github-cloud.githubusercontent.com"),
    *("api.github.com", "uploads.github.com", "gist.github.com", "gist.githubusercontent.com"),
    *("raw.githubusercontent.com", "objects.githubusercontent.com", "release-assets.githubusercontent.com"),
    *("ghcr.io", "pkg-containers.githubusercontent.com", "npm.pkg.github.com"),
)


def test_presets_are_what_they_are_called() -> None:
    assert set(MEANS) == set(Preset)
    of = {preset: Policy(presets=frozenset({preset})) for preset in Preset}
    assert allows(of[Preset.WEB], "anything.example:443")
    assert allows(of[Preset.WEB], "anything.example:80", "POST", "/x")
    assert not allows(of[Preset.WEB], "anything.example:22")
    assert allows(of[Preset.OPEN], "anything.example:22")
    assert allows(of[Preset.PACKAGES], "pypi.org:443")
    assert allows(of[Preset.PACKAGES], "deb.debian.org:80", "GET", "/debian/x")
    assert not allows(of[Preset.PACKAGES], "deb.debian.org:80", "POST", "/debian/x")
    assert not allows(of[Preset.PACKAGES], "github.com:443")
    for name in OF_GITHUB:
        assert allows(of[Preset.GITHUB], f"{name}:443"), name
    assert not allows(of[Preset.GITHUB], "notgithub.com:443")
    assert not allows(of[Preset.GITHUB], "github-cloud.s3.amazonaws.com:443")


UNSAID = str(ipaddress.IPv4Address(0))
INSIDE = [
    *("127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "10.0.0.1", "172.16.3.4", "fd00::1"),
    *("192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", UNSAID, "::", "fe80::1", "255.255.255.255"),
]
WORLD = ipaddress.ip_address("8.8.8.8")


@pytest.mark.parametrize("address", INSIDE)
@pytest.mark.parametrize("preset", [Preset.WEB, Preset.OPEN])
def test_no_name_leads_inside_however_much_is_allowed(address: str, preset: Preset) -> None:
    permitted = judge_name(Policy(presets=frozenset({preset})), asked("rebinds.example:443"))
    assert isinstance(permitted, Permitted)
    bad = ipaddress.ip_address(address)
    for addresses in ([bad], [WORLD, bad], [bad, WORLD]):
        found = judge_addresses(permitted, addresses)
        assert isinstance(found, Denied)
        assert not found.can_ask
    assert judge_addresses(permitted, [WORLD, WORLD]) == (WORLD,)
    assert isinstance(judge_addresses(permitted, []), Denied)
    assert isinstance(judge_addresses(permitted, [WORLD], frozenset({WORLD})), Denied)


def test_what_is_near_is_reached_by_a_rule_that_says_so_but_never_where_clouds_keep_credentials() -> None:
    policy = Policy(rules=(rule("nas.home.arpa:8443", near=True),), presets=frozenset({Preset.OPEN}))
    permitted = judge_name(policy, asked("nas.home.arpa:8443"))
    assert isinstance(permitted, Permitted)
    near = [ipaddress.ip_address(one) for one in ("192.168.1.7", "127.0.0.1", "100.64.0.9", "fd00::7")]
    assert judge_addresses(permitted, near) == tuple(near)
    for address in ("169.254.169.254", "fe80::1", "224.0.0.1", UNSAID):
        assert isinstance(judge_addresses(permitted, [ipaddress.ip_address(address)]), Denied)
    other = judge_name(policy, asked("nas.home.arpa:22"))
    assert isinstance(other, Permitted)
    assert isinstance(judge_addresses(other, near), Denied)
    assert isinstance(read_rule("*.home.arpa", near=True), BadRule)


@given(st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){0,3}", fullmatch=True), st.integers(1, 65535))
def test_what_a_closed_policy_or_a_rule_for_another_host_is_asked_goes_nowhere(host: str, port: int) -> None:
    place = read_place(f"{host}:{port}")
    if isinstance(place, BadHost):
        return
    for method in (None, "GET"):
        assert isinstance(judge_name(CLOSED, Asked(place=place, method=method)), Denied)
        other = Policy(rules=(Rule(host=f"not{host}", port=None), Rule(host=f"*.{host}", port=None)))
        assert isinstance(judge_name(other, Asked(place=place, method=method)), Denied)
