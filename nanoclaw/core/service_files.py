"""How a machine is told to keep a host running: the texts of a systemd unit and of a launchd property list. Pure."""

from __future__ import annotations

import plistlib
from collections.abc import Sequence

from attrs import frozen

UNIT = "nanoclaw.service"
LABEL = "org.nanoclaw.host"
STOP_SECONDS = 60
"""What a host may take to drain before it is killed."""
HOME_IN_USE = 75
"""The exit code after which starting again does not help: another host holds the home."""


@frozen(kw_only=True)
class Service:
    """A host that is to be kept running."""

    command: Sequence[str]
    """The program and its arguments, the program by its whole path."""
    home: str
    path: str
    """The variable PATH, for engines and tools."""


def systemd_unit(service: Service) -> str:
    """The unit for systemd's user manager; `systemd.service(5)` and `systemd.exec(5)` say what each line means."""
    lines = [
        "# Written by nanoclaw service install; nanoclaw service uninstall removes it.",
        "[Unit]",
        "Description=nanoclaw: chats on one side, sandboxed agents on the other",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=exec",
        "ExecStart=" + " ".join(_argument(word) for word in service.command),
        f"Environment={_quoted('NANOCLAW_HOME=' + service.home)}",
        f"Environment={_quoted('PATH=' + service.path)}",
        "Restart=on-failure",
        "RestartSec=5",
        f"RestartPreventExitStatus={HOME_IN_USE}",
        "# The host drains by itself, and ends its sandboxes.",
        "KillMode=mixed",
        f"TimeoutStopSec={STOP_SECONDS}",
        "UMask=0077",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    ]
    return "\n".join(lines)


def launchd_list(service: Service, log: str) -> bytes:
    """The property list for launchd, as `launchd.plist(5)` has it; *log* takes what the host prints."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(service.command),
            "EnvironmentVariables": {"NANOCLAW_HOME": service.home, "PATH": service.path},
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 5,
            "ExitTimeOut": STOP_SECONDS,
            "Umask": 0o077,
            "StandardOutPath": log,
            "StandardErrorPath": log,
        }
    )


def _argument(word: str) -> str:
    # A dollar sign would name a variable, which only the words of a command do.
    return _quoted(word).replace("$", "$$")


def _quoted(text: str) -> str:
    """A word of a unit: in quotes, with C's escapes, and no specifier."""
    if not text.isprintable():
        raise ValueError(f"it cannot stand in a unit: {text!r}")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
