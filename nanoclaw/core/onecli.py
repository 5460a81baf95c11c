"""What a OneCLI server says, read strictly: it is the operator's, and still nobody whose words are taken as they come.

Fields that are not known here are passed over, because the server grows; those that are have to be what they should be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar

from attrs import field, frozen
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.gen import make_dict_structure_fn, override
from cattrs.v import format_exception

from nanoclaw.core.endpoints import BadEndpoint, Endpoint, read_endpoint
from nanoclaw.core.notices import plain
from schema.strict_json import JsonError, read

MOST_ANSWER = 1 << 20
"""Bytes of an answer."""
MOST_PENDING = 8 << 20
"""Bytes of an answer with requests that wait: each may hold a body of some KiB."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_LONGEST_WORD = 200

T = TypeVar("T")


class OneCliAwayError(Exception):
    """Nobody answers there as a server should; trying again can help. `str()` says what happened."""


class OneCliRefusedError(Exception):
    """The server says no, or nothing that makes sense; trying again as it is does not help. `str()` says why."""


@frozen
class Unfit:
    """It is not what a OneCLI server says. `why` says where, in words for people."""

    why: str


@frozen(kw_only=True)
class ContainerConfig:
    """What the server wants a sandbox to be given."""

    env: Mapping[str, str]
    ca_certificate: str
    ca_certificate_container_path: str
    warnings: tuple[str, ...] = ()


@frozen(kw_only=True)
class RawBody:
    """The body of a request, as far as the server shows it."""

    text: str = ""
    truncated: bool = False
    binary: bool = False
    redacted: bool = False
    """Are secrets in it masked?"""


@frozen(kw_only=True)
class RequestingAgent:
    """Whose request it is."""

    name: str
    external_id: str | None = None
    """The identifier that the agent was made with: an agent group's id, if we made it."""


@frozen(kw_only=True)
class PendingRequest:
    """A request of an agent's that the server holds until somebody has decided about it."""

    id: str
    method: str
    host: str
    path: str
    agent: RequestingAgent
    expires_at: datetime
    """The server refuses it then by itself."""
    url: str = ""
    """All of the address; older servers do not say it."""
    headers: Mapping[str, str] = field(factory=dict[str, str])
    """Without those that say who asks."""
    body_preview: str | None = None
    raw_body: RawBody | None = None


@frozen(kw_only=True)
class Pending:
    """An answer to a poll."""

    requests: tuple[PendingRequest, ...]
    unfit: Mapping[str, str] = field(factory=dict[str, str])
    """Requests that could not be read, by id, with the reason: nobody can be asked about them."""
    nameless: int = 0
    """Requests that have not even an id."""


def read_container_config(text: str) -> ContainerConfig | Unfit:
    """What a sandbox is to be given, from the body of the answer."""
    return _read(text, ContainerConfig)


def read_pending(text: str) -> Pending | Unfit:
    """The requests that wait, from the body of the answer. One that makes no sense does not hide the others."""
    found = _object(text, MOST_PENDING)
    if isinstance(found, Unfit):
        return found
    listed = found.get("requests")
    if not isinstance(listed, list):
        return Unfit("requests: not a list")
    fit: list[PendingRequest] = []
    unfit: dict[str, str] = {}
    nameless = 0
    for one in listed:
        name = one.get("id") if isinstance(one, dict) else None
        if not isinstance(name, str) or _ID.fullmatch(name) is None:
            nameless += 1
            continue
        request = _structure(one, PendingRequest)
        if isinstance(request, Unfit):
            unfit[name] = request.why
        else:
            fit.append(request)
    return Pending(requests=tuple(fit), unfit=unfit, nameless=nameless)


def read_gateway_url(text: str, server: Endpoint) -> Endpoint | Unfit:
    """Where the server's own gateway is, from the body of the answer.

    The host's key goes there as well, so it may not be a place without encryption if the *server* has it.
    """
    found = _object(text, MOST_ANSWER)
    if isinstance(found, Unfit):
        return found
    url = found.get("url")
    if not isinstance(url, str):
        return Unfit("url: not text")
    return gateway_endpoint(url, server)


def gateway_endpoint(url: str, server: Endpoint) -> Endpoint | Unfit:
    """The gateway at *url*, which belongs to *server*."""
    endpoint = read_endpoint(url)
    if isinstance(endpoint, BadEndpoint):
        return Unfit(f"the gateway's address {plain(url)}: {plain(endpoint.why)}")
    if server.scheme == "https" and endpoint.scheme != "https":
        return Unfit("the gateway's address is not encrypted, and the server's is")
    return endpoint


def is_object(text: str) -> bool:
    """Is it an answer of the kind that all of them are?"""
    return not isinstance(_object(text, MOST_ANSWER), Unfit)


def reason(text: str) -> str:
    """Why the server refused something, from the body of its answer; empty if it does not say so."""
    found = _object(text, MOST_ANSWER)
    if isinstance(found, Unfit):
        return ""
    said = found.get("error") or found.get("message")
    if isinstance(said, dict):
        said = said.get("message")
    return plain(said, _LONGEST_WORD) if isinstance(said, str) else ""


def pause(failures: int, luck: float) -> float:
    """Seconds to wait after so many failures in a row, the first is 1; *luck* in [0, 1) spreads those who wait."""
    longest = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE)
    return longest * (0.5 + luck / 2)


def _object(text: str, most: int) -> dict[str, object] | Unfit:
    try:
        found = read(text, most=most)
    except JsonError as exc:
        return Unfit(str(exc))
    return found if isinstance(found, dict) else Unfit("not a JSON object")


def _read(text: str, cls: type[T]) -> T | Unfit:
    found = _object(text, MOST_ANSWER)
    return found if isinstance(found, Unfit) else _structure(found, cls)


def _structure(found: object, cls: type[T]) -> T | Unfit:
    try:
        return _converter().structure(found, cls)
    except BaseValidationError as exc:
        return Unfit(plain("; ".join(transform_error(exc, "", _describe))))
    except (TypeError, ValueError) as exc:
        return Unfit(plain(str(exc)))


def _describe(exc: BaseException, cls: type | None) -> str:
    return str(exc) if type(exc) is ValueError else format_exception(exc, cls)


def _text(value: object, _: object) -> str:
    if type(value) is not str:
        raise ValueError("not text")
    return value


def _truth(value: object, _: object) -> bool:
    if type(value) is not bool:
        raise ValueError("neither true nor false")
    return value


def _texts(value: object, _: object) -> tuple[str, ...]:
    if type(value) is not list:
        raise ValueError("not a list")
    return tuple(_text(one, str) for one in value)


def _time(value: object, _: object) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else None
    if found is None or found.tzinfo is None:
        raise ValueError("not a time with its zone")
    return found.astimezone(UTC)


@cache
def _converter() -> Converter:
    converter = Converter()
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(bool, _truth)
    converter.register_structure_hook(datetime, _time)
    converter.register_structure_hook_func(lambda cls: cls == tuple[str, ...], _texts)
    renamed = {
        ContainerConfig: ("ca_certificate", "ca_certificate_container_path"),
        RequestingAgent: ("external_id",),
        RawBody: (),
        PendingRequest: ("expires_at", "body_preview", "raw_body"),
    }
    for cls, names in renamed.items():
        said = {name: override(rename=_camel(name)) for name in names}
        converter.register_structure_hook(cls, make_dict_structure_fn(cls, converter, **said))  # type: ignore[arg-type]  # cattrs names its own options beside the fields
    return converter


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
