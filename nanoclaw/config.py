"""The settings: one frozen value, read once from nanoclaw.toml in the home; every default with its unit."""

from __future__ import annotations

import os
import tomllib
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path

from attrs import field, fields, frozen
from cattrs import BaseValidationError, Converter, ForbiddenExtraKeysError, transform_error
from cattrs.v import format_exception

from nanoclaw.core.agent_mail import MailPolicy
from nanoclaw.core.prices import Prices, read_prices
from nanoclaw.core.retention import RetentionPolicy
from nanoclaw.core.session import Patience
from nanoclaw.core.stuck import StuckPolicy
from nanoclaw.errors import UsageError
from nanoclaw.settings import (
    AgentSettings,
    BackupSettings,
    BudgetSettings,
    EgressSettings,
    MailSettings,
    MetricsSettings,
    MountsSettings,
    OneCliSettings,
    RetentionSettings,
    RetrySettings,
    SandboxSettings,
    SupervisionSettings,
    WebSettings,
)

HOME_VARIABLE = "NANOCLAW_HOME"
FILE = "nanoclaw.toml"


@frozen(kw_only=True)
class Config:
    """Everything that can be set, and the home it was read from."""

    home: Path
    sandbox: SandboxSettings = field(factory=SandboxSettings)
    mounts: MountsSettings = field(factory=MountsSettings)
    agent: AgentSettings = field(factory=AgentSettings)
    web: WebSettings = field(factory=WebSettings)
    metrics: MetricsSettings = field(factory=MetricsSettings)
    retry: RetrySettings = field(factory=RetrySettings)
    supervision: SupervisionSettings = field(factory=SupervisionSettings)
    mail: MailSettings = field(factory=MailSettings)
    retention: RetentionSettings = field(factory=RetentionSettings)
    backup: BackupSettings = field(factory=BackupSettings)
    egress: EgressSettings = field(factory=EgressSettings)
    budgets: BudgetSettings = field(factory=BudgetSettings)
    onecli: OneCliSettings = field(factory=OneCliSettings)

    @property
    def database(self) -> Path:
        """The one truth."""
        return self.home / "nanoclaw.db"

    @property
    def backups_folder(self) -> Path:
        """Where backups lie, if nobody says otherwise."""
        return self.home / "backups"

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
    def console_socket(self) -> Path:
        """Where the debug console looks at the running host."""
        return self.run_folder / "console.sock"

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
            messages=timedelta(days=self.retention.messages_days),
            logs=timedelta(days=self.retention.logs_days),
            audit=timedelta(days=self.retention.audit_days),
        )

    @property
    def prices(self) -> Prices:
        """What models cost."""
        found = read_prices(self.budgets.prices)
        assert isinstance(found, Prices)  # it was validated
        return found

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
    if isinstance(exc, ForbiddenExtraKeysError):
        there = [one.name for one in fields(exc.cl) if one.name != "home"]
        return "; ".join(f"{name!r} is no setting: {_meant(name, there)}" for name in sorted(exc.extra_fields))
    return str(exc) if cls is None and isinstance(exc, ValueError) else format_exception(exc, cls)


def _meant(name: str, there: list[str]) -> str:
    close = get_close_matches(name, there, n=1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(there)}"


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
