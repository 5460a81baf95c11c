"""A request of a sandbox to the gateway as its HTTP proxy: what it asks for, and in what form it goes on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.egress import HTTP, HTTPS, Asked
from nanoclaw.core.host_names import BadHost, read_place
from nanoclaw.model.bindings import GATEWAY

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

MOST_HEADERS = 64 << 10
TUNNEL = "CONNECT"
SECURE = "https://"
_SCHEME = "http://"
_BETWEEN_NEIGHBOURS = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"proxy-authenticate", b"te"),
        *(b"trailer", b"transfer-encoding", b"upgrade", b"expect", b"host", b"content-length"),
    }
)


@frozen
class BadRequest:
    """It is no request to a proxy."""

    why: str


def read_request(method: bytes, target: bytes) -> Asked | BadRequest:
    """What is asked for: a tunnel to `host:port`, or `http://host/path`.

    What stands in a Host header counts for nothing: there is one place, and it is in the first line.
    """
    try:
        said = target.decode("ascii")
        verb = method.decode("ascii")
    except UnicodeDecodeError:
        return BadRequest("The first line has characters in it that are not ASCII's.")
    if verb == TUNNEL:
        place = read_place(said)
        return BadRequest(_wrong(place)) if isinstance(place, BadHost) else Asked(place=place)
    if said[: len(_SCHEME)].lower() != _SCHEME:
        return BadRequest("This is a proxy: it takes CONNECT host:port, and http://host/path in the first line.")
    authority, slash, rest = said[len(_SCHEME) :].partition("/")
    authority, mark, query = authority.partition("?")
    if mark:
        slash, rest = "/", f"?{query}{slash}{rest}"
    place = read_place(authority, HTTP)
    if isinstance(place, BadHost):
        return BadRequest(_wrong(place))
    return Asked(place=place, method=verb, path=f"/{rest}" if slash else "/")


def pointed_to(asked: Asked) -> Asked | BadRequest | None:
    """The tunnel that is meant by `http://gw/https://host/path`. None: it is something else that is asked.

    A program that shows no word of what answers a CONNECT, as git, is made to ask so (`core/proxy_settings`): it is
    told in words that it may not go there, or is sent there.
    """
    if asked.method is None or str(asked.place.host) != GATEWAY or not asked.path.startswith(f"/{SECURE}"):
        return None
    authority = asked.path.removeprefix(f"/{SECURE}").partition("/")[0].partition("?")[0].rpartition("@")[2]
    place = read_place(authority, HTTPS)
    return BadRequest(_wrong(place)) if isinstance(place, BadHost) else Asked(place=place)


def onward_headers(asked: Asked, headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers of the request as it goes on: the host that was judged, and nothing that is between neighbours."""
    dropped = _BETWEEN_NEIGHBOURS | named_by_connection(headers)
    authority = asked.place.authority.removesuffix(f":{HTTP}")
    return [
        (b"host", authority.encode()),
        *((name, value) for name, value in headers if name not in dropped),
        *_framing(headers),
        (b"connection", b"close"),
    ]


def backward_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers of an answer as the sandbox is given them."""
    dropped = {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"te", b"trailer", b"upgrade"}
    dropped |= named_by_connection(headers)
    if any(name == b"transfer-encoding" for name, _ in headers):
        dropped |= {b"content-length"}
    return [(name, value) for name, value in headers if name not in dropped]


def named_by_connection(headers: Headers) -> frozenset[bytes]:
    """Headers that are between neighbours because they say so."""
    return frozenset(
        word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")
    ) - {b"transfer-encoding", b"content-length"}


def reason_phrase(why: str) -> bytes:
    """*why* as the rest of a status line: many programs show nothing else of a refusal."""
    return "".join(sign if " " <= sign <= "~" else "?" for sign in why)[:300].encode("ascii")


def _framing(headers: Headers) -> list[tuple[bytes, bytes]]:
    found = dict(headers)
    if b"transfer-encoding" in found:
        return [(b"transfer-encoding", b"chunked")]
    return [(b"content-length", found[b"content-length"])] if b"content-length" in found else []


def _wrong(place: BadHost) -> str:
    return f"That host {place.why}."
