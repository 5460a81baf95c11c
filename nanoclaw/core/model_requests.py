"""What a sandbox may ask of a model's API, and in what form it is passed on. Pure.

A request is made anew rather than passed through: what is between a client and the server it speaks with (RFC 9110,
7.6.1), and whatever could name another identity than the host's, does not go on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import TypeAlias

from attrs import field, frozen

from nanoclaw.core.endpoints import ANTHROPIC, BadEndpoint, Endpoint

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

MOST_HEAD = 64 << 10
"""Bytes of a request before its body."""
MOST_BODY = 32 << 20
"""Bytes of one request: what Anthropic's Messages API takes."""
METHODS = (b"GET", b"POST")
OAUTH_PREFIX = "sk-ant-oat"
"""Begins what `claude setup-token` prints."""
OAUTH_BETA = b"oauth-2025-04-20"
"""Anthropic takes a token only from whoever says this."""
LONGEST_KEY = 8192

# Segments of plain names: nothing in them that anybody could read as another path.
_TARGET = re.compile(rb"/v1(?:/[A-Za-z0-9_~:@-][A-Za-z0-9_~:@.-]*)+(?:\?[!-~]*)?")
_KEY = re.compile(r"[!-~]+", re.ASCII)
_BETWEEN_NEIGHBOURS = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect"}
)
_IDENTITY = frozenset(
    {
        *(b"authorization", b"proxy-authorization", b"proxy-authenticate", b"www-authenticate", b"x-api-key"),
        *(b"api-key", b"x-goog-api-key", b"cookie", b"forwarded", b"via", b"x-real-ip", b"x-forwarded-for"),
        *(b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"host"),
    }
)
_NOT_BACK = frozenset({b"set-cookie", b"alt-svc", b"strict-transport-security", b"proxy-authenticate"})


class Counts(Enum):
    """Does a call cost anything, and does its answer say what?"""

    FREE = "it costs nothing"
    SAID = "its answer says what it took"
    UNSAID = "nobody here can say what it took"


def counts(method: bytes, target: bytes) -> Counts:
    """What a request for *target* is, which `judge` has let pass."""
    path = target.partition(b"?")[0]
    if method == b"POST" and path == b"/v1/messages":
        return Counts.SAID
    return Counts.FREE if method == b"GET" or path == b"/v1/messages/count_tokens" else Counts.UNSAID


@frozen
class Key:
    """A secret that a model's API knows the host by."""

    value: str = field(repr=False)

    @property
    def kind(self) -> str:
        """What it is, in a few words for people."""
        return "OAuth token" if self.value.startswith(OAUTH_PREFIX) else "API key"


@frozen
class BadKey:
    """It cannot be a key."""

    why: str


@frozen(kw_only=True)
class Forward:
    """The request goes on, in this form."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]


@frozen(kw_only=True)
class Refuse:
    """The request is answered here, as the API itself would."""

    status: int
    kind: str
    """The API's word for it, such as `authentication_error`."""
    why: str
    """A sentence for people."""
    again: bool = False
    """Can the same request succeed later?"""

    @property
    def body(self) -> bytes:
        """The answer, in the API's own form."""
        return json.dumps({"type": "error", "error": {"type": self.kind, "message": self.why}}).encode()


def read_key(text: str) -> Key | BadKey:
    """The key in *text*, as somebody pasted it."""
    found = text.strip()
    if not found:
        return BadKey("it is empty")
    if len(found) > LONGEST_KEY:
        return BadKey(f"it is longer than {LONGEST_KEY} characters")
    if _KEY.fullmatch(found) is None:
        return BadKey("it has a space, a line's end or a character in it that no key has")
    return Key(found)


def judge(
    method: bytes, target: bytes, headers: Headers, endpoint: Endpoint | BadEndpoint, key: Key | None
) -> Forward | Refuse:
    """May this request go to *endpoint*, and as what?

    Args:
      method: As the sandbox said it.
      target: The same: a path, perhaps with a query.
      headers: The same; names in small letters, as h11 has them.
      endpoint: Where the model of its agent group answers.
      key: What the host has for that place; None: nothing.
    """
    if isinstance(endpoint, BadEndpoint):
        return Refuse(status=403, kind="permission_error", why=f"The model's address makes no sense: {endpoint.why}.")
    if method not in METHODS or _TARGET.fullmatch(target) is None:
        return Refuse(
            status=404, kind="not_found_error", why="The gateway leads to the model's API only: GET and POST of /v1/…"
        )
    if len(target) + sum(len(name) + len(value) for name, value in headers) > MOST_HEAD:
        return Refuse(
            status=431,
            kind="request_too_large",
            why=f"What stands before the body of a request may have {MOST_HEAD >> 10} KiB at the most.",
        )
    if _length(headers) > MOST_BODY:
        return TOO_LARGE
    if key is None and endpoint.origin == ANTHROPIC:
        return Refuse(
            status=401,
            kind="authentication_error",
            why="No key for Claude is set on the host. Its operator can set one with: nanoclaw secrets set anthropic",
        )
    passed = list(_passed(headers))
    if counts(method, target) is Counts.SAID:
        # What is compressed cannot be counted as it passes.
        passed = [(name, value) for name, value in passed if name != b"accept-encoding"]
        passed.append((b"accept-encoding", b"identity"))
    betas = [value for name, value in passed if name == b"anthropic-beta"]
    others = [(name, value) for name, value in passed if name != b"anthropic-beta"]
    if key is not None and key.kind == "OAuth token" and not any(OAUTH_BETA in value for value in betas):
        betas.append(OAUTH_BETA)
    return Forward(
        method=method,
        target=endpoint.path.encode() + target,
        headers=(
            (b"host", endpoint.authority.encode()),
            *others,
            *([(b"anthropic-beta", b",".join(betas))] if betas else []),
            *(_credentials(key, endpoint) if key is not None else ()),
            *_framing(headers),
        ),
    )


def answer_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """What of a model's answer the sandbox is given."""
    dropped = _BETWEEN_NEIGHBOURS | _NOT_BACK | _named_by_connection(headers)
    if any(name == b"transfer-encoding" for name, _ in headers):
        # Said in two ways, the length is what the pieces say.
        dropped |= {b"content-length"}
    return [(name, value) for name, value in headers if name not in dropped]


TOO_LARGE = Refuse(
    status=413, kind="request_too_large", why=f"A request to the model may have {MOST_BODY >> 20} MiB at the most."
)


def unreachable(endpoint: Endpoint, why: str) -> Refuse:
    """Nobody answers there, or not as they should."""
    return Refuse(
        status=502, kind="api_error", why=f"The host cannot reach the model at {endpoint.origin}: {why}.", again=True
    )


def _passed(headers: Headers) -> Iterator[tuple[bytes, bytes]]:
    """The headers that are the sandbox's own business."""
    dropped = _BETWEEN_NEIGHBOURS | _IDENTITY | _named_by_connection(headers) | {b"content-length"}
    for name, value in headers:
        if name not in dropped:
            yield name, value


def _named_by_connection(headers: Headers) -> frozenset[bytes]:
    """Headers that are between neighbours because they say so."""
    return frozenset(
        word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")
    )


def _credentials(key: Key, endpoint: Endpoint) -> list[tuple[bytes, bytes]]:
    """The headers that a place of that kind knows a key by."""
    secret = key.value.encode()
    bearer, own = (b"authorization", b"Bearer " + secret), (b"x-api-key", secret)
    if key.kind == "OAuth token":
        return [bearer]
    # Others that speak this API read one or the other, and the key was set for this very place.
    return [own] if endpoint.origin == ANTHROPIC else [own, bearer]


def _framing(headers: Headers) -> list[tuple[bytes, bytes]]:
    """How the end of the body is known; an HTTP library has seen to it that this is said in one way only."""
    found: Mapping[bytes, bytes] = dict(headers)
    if b"transfer-encoding" in found:
        return [(b"transfer-encoding", b"chunked")]
    return [(b"content-length", found[b"content-length"])] if b"content-length" in found else []


def _length(headers: Headers) -> int:
    """How long the body says that it is; 0 if it does not say so."""
    said = dict(headers).get(b"content-length", b"0")
    return int(said) if said.isdigit() else 0
