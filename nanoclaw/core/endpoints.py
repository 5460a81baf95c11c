"""Where a model answers: the operator's words for it, read once. Pure.

What is written in `ANTHROPIC_BASE_URL` elsewhere: a scheme, a host, perhaps a port and a path. `/v1/…` is added to it.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

ANTHROPIC = "https://api.anthropic.com"
"""Where Claude answers."""

LONGEST = 1024
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:]+(?:[0-9.]+)?", re.ASCII)
_PATH = re.compile(r"(?:/[A-Za-z0-9_~][A-Za-z0-9_.~-]*)*", re.ASCII)


@frozen(kw_only=True)
class Endpoint:
    """A model's API, normalised: two that are equal are the same place."""

    scheme: str
    host: str
    """In small letters; an IPv6 address without brackets."""
    port: int
    path: str = ""
    """What stands before `/v1/…`: empty, or begins with a slash and does not end with one."""

    @property
    def authority(self) -> str:
        """Host and port as a Host header says them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Whom one speaks with there: scheme, host and port. What a key belongs to."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"


@frozen
class BadEndpoint:
    """It is no place where a model could answer."""

    why: str


def read_endpoint(text: str) -> Endpoint | BadEndpoint:
    """What *text* says, such as `http://localhost:11434`."""
    if len(text) > LONGEST:
        return BadEndpoint(f"longer than {LONGEST} characters")
    if not text.isascii() or any(character <= " " or character == "\x7f" for character in text):
        return BadEndpoint("has a space, or a character that is none of ASCII's: write a name with those as xn--…")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as exc:
        return BadEndpoint(str(exc))
    if (why := _wrong(parts)) is not None:
        return BadEndpoint(why)
    host = (parts.hostname or "").rstrip(".")
    path = parts.path.rstrip("/")
    if _HOST.fullmatch(host) is None:
        return BadEndpoint("has no host, or not the name of one")
    if port == 0:
        return BadEndpoint("port 0 is none")
    if _PATH.fullmatch(path) is None:
        return BadEndpoint("the path has other characters than letters, digits, - _ ~ and dots inside of names")
    if path.endswith("/v1"):
        return BadEndpoint("ends with /v1, which is added: leave it out")
    return Endpoint(scheme=parts.scheme, host=host, port=port or _DEFAULT_PORTS[parts.scheme], path=path)


def _wrong(parts: SplitResult) -> str | None:
    """What is not to be in it at all."""
    if parts.scheme not in _DEFAULT_PORTS:
        return "has to begin with http:// or https://"
    if "@" in parts.netloc:
        return "has a user in it: keys are set with nanoclaw secrets set"
    if parts.query or parts.fragment:
        return "has a ? or a # in it"
    return None


def is_loopback(text: str) -> bool:
    """Is *text* an IP address that only this machine reaches?"""
    return is_address(text) and ipaddress.ip_address(text).is_loopback


def is_address(text: str) -> bool:
    """Is *text* the IP address of a machine, or of all of them?"""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """Is *text* a host's name as a browser says it: in small letters, perhaps with a port?"""
    name, colon, port = text.partition(":")
    return _HOST.fullmatch(name) is not None and (not colon or (port.isascii() and port.isdigit() and len(port) < 6))
