"""pip, npm and git get in a sandbox what presets allow, from the public places' own names, and say whom to ask before.

The names lead into an internet of the test's own: no place outside is asked, and the presets alone have to do.
"""

from __future__ import annotations

import ensurepip
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from schema.files import SANDBOX_AGENT
from tests.e2e.test_egress import SANDBOXES, run_inside
from tests.support.engines import MUST_HAVE, walls
from tests.support.host import NO_PAGE, until
from tests.support.internet.network import TRUSTED, HouseProcess, internet, why_no_internet
from tests.support.internet.things import NAME, REPOSITORY, SAID, put_things
from tests.support.sampling import by_turns

PIP = f"python3 pip.whl/pip install --no-cache-dir --retries 1 --target py {NAME}"
GIT = f"git clone --quiet {REPOSITORY} cloned"
NPM = f"npm install --prefix js {NAME}"
CURL = "curl -sI https://github.com/"
WHY = "curl -s http://gw/"
USES = {
    PIP: f"PYTHONPATH=py python3 -c 'import {NAME}; print({NAME}.SAID)'",
    GIT: "cat cloned/SAID",
    NPM: f"cd js && node -p 'require(\"{NAME}\").said'",
}
ASK = "ask the operator to allow it: nanoclaw egress allow main"
WITHOUT = {
    PIP: f"{ASK} pypi.org",
    GIT: f"remote: nanoclaw: github.com:443 is not allowed; {ASK} github.com",
    NPM: f"{ASK} registry.npmjs.org",
    CURL: f"{ASK} github.com",
}
INSTALLS = f"""cd {SANDBOX_AGENT} && python3 -c '
import json, subprocess
def run(command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    return [done.returncode, done.stdout + done.stderr]
found = [run(command) for command in json.load(open("commands.json"))]
json.dump(found, open("came.json", "w"))
print(json.dumps({{"wakeAgent": True, "data": [code for code, _ in found]}}))
'"""


def need_internet(engine: str) -> None:
    """Go on only where a network can be made: skips the test, and fails it where CI says that the engine is there."""
    if why := why_no_internet():
        pytest.fail(why) if os.environ.get(MUST_HAVE[engine]) else pytest.skip(why)
    if engine == "docker" and os.geteuid() != 0:
        pytest.skip(
            "in a network made without root's rights a host takes itself for root, and docker's folders for its own"
        )


def install(host: HouseProcess, name: str, commands: Sequence[str], ends: int) -> list[tuple[int, str]]:
    """What came of each command in the sandbox, and what it said; the chat is told the first."""
    (session,) = json.loads(host.cli("sessions", "list", "--json").stdout)
    (folder,) = (host.home / "groups").iterdir()
    (folder / "commands.json").write_text(json.dumps(commands))
    run_inside(host, session["id"], name, INSTALLS, ends)
    came = [(code, said) for code, said in json.loads((folder / "came.json").read_text())]
    heard = host.cli("chat", "and now?")
    assert f"Its script says {json.dumps([code for code, _ in came])}" in heard.stdout + heard.stderr, heard
    return came


def put_pip(folder: Path, ca: str, *, for_git: bool) -> str:
    """Put into the agent's *folder* what the image lacks; the words before a command that trusts *ca*."""
    (wheel,) = Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")
    shutil.copy(wheel, folder / "pip.whl")
    (folder / "ca.pem").write_text(ca)
    names = ("PIP_CERT", "npm_config_cafile", *(("GIT_SSL_CAINFO",) if for_git else ()))
    return f"export PIP_DISABLE_PIP_VERSION_CHECK=1 {' '.join(f'{name}={SANDBOX_AGENT}/ca.pem' for name in names)}; "


@pytest.mark.parametrize("engine", by_turns(SANDBOXES), indirect=True)
def test_pip_npm_and_git_install_what_presets_allow_and_say_whom_to_ask_without(
    home: Path, engine: str, tmp_path: Path
) -> None:
    need_internet(engine)
    put_things(tmp_path)
    # With the machine's own programs, and with whom the machine trusts. npm is not in the image.
    outer = engine == "bubblewrap"
    tools = [PIP, GIT, *([NPM] if outer and shutil.which("npm", path="/usr/local/bin:/usr/bin:/bin") else [])]
    with internet(tmp_path) as outside:
        home.mkdir()
        (home / "nanoclaw.toml").write_text(f"[sandbox]\n{walls(engine)}{NO_PAGE}")
        host = HouseProcess(home, inside=outside.inside)
        host.start()
        try:
            assert host.cli("chat", "hello").returncode == 0
            (folder,) = (home / "groups").iterdir()
            trusting = put_pip(folder, outside.ca, for_git=not (outer and Path(TRUSTED).is_file()))
            *closed, (_, why) = install(host, "closed", [trusting + tool for tool in (*tools, CURL, WHY)], 1)
            for preset in ("packages", "github"):
                assert host.cli("egress", "allow", "main", preset).returncode == 0
            opened = install(host, "open", [f"{trusting}{tool} && {USES[tool]}" for tool in tools], 2)
            until(lambda: '"why": "github"' in host.cli("egress", "log", "--json").stdout)
            log = json.loads(host.cli("egress", "log", "--json").stdout)
            (told,) = (home / "composed").glob("*/CLAUDE.md")
            assert WHY in told.read_text()
            host.stop()
        finally:
            host.end()
    for tool, (code, said) in zip((*tools, CURL), closed, strict=True):
        assert code != 0, said
        assert WITHOUT[tool] in said, said
    assert {f"{ASK} pypi.org", f"{ASK} github.com"} <= {line[line.find(ASK) :] for line in why.splitlines()}
    for code, said in opened:
        assert (code, said.splitlines()[-1]) == (0, SAID), said
    assert {row["why"] for row in log if row["outcome"] == "allowed" and row["place"] != "gw"} == {"packages", "github"}
    assert {f"github.com:443 is not allowed; {ASK} github.com"} == {
        row["why"] for row in log if row["place"] == "github.com:443" and row["outcome"] == "refused"
    }
    assert HouseProcess(home).cli("verify").returncode == 0
