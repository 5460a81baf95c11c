"""A person and the demo agent, on the page in a real browser: each says all once, whatever happens in between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.page.chromium import SETTINGS, Visitor, link_to, visitor
from tests.support.host import HostProcess, running_host
from tests.support.ports import free_port


def test_a_link_lets_in_once_and_leaves_no_trace_in_the_address(browser: Browser, host: HostProcess) -> None:
    link = link_to(host)
    with visitor(browser) as first, visitor(browser) as second:
        first.open(link)
        assert "login" not in first.page.url
        second.page.goto(link)
        expect(second.page.locator("#door")).to_contain_text("this link has been used")
        first.page.reload()
        expect(first.page.locator("#house")).to_be_visible()
        first.page.get_by_role("button", name="Log out").click()
        expect(first.page.locator("#door")).to_be_visible()


def test_a_reply_grows_while_it_is_written_and_both_tabs_show_it_once(ada: Visitor) -> None:
    tab = ada.tab()
    tab.open(ada.page.url)
    ada.says("work 4")
    expect(ada.page.locator("#drafts")).to_contain_text("using")
    expect(tab.page.locator("#drafts li")).to_have_count(1)
    for there in (ada, tab):
        there.sees("work 4", "I worked for 4")
        expect(there.page.locator("#drafts li")).to_have_count(0)


def test_a_page_that_is_loaded_again_in_mid_turn_shows_everything_once(ada: Visitor) -> None:
    ada.says("work 1")
    expect(ada.messages.nth(-1)).to_contain_text("work 1")
    ada.page.reload()
    ada.sees("work 1", "I worked for 1")
    ada.says("hello")
    ada.sees("work 1", "I worked for 1", "hello", "to you too")


def test_each_conversation_has_its_own_history_also_in_a_browser_that_was_never_there(
    browser: Browser, host: HostProcess, ada: Visitor
) -> None:
    ada.says("of the first")
    ada.sees("of the first", "You said “of the first”.")
    ada.page.get_by_label("Name", exact=True).fill("Second one")
    ada.page.get_by_role("button", name="Begin").click()
    expect(ada.page.locator("#title")).to_have_text("Second one")
    expect(ada.messages).to_have_count(0)
    ada.says("of the second")
    ada.sees("of the second", "You said “of the second”.")
    with visitor(browser) as elsewhere:
        elsewhere.open(link_to(host))
        for name, word in (("Second one", "second"), ("Chat", "first"), ("Second one", "second")):
            elsewhere.page.locator("#list").get_by_role("button", name=name).click()
            expect(elsewhere.page.locator("#title")).to_have_text(name)
            elsewhere.sees(f"of the {word}", f"You said “of the {word}”.")
            other = {"first": "second", "second": "first"}[word]
            expect(elsewhere.page.locator("#log")).not_to_contain_text(f"of the {other}")


def test_a_question_is_answered_by_a_button(ada: Visitor) -> None:
    ada.says("ask me a question")
    ada.page.get_by_role("button", name="Coffee").last.click()
    ada.sees("ask me a question", "", "chose “Coffee”")
    expect(ada.page.get_by_role("button", name="Coffee").last).to_be_disabled()
    ada.page.reload()
    expect(ada.page.locator("button.chosen").last).to_have_text("Coffee")


def test_a_file_goes_to_the_agent_and_comes_back_the_same(ada: Visitor, tmp_path: Path) -> None:
    sent = tmp_path / "random bytes.bin"
    sent.write_bytes(os.urandom(300_000))
    ada.says("send it back", sent)
    with ada.page.expect_download() as saved:
        ada.page.locator("#log > .agent").last.get_by_role("link", name="random bytes.bin").click()
    assert saved.value.suggested_filename == "random bytes.bin"
    assert Path(saved.value.path()).read_bytes() == sent.read_bytes()


def test_a_stranger_waits_for_the_operators_yes_and_is_answered(
    browser: Browser, host: HostProcess, ada: Visitor
) -> None:
    with visitor(browser) as eve:
        eve.open(link_to(host, "eve"))
        eve.says("may I come in?")
        expect(eve.page.locator("#log > .failed")).to_contain_text("Not heard")
        card = ada.page.locator("#log > .host").last
        expect(card).to_contain_text("Eve")
        card.get_by_role("button", name="Connect").click()
        expect(card).to_contain_text("Approved by")
        expect(eve.page.locator("#log > .agent")).to_contain_text("You said “may I come in?”.")


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_host_that_ends_in_mid_turn_and_comes_back_loses_nothing_and_says_nothing_twice(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, how: str
) -> None:
    home = tmp_path_factory.mktemp("h") / "home"
    settings = SETTINGS.format(port=free_port())
    with visitor(browser) as ada:
        with running_host(home, settings) as host:
            ada.open(link_to(host))
            # The draft is there for as long as that, and a busy browser has to see it.
            ada.says("work 4")
            expect(ada.page.locator("#drafts li")).to_have_count(1)
            host.kill() if how == "killed" else host.stop()
            expect(ada.page.get_by_role("status")).to_have_text("connecting …")
            ada.says("are you there?")
            expect(ada.page.locator("#log > .waiting")).to_contain_text("are you there?")
        with running_host(home) as host:
            expect(ada.page.get_by_role("status")).to_have_text("")
            ada.sees("You said “are you there?”.")
            expect(ada.page.locator("#log > .mine")).to_have_count(2)
            # One for each. Where both come to the agent together, they have the same.
            expect(ada.page.locator("#log > .agent")).to_have_count(2)
        assert host.cli("verify").returncode == 0
