"""The way out of an evil sandbox: to its model, as the host wants it, and to nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoclaw.core.model_requests import Key
from nanoclaw.gateway.secrets_file import SecretsFile
from nanoclaw.kit.clock import SystemClock
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.support.engines import need
from tests.support.model_api import model_in_thread
from tests.support.sampling import by_turns

KEY = Key("kumquat-of-the-model")


@pytest.mark.parametrize("engine", by_turns(["docker", "bubblewrap"]))
def test_nothing_but_its_model_is_behind_the_socket_of_a_sandbox(build_town: BuildTown, engine: str) -> None:
    """AT-25, as far as there is a gateway: one endpoint. Its key is the host's, and no answer brings it in."""
    need(engine)
    with model_in_thread() as model:

        def prepare(around: Path) -> None:
            SecretsFile(around / "home").set(model.url, KEY, now=SystemClock().now())

        evil = Evil(name="evil", attack="at_25_gateway", base_url=model.url)
        with build_town(evil, prepare=prepare, engine=engine) as there:
            there.wake_all()
            found = there.await_report("evil")
            there.await_answer("evil")
        statuses = {name: answer.split(" ")[1] for name, answer in found["answers"].items()}
        assert statuses == {
            # The model of the test knows no models; it says so itself.
            **dict.fromkeys(("honest", "smuggled"), "404"),
            **dict.fromkeys(("tunnel", "elsewhere", "root", "up", "hidden up", "no host", "removal"), "404"),
            **dict.fromkeys(("two hosts", "folded", "no version"), "400"),
            "too much": "413",
            "long": "431",
        }
        assert model.other == ["GET /v1/models", "POST /v1/files"]
        assert "kumquat" not in str(found)
        assert "done" not in found["tries"].values(), found["tries"]
