"""Secrets that go with requests: what may be bound, what goes on and what comes back. Pure.

An agent asks `http://gw/NAME/…` by plain HTTP, without any secret. The host adds the header and asks the one place
that the name is bound to, by HTTPS. Nothing that the agent says can change the place or the header.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.egress import HTTPS, METHODS, Asked, Permitted
from nanoclaw.core.egress_requests import BadRequest, Headers, backward_headers, onward_headers
from nanoclaw.core.host_names import BadHost, Place, read_place
from nanoclaw.model.bindings import GATEWAY, Asks, Binding

MOST_SECRET = 8192
MOST_BODY = 1 << 20
"""Bytes of a request's body that people can be asked about."""
LEAST_STRUCK = 6
"""Characters of a secret that are looked for in an answer: fewer are in everything."""

_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_TEMPLATE = re.compile(r"[!-~ ]*\{\}[!-~ ]*", re.ASCII)
_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)
_TARGET = re.compile(r"/[!-\"$-\[\]-~]*", re.ASCII)
_OURS = frozenset(
    {
        *("host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect"),
        *("keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate"),
    }
)
"""Headers that say how a request is framed and where it goes."""
_INSTEAD = frozenset(
    {
        *(b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-method"),
        *(b"x-original-url", b"x-rewrite-url", b"x-original-uri", b"x-original-host", b"x-host", b"forwarded"),
        *(b"x-forwarded-uri", b"x-forwarded-prefix", b"x-forwarded-method", b"x-forwarded-host"),
    }
)
"""Headers by which many servers take a request for another than its first line says, which is what people are shown."""


@frozen
class Bad:
    """It cannot be so; *why* is half a sentence."""

    why: str


@frozen(kw_only=True)
class Bound:
    """What a binding says, read and found good."""

    secret: str
    name: str
    place: Place
    header: str
    template: str


_BEFORE = (
    "Some hosts are asked with a secret of the operator's, which you do not have and do not need. Ask plain HTTP, as",
    "your programs do through their proxy by themselves; the secret is added outside, and HTTPS spoken onward:",
    "",
)
_AFTER = (
    "",
    "Leave out the header that would say who you are. An answer with 403 says what to do: if a person is asked, end",
    "your turn; you are told what they say, and put the same request again then.",
)

Target: TypeAlias = tuple[str, str]


def secret_fault(name: str) -> str | None:
    """Why a secret cannot be called so; None: it can."""
    if _SECRET_NAME.fullmatch(name):
        return None
    return "a secret's name has capital letters, digits and _, such as GITHUB_TOKEN"


def value_fault(value: str) -> str | None:
    """Why this cannot be a secret that goes into a header; None: it can. Says nothing of what it is."""
    if len(value) > MOST_SECRET:
        return f"it has more than {MOST_SECRET:,} characters"
    return None if _VALUE.fullmatch(value) else "it has to be one line of printable ASCII, and not empty"


def read_binding(secret: str, *, host: str, header: str, template: str | None, name: str | None) -> Bound | Bad:
    """What an operator says of a binding.

    Args:
      secret: The secret's name.
      host: `host` or `host:port`; asked by HTTPS.
      header: Where the secret goes.
      template: What stands there, `{}` being the secret; None: `Bearer {}` in Authorization, and `{}` elsewhere.
      name: How agents call it; None: as the secret, in small letters.
    """
    if (why := secret_fault(secret)) is not None:
        return Bad(f"{secret}: {why}")
    place = read_place(host, HTTPS)
    if isinstance(place, BadHost):
        return Bad(f"--host: {host}: {place.why}")
    if _HEADER.fullmatch(header) is None or header.lower() in _OURS:
        return Bad(f"--header: {header}: this is no header that a secret can go into")
    if template is None:
        template = "Bearer {}" if header.lower() == "authorization" else "{}"
    if _TEMPLATE.fullmatch(template) is None or template.count("{}") != 1:
        return Bad("--template: it has {} in it, once, where the secret goes, and is one line of printable ASCII")
    called = name if name is not None else secret.lower().replace("_", "-")
    if _NAME.fullmatch(called) is None:
        return Bad(f"--as: {called}: small letters, digits and -, such as github")
    return Bound(secret=secret, name=called, place=place, header=header, template=template)


def read_target(method: str, path: str) -> Target | Bad:
    """The binding's name and the path at its host, of what an agent asks of the gateway itself."""
    if method not in METHODS:
        return Bad(f"{method} is not asked by a binding; there are {', '.join(METHODS)}")
    if _TARGET.fullmatch(path) is None:
        return Bad("The path has characters in it that are written with %")
    before, mark, query = path.partition("?")
    name, slash, rest = before[1:].partition("/")
    if _NAME.fullmatch(name) is None or not slash:
        return Bad("It is asked as http://gw/NAME/PATH, NAME being what your instructions say")
    return name, f"/{rest}{mark}{query}"


def named(asked: Asked | BadRequest) -> str:
    """How people know what *asked* leads to: a place, or a binding that knows the place."""
    if isinstance(asked, BadRequest):
        return "?"
    if str(asked.place.host) != GATEWAY or asked.method is None:
        return str(asked.place)
    target = read_target(asked.method, asked.path)
    return GATEWAY if isinstance(target, Bad) else f"{GATEWAY}/{target[0]}"


def path_fault(path: str) -> str | None:
    """Why no host can be asked for this path; None: it can."""
    return None if _TARGET.fullmatch(path) else "a path begins with / and has no spaces, such as /user"


def place_of(binding: Binding) -> Place:
    """Where it leads. Raises `ValueError` for a row that makes no sense."""
    place = read_place(binding.place)
    if isinstance(place, Place):
        return place
    raise ValueError(f"the binding {binding.name} leads nowhere: {place.why}")


def permitted(binding: Binding, method: str, path: str) -> Permitted:
    """The request as one that is allowed by its name; its addresses are still to be judged."""
    asked = Asked(place=place_of(binding), method=method, path=path)
    return Permitted(asked=asked, by=f"the binding {binding.name}", near=binding.near)


def with_secret(binding: Binding, asked: Asked, headers: Headers, value: str) -> list[tuple[bytes, bytes]]:
    """The headers of the request as it goes on.

    What the agent says of that header is taken out, and what would make another request of it than was judged.
    """
    name = binding.header.lower().encode()
    ours = {name, b"host"} | _INSTEAD
    place = asked.place
    host = str(place.host) if place.port == HTTPS else place.authority
    # Many servers read _ as - in a header's name.
    kept = [(key, said) for key, said in onward_headers(asked, headers) if key.replace(b"_", b"-") not in ours]
    return [(b"host", host.encode()), (name, binding.template.replace("{}", value).encode()), *kept]


def without_secret(headers: Headers, binding: Binding, value: str) -> list[tuple[bytes, bytes]]:
    """The headers of the answer as the agent is given them: none that says the secret, in any of its usual forms."""
    whole = binding.template.replace("{}", value)
    forms = {form for text in (value, whole) if len(text) >= LEAST_STRUCK for form in _forms(text)}
    return [
        (name, said)
        for name, said in backward_headers(headers)
        if not any(form in said.lower() or form in name.lower() for form in forms)
    ]


def _forms(text: str) -> set[bytes]:
    """As it is, as base64 has it, and as addresses have it, in small letters."""
    raw = text.encode()
    quoted = "".join(sign if sign.isalnum() or sign in "-._~" else f"%{ord(sign):02x}" for sign in text)
    encoded = {base64.b64encode(raw), base64.urlsafe_b64encode(raw)}
    return {raw.lower(), quoted.encode().lower(), *(one.rstrip(b"=").lower() for one in encoded)}


def instructions(bindings: Sequence[Binding]) -> str:
    """What an agent is told of its bindings: how to ask, and nothing of any secret."""
    when = {Asks.ALWAYS: "; a person lets each request go on", Asks.FIRST: "; a person is asked first", Asks.NEVER: ""}
    lines = [
        f"- `http://{GATEWAY}/{one.name}/…` is `https://{one.place.removesuffix(f':{HTTPS}')}/…`{when[one.asks]}"
        for one in bindings
    ]
    return "\n".join((*_BEFORE, *lines, *_AFTER))
