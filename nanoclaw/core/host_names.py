"""One reading of a host's name, whoever wrote it: with two, one could be allowed and the other be reached. Pure.

Every name that a rule has, and every name that a sandbox asks for, is read here and nowhere else. What is connected to
is what was read.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TypeAlias

import idna
from attrs import frozen

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_NAME = 253
LONGEST_TEXT = 1024
MOST_PORT = 65535

_PLAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
"""Without a zero before it: to some programs that is another number."""
_NEVER = frozenset("@/\\?#%<>^|`{}\"' ")
"""What stands in an address around a host's name, or is read differently by different programs."""


@frozen
class HostName:
    """A name that is to be looked up: in small letters, without a dot at its end, in ASCII."""

    text: str

    def __str__(self) -> str:
        return self.text


@frozen
class HostAddress:
    """An address in its usual form. Nothing is looked up."""

    address: Address

    def __str__(self) -> str:
        return str(self.address)


@frozen
class BadHost:
    """It is no host's name, or one that two programs could read differently."""

    why: str


Host: TypeAlias = HostName | HostAddress


@frozen(kw_only=True)
class Place:
    """A host and one of its ports."""

    host: Host
    port: int

    @property
    def authority(self) -> str:
        """Both, as an address says them."""
        return f"[{self.host}]:{self.port}" if ":" in str(self.host) else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return self.authority


def read_host(text: str) -> Host | BadHost:
    """The host that *text* names; an IPv6 address may have brackets.

    Numbers in any other form than an address' usual one are refused: `127.1`, `0x7f000001`, `2130706433` and
    `0177.0.0.1` are loopback to some programs and names to others.
    """
    if len(text) > LONGEST_TEXT:
        return BadHost(f"longer than {LONGEST_TEXT} characters")
    if any(not character.isprintable() for character in text):
        return BadHost("has a control character or one that nobody sees")
    if found := sorted(set(text) & _NEVER):
        return BadHost(f"has {found[0]!r} in it")
    if ":" in text or "[" in text or "]" in text:
        return _sixth(text)
    ascii_text = _to_ascii(text)
    if isinstance(ascii_text, BadHost):
        return ascii_text
    name = ascii_text.removesuffix(".")
    if not name:
        return BadHost("is empty")
    if len(name) > LONGEST_NAME:
        return BadHost(f"longer than {LONGEST_NAME} characters")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _fourth(name)
    if not all(_PLAIN.fullmatch(label) for label in labels):
        return BadHost("has an empty part, or one with other characters than letters, digits, - and _")
    return HostName(name)


def read_place(text: str, usual_port: int | None = None) -> Place | BadHost:
    """What `host:port` names; without a port *usual_port*'s, where there is one."""
    before, colon, after = text.rpartition(":")
    if not colon or after.endswith("]"):
        before, after = text, "" if usual_port is None else str(usual_port)
    elif ":" in before and not before.startswith("["):
        return BadHost("an address with colons is written in brackets, such as [2001:db8::1]:443")
    if _PORT.fullmatch(after) is None or int(after) > MOST_PORT:
        return BadHost("has no port, or none from 1 to 65535")
    host = read_host(before)
    return host if isinstance(host, BadHost) else Place(host=host, port=int(after))


def _to_ascii(text: str) -> str | BadHost:
    """*text* in small letters and ASCII, as every resolver is asked for it (UTS 46, IDNA 2008)."""
    lowered = text.lower()
    if lowered.isascii() and "xn--" not in lowered:
        return lowered
    try:
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as exc:
        return BadHost(f"is no name of a host: {_short(str(exc))}")


def _fourth(name: str) -> HostAddress | BadHost:
    try:
        return HostAddress(ipaddress.IPv4Address(name))
    except ValueError:
        return BadHost("ends in a number and is no address of four, such as 192.0.2.1")


def _sixth(text: str) -> HostAddress | BadHost:
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return HostAddress(ipaddress.IPv6Address(inner))
    except ValueError:
        return BadHost("is no IPv6 address")


def _short(text: str) -> str:
    """A library's reason, which may quote a stranger's characters, as ASCII on one line."""
    return text.encode("ascii", "backslashreplace").decode()[:120]
