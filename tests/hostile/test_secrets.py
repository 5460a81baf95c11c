"""Twenty-one secrets around a sandbox, none of which is to be found inside, or in what is kept of it.

What else the walls keep out is looked at from inside in tests/sandboxes/test_docker_walls.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import docker

from tests.conftest import Figures
from tests.hostile.conftest import BuildTown
from tests.hostile.image import EVIL_IMAGE
from tests.hostile.residents import Evil

SECRETS = 21


def test_no_secret_of_the_host_is_anywhere_in_a_sandbox_or_in_what_is_kept_of_it(
    build_town: BuildTown, figures: Figures
) -> None:
    """AT-26: in the environment, in docker's own settings, in files of the user, of the home and of another agent.

    The key of the model among them. A session has no token for the gateway: its socket is its identity.
    """
    secret = [f"kumquat-{number}" for number in range(SECRETS)]
    environment = {f"CANARY_{number}_TOKEN": secret[number] for number in range(6)}
    environment |= {"TELEGRAM_BOT_TOKEN": secret[6], "SSH_AUTH_SOCK": f"/{secret[7]}", "HTTPS_PROXY": secret[8]}

    def hide(around: Path) -> None:
        user, home = around / "user", around / "home"
        proxies = {"default": {"httpsProxy": f"http://{secret[9]}:1", "httpProxy": f"http://{secret[10]}:1"}}
        for path, text in {
            user / ".docker" / "config.json": json.dumps({"proxies": proxies, "HttpHeaders": {"X-Secret": secret[11]}}),
            user / ".ssh" / "id_ed25519": secret[12],
            user / ".aws" / "credentials": secret[13],
            user / ".netrc": secret[14],
            home / ".env": secret[15],
            home / "backups" / "old": secret[16],
            home / "groups" / "good-0" / "diary": secret[17],
            home / "state" / "agt-good-0" / "history": secret[18],
            home / "logs" / "old": secret[19],
            home / "secrets" / "anthropic.json": secret[20],
        }.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (home / "groups" / "evil" / "mine").write_text("medlar of mine")

    with build_town(Evil(name="evil", attack="at_26_secrets"), environment=environment, prepare=hide) as there:
        there.wake_all()
        found = there.await_report("evil")
        assert found["hits"] == {"/workspace/agent/mine": ["medlar of mine"]}
        assert set(found["environment"]) <= {"PATH", "LANG", "HOME", "HOSTNAME", "PWD", "EPOCH"}, found["environment"]
        there.await_answer("evil")
        described = [json.dumps(container.attrs) for container in there.containers()]
        client = docker.from_env()
        described.append(json.dumps(client.images.get(EVIL_IMAGE).history()))
        client.close()
        assert len(described) == 3
        assert not [text for text in described if "kumquat" in text]
        for path in there.home.glob("sessions/**/*"):
            assert not path.is_file() or b"kumquat" not in path.read_bytes()
        figures(files_read_inside=found["files"])
