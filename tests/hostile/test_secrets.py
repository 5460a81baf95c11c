"""Twenty-two secrets around a sandbox, none of which is to be found inside, or in what is kept of it.

What else the walls keep out is looked at from inside in tests/sandboxes/test_docker_walls.py.
"""

from __future__ import annotations

import json
from contextlib import closing, suppress
from pathlib import Path

import docker
import pytest
import trio

from nanoclaw.gateway.other_secrets import OtherSecrets
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.bindings import Asks, Binding
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import bindings
from nanoclaw.store.db import open_database
from tests.conftest import Figures
from tests.hostile.conftest import BuildTown
from tests.hostile.image import EVIL_IMAGE
from tests.hostile.residents import Evil
from tests.support.central import NOW
from tests.support.engines import need
from tests.support.sampling import by_turns

SECRETS = 22


def bind_one(home: Path, value: str) -> None:
    """A secret that goes with what the evil agent asks of one host, at which nobody listens."""
    OtherSecrets(home).set("API_TOKEN", value, now=SystemClock().now())
    binding = Binding(
        agent_group_id=AgentGroupId("agt-evil"),
        name="api",
        secret="API_TOKEN",  # noqa: S106 - its name
        place="127.0.0.1:9",
        header="Authorization",
        template="Bearer {}",
        asks=Asks.NEVER,
        near=True,
        added_at=NOW,
    )

    async def bind() -> None:
        async with open_database(home / "nanoclaw.db") as store:
            await store.transact(bindings.bind, binding)

    trio.run(bind)


@pytest.mark.parametrize("engine", by_turns(["docker", "bubblewrap"]))
def test_no_secret_of_the_host_is_anywhere_in_a_sandbox_or_in_what_is_kept_of_it(
    build_town: BuildTown, figures: Figures, engine: str
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
        bind_one(home, secret[21])

    need(engine)
    evil = Evil(name="evil", attack="at_26_secrets")
    with build_town(evil, environment=environment, prepare=hide, engine=engine) as there:
        there.wake_all()
        found = there.await_report("evil")
        assert found["hits"] == {"/workspace/agent/mine": ["medlar of mine"]}
        assert list(found["statuses"].values()) == ["502", "502", "200", "403"], found["statuses"]
        assert set(found["environment"]) <= {"PATH", "LANG", "HOME", "HOSTNAME", "PWD", "EPOCH"}, found["environment"]
        there.await_answer("evil")
        described = [json.dumps(container.attrs) for container in there.containers()]
        with closing(docker.from_env()) as client:
            described.append(json.dumps(client.images.get(EVIL_IMAGE).history() if engine == "docker" else []))
        assert len(described) == (3 if engine == "docker" else 1)
        assert not [text for text in described if "kumquat" in text]
        for path in there.home.glob("sessions/**/*"):
            with suppress(FileNotFoundError):  # a journal that was there a moment ago
                assert not path.is_file() or b"kumquat" not in path.read_bytes()
        figures(files_read_inside=found["files"])
