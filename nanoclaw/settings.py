"""The sections of nanoclaw.toml: every setting with its default, its bounds and what it means."""

from __future__ import annotations

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt, in_, le

from nanoclaw.core.endpoints import BadEndpoint, is_address, is_host, is_loopback, read_endpoint
from nanoclaw.core.images import AGENT_IMAGE
from nanoclaw.core.prices import BadPrices, read_prices
from nanoclaw.core.way_choice import AUTO, SETTINGS
from nanoclaw.model.egress import EgressLimits
from nanoclaw.model.sandbox import MIB

MOST_TIMES = 1_000
AN_HOUR_OF_SECONDS = 3_600.0
A_DAY_OF_SECONDS = 86_400.0
A_DAY_OF_MINUTES = 1_440.0
A_WEEK_OF_HOURS = 168.0
A_YEAR_OF_HOURS = 8_760.0
A_YEAR_OF_MINUTES = 525_600.0
A_CENTURY_OF_DAYS = 36_500.0


@frozen(kw_only=True)
class SandboxSettings:
    """`[sandbox]`"""

    engine: str = "auto"
    """`auto` (the strongest that answers), `docker`, `bubblewrap` or `process`."""
    pause_after_minutes: float = field(default=2.0, validator=[ge(0), le(A_YEAR_OF_MINUTES)])
    """How long nothing may be asked of a sandbox before everything in it stands still."""
    keep_warm_minutes: float = field(default=30.0, validator=[ge(0), le(A_YEAR_OF_MINUTES)])
    """How long an idle sandbox is kept."""
    most_running: int = field(default=64, validator=[ge(1), le(MOST_TIMES)])
    """How many sandboxes there may be at once; further ones wait, and idle ones make room."""
    most_starting: int = field(default=4, validator=[ge(1), le(MOST_TIMES)])
    """How many of them docker may be starting at once."""
    least_free_memory_percent: float = field(default=10.0, validator=[ge(0), le(90)])
    """With less of the machine's memory free, idle sandboxes end, the longest idle first."""
    image: str = AGENT_IMAGE
    """The image that docker's sandboxes start from: a tag or an id that the engine has."""
    allow_old_engine: bool = False
    """Use a docker engine in which known holes may be open."""
    way_out: str = field(default=AUTO, validator=in_(SETTINGS))
    """How docker's sandboxes reach the gateway: `auto` (by a socket, if it is reached), `socket` or `network`."""


@frozen(kw_only=True)
class MountsSettings:
    """`[mounts]`"""

    allow_list: str = "~/.config/nanoclaw/mounts.toml"
    """The file that says which folders of this machine agents may see."""


@frozen(kw_only=True)
class AgentSettings:
    """`[agent]`"""

    name: str = "Nano"
    """Of the agent group that the first start makes."""
    provider: str = "demo"
    """Who thinks: `demo` answers offline."""
    compact_window: int = field(default=165_000, validator=ge(1))
    """Tokens of a conversation after which a model shortens its memory of it."""
    timezone: str = "UTC"
    """IANA name of the zone that agents are told."""


def _is_address(_: object, attribute: Attribute[str], value: str) -> None:
    if not is_address(value):
        raise ValueError(f"{attribute.name}: {value!r} is no IP address, such as 127.0.0.1")


def _are_names(_: object, attribute: Attribute[str], value: str) -> None:
    if not all(map(is_host, value.split())):
        raise ValueError(f"{attribute.name}: {value!r} are not names of hosts, such as chat.example.org")


@frozen(kw_only=True)
class WebSettings:
    """`[web]`"""

    enabled: bool = True
    """Is there a web page?"""
    address: str = field(default="127.0.0.1", validator=_is_address)
    """Where it is served. Other machines reach any but this machine's own, without encryption."""
    port: int = field(default=8474, validator=[ge(0), le(65_535)])
    """Where that is taken, any other; 0: any."""
    names: str = field(default="", validator=_are_names)
    """The names, with blanks between them, under which a proxy shows it with https."""


def _is_loopback(_: object, attribute: Attribute[str], value: str) -> None:
    if not is_loopback(value):
        raise ValueError(
            f"{attribute.name}: {value!r} is no address that this machine alone reaches, such as 127.0.0.1; to show"
            " figures to others, put a proxy before them"
        )


@frozen(kw_only=True)
class MetricsSettings:
    """`[metrics]`"""

    enabled: bool = False
    """Are figures served to Prometheus?"""
    address: str = field(default="127.0.0.1", validator=_is_loopback)
    """Where: this machine's own, as nobody is asked who they are."""
    port: int = field(default=9474, validator=[ge(0), le(65_535)])
    """No other: where it is taken, they are not served, and the log says so. 0: any."""


@frozen(kw_only=True)
class RetrySettings:
    """`[retry]`"""

    most_tries: int = field(default=5, validator=[ge(1), le(MOST_TIMES)])
    """How many sandboxes a message may outlive before it fails."""
    first_pause_seconds: float = field(default=5.0, validator=[ge(0), le(AN_HOUR_OF_SECONDS)])
    """Doubles with each try, up to an hour."""
    most_attempts: int = field(default=8, validator=[ge(1), le(MOST_TIMES)])
    """How often a message is offered to its platform."""
    delivery_pause_seconds: float = field(default=1.0, validator=[gt(0), le(AN_HOUR_OF_SECONDS)])
    """Doubles with each attempt, up to 15 minutes."""


@frozen(kw_only=True)
class SupervisionSettings:
    """`[supervision]`"""

    claim_seconds: float = field(default=60.0, validator=[gt(0), le(A_DAY_OF_SECONDS)])
    """How long a message may be claimed without any sign of life since; a running tool may declare to need longer."""
    silence_minutes: float = field(default=30.0, validator=[gt(0), le(A_DAY_OF_MINUTES)])
    """How long a sandbox that is at work may show no sign of life."""
    most_declared_minutes: float = field(default=120.0, validator=[gt(0), le(A_DAY_OF_MINUTES)])
    """What a tool may declare to need."""
    turn_hours: float = field(default=6.0, validator=[gt(0), le(A_WEEK_OF_HOURS)])
    """How long one turn may take, whatever it shows of itself."""


@frozen(kw_only=True)
class MailSettings:
    """`[mail]`"""

    most_hops: int = field(default=8, validator=[ge(1), le(MOST_TIMES)])
    """How many messages from agent to agent may follow from one another."""
    most_an_hour: int = field(default=30, validator=[ge(1), le(MOST_TIMES)])
    """How many messages one agent may send to one other."""


@frozen(kw_only=True)
class RetentionSettings:
    """`[retention]`"""

    messages_days: float = field(default=365.0, validator=[ge(7), le(A_CENTURY_OF_DAYS)])
    """How long settled messages and drops are kept; a platform's message that is told of again later is a new one."""
    logs_days: float = field(default=30.0, validator=[ge(1), le(A_CENTURY_OF_DAYS)])
    """How long what sandboxes said on standard error is kept."""
    audit_days: float = field(default=1095.0, validator=[ge(30), le(A_CENTURY_OF_DAYS)])
    """How long records of privileged acts are kept."""


@frozen(kw_only=True)
class BackupSettings:
    """`[backup]`"""

    every_hours: float = field(default=24.0, validator=[ge(0), le(A_YEAR_OF_HOURS)])
    """How long after the last backup the host makes the next; 0: it makes none."""
    keep: int = field(default=7, validator=[ge(1), le(MOST_TIMES)])
    """How many are kept in the home; the oldest go."""


def _is_place(_: object, attribute: Attribute[str], value: str) -> None:
    if value and isinstance(found := read_endpoint(value), BadEndpoint):
        raise ValueError(f"{attribute.name}: {found.why}")


@frozen(kw_only=True)
class EgressSettings:
    """`[egress]`"""

    most_connections: int = field(default=32, validator=[ge(1), le(MOST_TIMES)])
    """How many connections one sandbox may have at a time to what it was allowed; further ones wait."""
    most_requests_a_minute: int = field(default=600, validator=[ge(1), le(1_000_000)])
    """How many requests of one sandbox are looked at within a minute."""
    most_megabytes: int = field(default=4096, validator=[ge(1), le(1 << 30)])
    """How much one sandbox may move in its life, in both directions together."""

    @property
    def limits(self) -> EgressLimits:
        """The same, as the gateway counts."""
        return EgressLimits(
            connections=self.most_connections,
            requests=self.most_requests_a_minute,
            total_bytes=self.most_megabytes * MIB,
        )


def _are_prices(_: object, attribute: Attribute[str], value: str) -> None:
    if value and isinstance(found := read_prices(value), BadPrices):
        raise ValueError(f"{attribute.name}: {found.why}")


@frozen(kw_only=True)
class BudgetSettings:
    """`[budgets]`"""

    prices: str = field(default="", validator=_are_prices)
    """What models cost whose names begin so, before the list that nanoclaw has: `NAME READ WRITTEN, …`."""


def _is_word(_: object, attribute: Attribute[str], value: str) -> None:
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError(f"{attribute.name}: not one word of plain characters")


@frozen(kw_only=True)
class OneCliSettings:
    """`[onecli]`"""

    url: str = field(default="", validator=_is_place)
    """Where a OneCLI server answers, which gives agents the use of credentials; empty: there is none."""
    gateway_url: str = field(default="", validator=_is_place)
    """Where its gateway answers; empty: where the server says."""
    project: str = field(default="", validator=_is_word)
    """The project that a key of a whole organisation is used for; empty: the key's own."""
