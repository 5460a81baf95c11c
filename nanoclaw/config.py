"""The settings: one frozen value, read once from nanoclaw.toml in the home; every default with its unit."""

from __future__ import annotations

import os
import tomllib
from datetime import timedelta
from pathlib import Path

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt, le
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.v import format_exception

from nanoclaw.core.agent_mail import MailPolicy
from nanoclaw.core.endpoints import BadEndpoint, is_address, is_host, read_endpoint
from nanoclaw.core.images import AGENT_IMAGE
from nanoclaw.core.retention import RetentionPolicy
from nanoclaw.core.session import Patience
from nanoclaw.core.stuck import StuckPolicy
from nanoclaw.errors import UsageError

HOME_VARIABLE = "NANOCLAW_HOME"
FILE = "nanoclaw.toml"

MOST_TIMES = 1_000
AN_HOUR_OF_SECONDS = 3_600.0
A_DAY_OF_SECONDS = 86_400.0
A_DAY_OF_MINUTES = 1_440.0
A_WEEK_OF_HOURS = 168.0
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


def _is_place(_: object, attribute: Attribute[str], value: str) -> None:
    if value and isinstance(found := read_endpoint(value), BadEndpoint):
        raise ValueError(f"{attribute.name}: {found.why}")


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


@frozen(kw_only=True)
class Config:
    """Everything that can be set, and the home it was read from."""

    home: Path
    sandbox: SandboxSettings = field(factory=SandboxSettings)
    mounts: MountsSettings = field(factory=MountsSettings)
    agent: AgentSettings = field(factory=AgentSettings)
    web: WebSettings = field(factory=WebSettings)
    retry: RetrySettings = field(factory=RetrySettings)
    supervision: SupervisionSettings = field(factory=SupervisionSettings)
    mail: MailSettings = field(factory=MailSettings)
    retention: RetentionSettings = field(factory=RetentionSettings)
    onecli: OneCliSettings = field(factory=OneCliSettings)

    @property
    def database(self) -> Path:
        """The one truth."""
        return self.home / "nanoclaw.db"

    @property
    def run_folder(self) -> Path:
        """Sockets."""
        return self.home / "run"

    @property
    def chat_socket(self) -> Path:
        """Where terminal chats connect."""
        return self.run_folder / "cli.sock"

    @property
    def admin_socket(self) -> Path:
        """Where the command line asks."""
        return self.run_folder / "admin.sock"

    @property
    def log_file(self) -> Path:
        """The host's log: one JSON object a line."""
        return self.home / "logs" / "nanoclaw.log"

    @property
    def stuck(self) -> StuckPolicy:
        """When a sandbox is thought to be stuck."""
        found = self.supervision
        return StuckPolicy(
            claim=timedelta(seconds=found.claim_seconds),
            silence=timedelta(minutes=found.silence_minutes),
            most_declared=timedelta(minutes=found.most_declared_minutes),
            turn=timedelta(hours=found.turn_hours),
        )

    @property
    def mail_policy(self) -> MailPolicy:
        """How far agents may go among themselves."""
        return MailPolicy(most_hops=self.mail.most_hops, most_an_hour=self.mail.most_an_hour)

    @property
    def kept(self) -> RetentionPolicy:
        """How long what is kept."""
        return RetentionPolicy(
            messages=timedelta(days=self.retention.messages_days), logs=timedelta(days=self.retention.logs_days)
        )

    @property
    def patience(self) -> Patience:
        """How long an idle sandbox is kept, and how."""
        return Patience(
            pause_after=timedelta(minutes=self.sandbox.pause_after_minutes),
            keep_warm=timedelta(minutes=self.sandbox.keep_warm_minutes),
        )


def home_folder() -> Path:
    """The home: `$NANOCLAW_HOME`, or `~/.nanoclaw`."""
    return Path(os.environ.get(HOME_VARIABLE) or "~/.nanoclaw").expanduser().resolve()


def load(home: Path) -> Config:
    """The settings of *home*; a missing file means every default.

    Raises:
      UsageError: the file is not TOML, or says something that makes no sense; it says where.
    """
    path = home / FILE
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        if "home" in found:
            raise UsageError(f"{path}: home cannot be set in a file that lies in it")
        return _converter.structure({**found, "home": str(home)}, Config)
    except FileNotFoundError:
        return Config(home=home)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path} is not TOML: {exc}") from None
    except BaseValidationError as exc:
        raise UsageError(f"{path}: {'; '.join(transform_error(exc, '', _describe))}") from None


def _describe(exc: BaseException, cls: type | None) -> str:
    """What is wrong with one setting. A validator's own words name the setting, which its place does not."""
    return str(exc) if cls is None and isinstance(exc, ValueError) else format_exception(exc, cls)


def _number(value: object, _: type) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"not a number: {value!r}")
    return float(value)


def _exactly(cls: type) -> None:
    def read(value: object, _: type) -> object:
        if type(value) is not cls:
            raise ValueError(f"not a {cls.__name__}: {value!r}")
        return value

    _converter.register_structure_hook(cls, read)


_converter = Converter(forbid_extra_keys=True)
_converter.register_structure_hook(Path, lambda value, _: Path(value))
_converter.register_structure_hook(float, _number)
_exactly(str)
_exactly(int)
_exactly(bool)
