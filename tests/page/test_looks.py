"""Everybody can use the page: axe-core finds nothing to say of it, and all of it can be reached by the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.page.chromium import Visitor, link_to, visitor
from tests.page.looks import LOOKS, look_of, talk
from tests.support.host import HostProcess


@pytest.fixture(scope="module")
def ada(browser: Browser, host: HostProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """The operator, with a conversation that has something of every kind."""
    with talk(browser, host, tmp_path_factory.mktemp("files")) as there:
        yield there


def found_by_axe(page: Page) -> str:
    """What axe-core finds wrong, and where: a line each."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return "\n".join(f"{one['impact']}: {one['help']}: {[node['html'] for node in one['nodes']]}" for one in found)


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_a_conversation(look: str, browser: Browser, ada: Visitor) -> None:
    with look_of(look, browser, ada) as there:
        assert found_by_axe(there.page) == ""
        if look == "phone":
            there.page.get_by_role("button", name="Chats").click()
            expect(there.page.locator("#begin")).to_be_visible()
            assert found_by_axe(there.page) == ""


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_is_wider_than_the_window(look: str, browser: Browser, ada: Visitor) -> None:
    with look_of(look, browser, ada) as there:
        assert there.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert there.page.evaluate("document.getElementById('scroll').scrollWidth <= innerWidth")


def test_a_text_that_is_wider_than_the_page_is_scrolled_by_keys(browser: Browser, ada: Visitor) -> None:
    with look_of("light", browser, ada) as there:
        there.says("It gives this back, as code:\n```\n" + "wide" * 50)
        expect(there.page.locator("#log pre[tabindex='0']")).to_have_count(1)
        assert found_by_axe(there.page) == ""


def test_axe_finds_nothing_at_the_door(browser: Browser, host: HostProcess) -> None:
    with visitor(browser) as stranger:
        stranger.page.goto(link_to(host).partition("#")[0])
        expect(stranger.page.locator("#door")).to_be_visible()
        assert found_by_axe(stranger.page) == ""


def test_axe_does_find_what_is_wrong(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<title>x</title><button></button>")
    assert "critical: Buttons must have discernible text" in found_by_axe(page)
    page.close()


def test_a_question_is_answered_and_a_message_sent_by_keys_alone(browser: Browser, ada: Visitor) -> None:
    with look_of("light", browser, ada) as there:
        there.page.get_by_label("Message", exact=True).focus()
        there.page.keyboard.type("ask me a question")
        there.page.keyboard.press("Enter")
        tea = there.page.get_by_role("button", name="Tea").last
        expect(tea).to_be_enabled()
        there.page.get_by_label("Message", exact=True).focus()
        for _ in range(20):
            there.page.keyboard.press("Shift+Tab")
            if tea.evaluate("it => it === document.activeElement"):
                break
        there.page.keyboard.press("Enter")
        there.sees("chose “Tea”")
