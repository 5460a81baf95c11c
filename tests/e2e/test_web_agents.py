"""Several agents on the web page: a new one for a new chat, and three that write to each other in a ring."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from nanoclaw.cli.client import ask
from tests.e2e.test_agent_mail import at_rest, mail
from tests.e2e.test_approvals import assert_sound
from tests.e2e.web_host import Host, host, link_for, somebody
from tests.support.truth import rows

PATIENCE = 120.0


@pytest.fixture
def home(home: Path) -> Path:
    home.mkdir()
    return home


async def test_a_new_chat_gets_a_new_agent_whose_name_is_asked_where_the_card_is(home: Path) -> None:
    async with (
        host(home) as there,
        somebody(there, there.link) as mine,
        mine.page() as page,
        somebody(there, await link_for(there, "eve")) as hers,
        hers.page("eve/main") as theirs,
    ):
        assert (await theirs.write("anybody here?"))["type"] == "declined"
        (card,) = await page.shown()
        new = next(option for option in card["options"] if option["label"] == "New agent")
        assert (await page.write("New agent", 2, question=card["question"], choice=new["value"]))["type"] == "kept"
        assert "What shall the new agent be called?" in (await page.shown(2))[1]["html"]
        assert (await page.write("Night Watch", 3))["type"] == "kept"
        (answer,) = [item for item in await theirs.shown() if item["speaker"]]
        *_, done = await page.shown(3)
        assert done["edits"] == card["key"]
        assert "Night Watch hears Eve on the web page" in done["html"]
        assert answer["speaker"] == "Night Watch"
        assert "You said “anybody here?”." in answer["html"]
    assert_sound(home)


async def test_three_in_a_ring_stop_at_their_budget_and_whoever_began_it_hears_so_on_the_page(home: Path) -> None:
    async with host(home) as there, somebody(there, there.link) as mine, mine.page() as page:
        for name in ("Bob", "Cy"):
            await run(there, "groups create", name=name)
        for source, target in (("nano", "bob"), ("bob", "cy"), ("cy", "nano")):
            await run(there, "destinations add", group=source, agent=target)
        assert (await page.write("pass bob cy nano: round we go", 1))["type"] == "kept"
        with trio.fail_after(PATIENCE):
            while not (at_rest(home, 8) and rows(home, "SELECT 1 FROM drops")):  # noqa: ASYNC110 - other processes
                await trio.sleep(0.05)
        assert [row["hops"] for row in mail(home)] == list(range(1, 9))
        assert [item for item in page.items if item["type"] == "shown"] == [], "what agents write is between them"
        await page.write("hello", 2)
        said = " ".join([item["html"] for item in await page.shown(2)])
        assert "what agents wrote because of a message here has ended between Cy and Nano" in said
        assert "and 8 are the most" in said
    assert_sound(home)


async def run(host: Host, command: str, **options: str) -> object:
    """Give an admin command, as the command line does."""
    path = host.home / "run" / "admin.sock"
    return await trio.to_thread.run_sync(ask, path, command, options)
