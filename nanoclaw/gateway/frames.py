"""What the host and the gateway's process say to each other: frozen values, each a JSON object with its type.

No secret is ever in one: the process reads the files of keys itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen
from attrs.validators import ge
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.strategies import configure_tagged_union

from nanoclaw.core.egress import Policy
from nanoclaw.core.endpoints import BadEndpoint, Endpoint
from nanoclaw.core.model_requests import Refuse
from nanoclaw.core.model_usage import Counted
from nanoclaw.gateway.spending import Spent
from nanoclaw.gateway.told import Begun, Told
from nanoclaw.model.bindings import BoundRequest, Go, NeedsBody, Stay
from nanoclaw.model.egress import EgressLimits
from nanoclaw.model.ids import ApprovalId, SessionId
from schema.times import read_time, write_time

Place: TypeAlias = Endpoint | BadEndpoint


@frozen(kw_only=True)
class Begin:
    """The first that is said: whose keys to use."""

    home: str


@frozen(kw_only=True)
class Opened:
    """Serve a way. With it come its listening sockets: the model's, and another one if it leads anywhere else."""

    way: int
    """No other way ever has that number."""
    session: SessionId
    endpoint: Place
    proxied: bool = False
    """Does the other socket lead to OneCLI's proxy?"""
    limits: EgressLimits | None = None
    """Those of what the operator allows; None: nothing is."""
    spent: Spent = field(factory=Spent)
    """By that sandbox, through a process that was here before."""
    seal: str | None = None
    """The digest of what everybody has to say first; None: nothing."""


@frozen(kw_only=True)
class Closed:
    """Serve that way no longer."""

    way: int


@frozen(kw_only=True)
class Granted:
    """The call may be put."""


@frozen(kw_only=True)
class Unanswerable:
    """Nobody can say."""

    why: str


@frozen(kw_only=True)
class Allowed:
    """What is allowed now."""

    way: int
    policy: Policy | None
    """None: what was said of that way last."""


Found: TypeAlias = Granted | Refuse | Allowed | Endpoint | Go | NeedsBody | Stay | Unanswerable


@frozen(kw_only=True)
class Answer:
    """The answer to a question."""

    number: int
    found: Found


@frozen(kw_only=True)
class Beat:
    """The host is there. Answered at once, by `Alive`."""


ToGateway: TypeAlias = Begin | Opened | Closed | Answer | Beat


@frozen(kw_only=True)
class Ready:
    """The first that is said: everything is imported, and whatever could be given up has been."""

    process: int


@frozen(kw_only=True)
class Alive:
    """The process goes round."""

    memory: int = field(validator=ge(0))
    """Bytes that it holds now."""
    connections: int = field(validator=ge(0))
    """Of sandboxes."""


@frozen(kw_only=True)
class MayCall:
    """May a call be put to a model? The turn that is granted is kept until `Took` says that it is over."""

    number: int
    session: SessionId
    countable: bool


@frozen(kw_only=True)
class Took:
    """What a call has taken so far. Said before the bytes go out that may cost it."""

    number: int
    counted: Counted
    over: bool = False


@frozen(kw_only=True)
class MayReach:
    """What is allowed now?"""

    number: int
    way: int


@frozen(kw_only=True)
class WhereProxy:
    """Where is OneCLI's proxy?"""

    number: int
    way: int


@frozen(kw_only=True)
class MayUse:
    """May a request go on with a secret that is bound to its host?"""

    number: int
    way: int
    request: BoundRequest


@frozen(kw_only=True)
class Passed:
    """A request goes out by that pass now, or it will not."""

    used: ApprovalId
    went: bool


@frozen(kw_only=True)
class Moved:
    """So many bytes have moved over a way by now."""

    way: int
    total: int = field(validator=ge(0))


@frozen(kw_only=True)
class Begins:
    """A request for something else than the model, before anything becomes of it."""

    number: int
    way: int
    begun: Begun


@frozen(kw_only=True)
class Over:
    """What became of it."""

    number: int
    told: Told


@frozen(kw_only=True)
class Shut:
    """A way that was closed is; nothing more is said of it."""

    way: int


ToHost: TypeAlias = (
    Ready | Alive | MayCall | Took | MayReach | WhereProxy | MayUse | Begins | Moved | Passed | Over | Shut
)


class FrameError(ValueError):
    """It is none of these; `str()` says where."""


_converter = Converter(forbid_extra_keys=True, unstruct_collection_overrides={frozenset: sorted})
_converter.register_unstructure_hook(datetime, write_time)
_converter.register_structure_hook(datetime, lambda said, _: read_time(said))
for _union in (Place, Found, ToGateway, ToHost):
    configure_tagged_union(_union, _converter, tag_name="type")


def read_for_gateway(said: Mapping[str, object]) -> ToGateway:
    """What the host said. Raises `FrameError`."""
    return _read(said, ToGateway)  # type: ignore[arg-type, return-value]  # a union is no class to mypy


def read_for_host(said: Mapping[str, object]) -> ToHost:
    """What the gateway said. Raises `FrameError`."""
    return _read(said, ToHost)  # type: ignore[arg-type, return-value]  # a union is no class to mypy


def write(said: ToGateway | ToHost) -> dict[str, object]:
    """One of them as a JSON object."""
    union = ToGateway if isinstance(said, ToGateway) else ToHost
    return _converter.unstructure(said, unstructure_as=union)  # type: ignore[no-any-return]  # a dict


def _read(said: Mapping[str, object], union: type) -> object:
    try:
        return _converter.structure(said, union)
    except BaseValidationError as exc:
        raise FrameError("; ".join(transform_error(exc))[:300]) from None
    except (KeyError, TypeError, ValueError) as exc:
        raise FrameError(f"not a frame: {exc}"[:300]) from None
