"""A host is installed as a service: what systemd and launchd are told, and what people are told of it."""

from __future__ import annotations

import plistlib
import re
import stat
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.cli.main import cli
from nanoclaw.core.service_files import Service, launchd_list, systemd_unit

SYSTEMCTL = """#!/bin/sh
echo "$@" >> {log}
case "$*" in *status*) echo "active (running)";; *enable*) {enable};; esac
"""


def service(home: str = "/home/anna/.nanoclaw") -> Service:
    return Service(command=("/opt/py thon/bin/python", "-m", "nanoclaw", "up"), home=home, path="/usr/bin:/bin")


def test_the_unit_is_as_it_is_written_down() -> None:
    assert systemd_unit(service()) == (
        "# Written by nanoclaw service install; nanoclaw service uninstall removes it.\n"
        "[Unit]\n"
        "Description=nanoclaw: chats on one side, sandboxed agents on the other\n"
        "After=network-online.target\n"
        "\n"
        "[Service]\n"
        "Type=exec\n"
        'ExecStart="/opt/py thon/bin/python" "-m" "nanoclaw" "up"\n'
        'Environment="NANOCLAW_HOME=/home/anna/.nanoclaw"\n'
        'Environment="PATH=/usr/bin:/bin"\n'
        "Restart=on-failure\n"
        "RestartSec=5\n"
        "RestartPreventExitStatus=75\n"
        "# The host drains by itself, and ends its sandboxes.\n"
        "KillMode=mixed\n"
        "TimeoutStopSec=60\n"
        "UMask=0077\n"
        "\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_any_place_of_a_home_can_be_written_into_a_unit(home: str) -> None:
    (line,) = re.findall(r'^Environment="NANOCLAW_HOME=(.*)"$', systemd_unit(service(home)), re.MULTILINE)
    assert re.sub(r'\\(["\\])|%%', lambda found: found[1] or "%", line) == home


def test_a_place_that_would_be_a_line_of_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot stand in a unit"):
        systemd_unit(service("/home\nExecStart=/bin/evil"))


def test_launchd_is_told_the_same() -> None:
    found = plistlib.loads(launchd_list(service(), "/logs/service.log"))
    assert found["ProgramArguments"][-3:] == ["-m", "nanoclaw", "up"]
    assert found["EnvironmentVariables"]["NANOCLAW_HOME"] == "/home/anna/.nanoclaw"
    assert found["KeepAlive"] == {"SuccessfulExit": False}


class Machine:
    """A machine with a systemctl that writes down what it is asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, enable: str = "true") -> None:
        self.log = folder / "asked"
        self.unit = folder / "config" / "systemd" / "user" / "nanoclaw.service"
        tool = folder / "bin" / "systemctl"
        tool.parent.mkdir()
        tool.write_text(SYSTEMCTL.format(log=self.log, enable=enable))
        tool.chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        monkeypatch.setenv("NANOCLAW_HOME", str(folder / "home"))

    def type(self, *words: str) -> Result:
        return CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["service", *words])

    @property
    def asked(self) -> list[str]:
        return self.log.read_text().splitlines()


def test_a_service_is_installed_looked_at_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path, monkeypatch)
    assert "no service is installed" in machine.type("status").stdout
    installed = machine.type("install")
    assert installed.exit_code == 0, installed.output
    assert "loginctl enable-linger" in installed.stdout
    assert f'"{sys.executable}" "-m" "nanoclaw" "up"' in machine.unit.read_text()
    assert machine.asked == ["--user daemon-reload", "--user enable --now nanoclaw.service"]
    seen = machine.type("status")
    assert seen.exit_code == 1
    assert "active (running)" in seen.stdout
    assert "no host answers: nanoclaw doctor" in seen.stdout
    removed = machine.type("uninstall")
    assert removed.exit_code == 0
    assert not machine.unit.exists()
    assert machine.asked[-2:] == ["--user disable --now nanoclaw.service", "--user daemon-reload"]


def test_people_are_told_why_systemd_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path, monkeypatch, enable="echo 'Failed to connect to bus' >&2; exit 1")
    refused = machine.type("install")
    assert "systemd refused (systemctl --user enable --now nanoclaw.service): Failed to connect to bus" in str(
        refused.exception
    )


def test_without_systemd_and_launchd_people_are_told_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "run `nanoclaw up`" in str(machine.type("install").exception)
    assert "run `nanoclaw up`" in str(machine.type("uninstall").exception)
