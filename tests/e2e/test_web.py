"""The web page with real agents: replies, drafts, questions, approvals, files, and a host that dies in between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.test_approvals import assert_sound
from tests.e2e.web_host import host, link_for, somebody
from tests.support.browser import browser
from tests.support.host import HostProcess, running_host


@pytest.fixture
def home(home: Path) -> Path:
    home.mkdir()
    return home


async def test_an_agent_answers_asks_sends_files_and_shows_what_it_does(home: Path) -> None:
    data = os.urandom(100_000)
    async with host(home) as there, somebody(there, there.link) as mine, mine.page() as page, mine.page() as tab:
        await page.write("hello", 1)
        (reply,) = await page.shown()
        assert reply["speaker"] == "Nano"
        assert (await tab.shown())[0]["html"] == reply["html"]

        await page.write("work 2", 2)
        await page.shown(2)
        assert any(draft["tool"] for draft in page.drafts)

        key = await mine.send_file("random.bin", data)
        await page.write("send it back", 3, files=[key])
        back = (await page.shown(3))[2]
        assert back["files"] == [{"name": "random.bin", "size": len(data)}]
        assert (await mine.http.get(f"/files/{back['position']}/0")).content == data

        await page.write("ask me a question", 4)
        asked = (await page.shown(4))[3]
        choice = next(option for option in asked["options"] if option["label"] == "Coffee")
        pressed = await page.write("Coffee", 5, question=asked["question"], choice=choice["value"])
        assert pressed["type"] == "kept"
        assert "chose “Coffee”" in (await tab.shown(5))[4]["html"]
    assert_sound(home)


async def test_a_stranger_is_approved_by_a_button_and_answered_what_they_had_said(home: Path) -> None:
    async with (
        host(home) as there,
        somebody(there, there.link) as mine,
        mine.page() as page,
        somebody(there, await link_for(there, "eve")) as hers,
        hers.page("eve/main") as theirs,
    ):
        assert (await theirs.write("may I come in?"))["type"] == "declined"
        (card,) = await page.shown()
        assert card["speaker"] is None
        assert "Eve" in card["html"]
        assert "may I come in" not in card["html"]
        connect = next(option for option in card["options"] if option["label"].startswith("Connect"))
        # Somebody else's button, and a made-up one, decide nothing.
        await theirs.write("Connect", 2, question=card["question"], choice=connect["value"])
        await page.write("Connect", 3, question=card["question"], choice="guess" + connect["value"])
        await page.write(connect["label"], 4, question=card["question"], choice=connect["value"])
        while not (edits := [item for item in page.items if item.get("edits") == card["key"]]):
            await page.hear("items")
        assert "approved by" in edits[-1]["html"].casefold()
        (answer,) = [item for item in await theirs.shown() if item["speaker"]]
        assert "You said “may I come in?”." in answer["html"]
        assert (await theirs.write("thank you", 5))["type"] == "kept"
    assert_sound(home)


async def test_a_host_that_stops_in_mid_turn_goes_on_and_pages_come_back_without_loss(home: Path) -> None:
    async with host(home) as first, somebody(first, first.link) as mine:
        cookies = dict(mine.http.cookies)
        async with mine.page() as page:
            await page.write("hello", 1)
            await page.shown()
            await page.write("wait 1", 2)
            seen, port = page.seen, first.port
    async with host(home, port) as second, browser(second.port) as again:
        again.http.cookies.update(cookies)
        async with again.page(after=seen) as page:
            assert (await page.write("wait 1", 2))["type"] == "kept"  # it had not heard that it was
            replies = await page.shown()
            assert (await page.write("hello again", 3))["type"] == "kept"
            replies = await page.shown(2)
        async with again.page() as fresh:
            everything = await fresh.shown(3)
            assert [item["position"] for item in everything[1:]] == [item["position"] for item in replies]
            assert [item["text"] for item in fresh.items if item["type"] == "said"] == [
                "hello",
                "wait 1",
                "hello again",
            ]
    assert_sound(home)


def test_what_is_printed_at_the_start_lets_in_and_the_command_line_makes_more(home: Path) -> None:
    with running_host(home, '[sandbox]\nengine = "process"\n[web]\nport = 0\n') as there:
        link = there.cli("web", "link")
        assert link.returncode == 0, link
        assert link.stdout.startswith("http://127.0.0.1:")
        assert "1 links and logins" in there.cli("web", "logout").stdout
        assert "no user of the page" in there.cli("web", "link", "--user", "../x").stderr
        code, said = there.stop()
        assert code == 0
        assert "web page: http://127.0.0.1:" in said
    assert HostProcess(home).cli("web", "link").returncode == 2
