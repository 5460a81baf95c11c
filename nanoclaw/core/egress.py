"""What the sandboxes of an agent group may reach besides their model: the operator's rules, judging a request. Pure.

The default is nothing. A request passes twice: by its name before anybody looks it up, and by the addresses that the
name turned out to have. What a sandbox asks inside of a TLS connection is not seen, so methods and paths can be told
for plain HTTP only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import Enum
from typing import TypeAlias

from attrs import field, frozen

from nanoclaw.core.addresses import NEVER, Ground, Judged, judge_address
from nanoclaw.core.host_names import Address, BadHost, HostAddress, HostName, Place, read_place

HTTPS = 443
HTTP = 80
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MOST_RULES = 200
"""Of one agent group."""

_PATH = re.compile(r"(?:/[A-Za-z0-9_~@:+-][A-Za-z0-9._~@:+-]*)*/?", re.ASCII)
_TARGET = re.compile(r"/[!-\"$-\[\]-~]*", re.ASCII)


class Preset(Enum):
    """Rules that are asked for together, by one word."""

    WEB = "web"
    PACKAGES = "packages"
    GITHUB = "github"
    OPEN = "open"


MEANS = {
    Preset.WEB: "every public host, by HTTPS and HTTP at their usual ports",
    Preset.PACKAGES: "the public indexes of PyPI, npm and Debian",
    Preset.GITHUB: "GitHub: its pages, its API and what it keeps",
    Preset.OPEN: "every public host at every port",
}


@frozen(kw_only=True)
class Rule:
    """One thing that is allowed."""

    host: str
    """Normalised: a name, an address, `*.suffix` for all names below it, or `*` for all."""
    port: int | None = HTTPS
    """None: every one."""
    methods: tuple[str, ...] = ()
    """For plain HTTP; none: every one."""
    path: str = ""
    """For plain HTTP: what the path has to begin with, in whole segments."""
    near: bool = False
    """May the host be this machine or one of its own network? Never for `*`."""

    @property
    def plain_only(self) -> bool:
        """Does it speak of what only plain HTTP shows?"""
        return bool(self.methods or self.path)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{'*' if self.port is None else self.port}"


@frozen
class BadRule:
    """It is no rule."""

    why: str


@frozen(kw_only=True)
class Policy:
    """All that is allowed to one agent group."""

    rules: tuple[Rule, ...] = ()
    presets: frozenset[Preset] = field(factory=frozenset[Preset])
    agent: str = "AGENT"
    """How the operator names the agent group on a command line."""
    asks: bool = False
    """Are people asked about what is refused?"""

    @property
    def is_closed(self) -> bool:
        """Is nothing allowed?"""
        return not self.rules and not self.presets


@frozen(kw_only=True)
class Asked:
    """What a sandbox asks for."""

    place: Place
    method: str | None = None
    """None: a tunnel, into which nobody looks."""
    path: str = "/"


@frozen(kw_only=True)
class Permitted:
    """By its name; the addresses are still to be judged."""

    asked: Asked
    by: str
    """The rule or the preset, as the operator said it."""
    near: bool = False


@frozen(kw_only=True)
class Denied:
    """It goes nowhere."""

    why: str
    """A sentence for the agent and the log."""
    can_ask: bool = False
    """Would a rule of the operator's help?"""


Verdict: TypeAlias = Permitted | Denied


def _rules(*hosts: str) -> tuple[Rule, ...]:
    return tuple(Rule(host=host) for host in hosts)


_PRESETS: dict[Preset, tuple[Rule, ...]] = {
    Preset.WEB: (Rule(host="*"), Rule(host="*", port=HTTP)),
    Preset.PACKAGES: (
        *_rules("pypi.org", "files.pythonhosted.org", "registry.npmjs.org", "deb.debian.org", "security.debian.org"),
        *(Rule(host=host, port=HTTP, methods=("GET", "HEAD")) for host in ("deb.debian.org", "security.debian.org")),
    ),
    # Not the bucket to which git-lfs uploads: inside of a tunnel to it every other bucket of S3's can be asked for.
    Preset.GITHUB: _rules("github.com", "*.github.com", "*.githubusercontent.com", "ghcr.io"),
    Preset.OPEN: (Rule(host="*", port=None),),
}


def read_rule(text: str, *, methods: Collection[str] = (), path: str = "", near: bool = False) -> Rule | BadRule:
    """The rule that an operator writes as `host`, `host:port`, `host:*`, `*.suffix` or `*.suffix:port`."""
    every_port = text.endswith(":*")
    bare = text.removesuffix(":*")
    suffix = bare.startswith("*.")
    place = read_place(bare.removeprefix("*.") if suffix else bare, HTTPS)
    if isinstance(place, BadHost):
        return BadRule(place.why)
    if suffix and (isinstance(place.host, HostAddress) or "." not in str(place.host)):
        return BadRule("what follows *. has to be a name with a dot in it, such as *.example.org")
    if suffix and near:
        return BadRule("what is near is allowed by its whole name only")
    if wrong := sorted(set(methods) - set(METHODS)):
        return BadRule(f"{wrong[0]}: not a method; there are {', '.join(METHODS)}")
    if path and (not path.startswith("/") or _PATH.fullmatch(path) is None):
        return BadRule("the path begins with / and has plain names between them")
    return Rule(
        host=f"*.{place.host}" if suffix else str(place.host),
        port=None if every_port else place.port,
        methods=tuple(method for method in METHODS if method in methods),
        path=path.rstrip("/"),
        near=near,
    )


def judge_name(policy: Policy, asked: Asked) -> Verdict:
    """May *asked* be looked up? Says by which rule, or how to have it allowed."""
    if asked.method is not None and _TARGET.fullmatch(asked.path) is None:
        return Denied(why="The path has characters in it that are written with %.")
    matching = [rule for rule in policy.rules if _matches(rule, asked.place)]
    for rule in matching:
        if _suits(rule, asked):
            return Permitted(asked=asked, by=str(rule), near=rule.near)
    for preset in Preset:
        if preset in policy.presets and any(
            _matches(rule, asked.place) and _suits(rule, asked) for rule in _PRESETS[preset]
        ):
            return Permitted(asked=asked, by=preset.value)
    if matching and asked.method is None:
        return Denied(why=f"What is allowed of {asked.place} can be told by plain HTTP only, not through a tunnel.")
    if matching:
        return Denied(
            why=f"{asked.method} of that path is not allowed at {asked.place}; {ask_for(policy, asked.place)}",
            can_ask=True,
        )
    return Denied(why=f"{asked.place} is not allowed; {ask_for(policy, asked.place)}", can_ask=True)


def ask_for(policy: Policy, place: Place) -> str:
    """How an agent is told to get on."""
    said = str(place.host) if place.port == HTTPS else place.authority
    asked = "people are asked unless they said no already, and you will be told; or " if policy.asks else ""
    return f"{asked}ask the operator to allow it: nanoclaw egress allow {policy.agent} {said}"


def judge_addresses(
    permitted: Permitted, addresses: Sequence[Address], own: frozenset[Address] = frozenset()
) -> tuple[Address, ...] | Denied:
    """Which of the *addresses* that the name has may be connected to: all of them, or none.

    A name with one good and one bad address is somebody's attempt.
    """
    if not addresses:
        return Denied(why=f"{permitted.asked.place.host} has no address.")
    for address in addresses:
        judged = judge_address(address, own)
        if not _bearable(judged, near=permitted.near):
            return Denied(why=_leads(permitted.asked.place, address, judged))
    return tuple(dict.fromkeys(addresses))


def _bearable(judged: Judged, *, near: bool) -> bool:
    return judged.ground is Ground.WORLD or (near and judged.ground not in NEVER)


def _leads(place: Place, address: Address, judged: Judged) -> str:
    by = "" if judged.address == address else f" by way of {judged.address}"
    return f"{place.host} is {address}, which is {judged.ground.value}{by}: no agent is let there."


def _matches(rule: Rule, place: Place) -> bool:
    if rule.port is not None and rule.port != place.port:
        return False
    if rule.host == "*":
        return True
    if rule.host.startswith("*."):
        return isinstance(place.host, HostName) and place.host.text.endswith(rule.host[1:])
    return rule.host == str(place.host)


def _suits(rule: Rule, asked: Asked) -> bool:
    """Does a rule for that place cover what is asked there?"""
    if asked.method is None:
        return not rule.plain_only
    if rule.methods and asked.method not in rule.methods:
        return False
    path = asked.path.partition("?")[0]
    return not rule.path or (_is_plain(path) and (path == rule.path or path.startswith(f"{rule.path}/")))


def _is_plain(path: str) -> bool:
    """Is *path* one that no server reads as another: without escapes, dots as segments, or empty segments?"""
    segments = path.split("/")[1:]
    return (
        "%" not in path
        and "\\" not in path
        and ";" not in path
        and not {".", ".."} & set(segments)
        and "" not in segments[:-1]
    )
