"""The running house on the page: who is held up by what, the tree, a session as a picture; for those who may see it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Figures
from tests.page.chromium import Visitor, link_to, visitor
from tests.page.house_looks import LOOKS, house_of
from tests.page.test_looks import found_by_axe
from tests.support.host import HostProcess
from tests.support.stuck_host import stuck_host
from tests.support.stuck_house import KINDS
from tests.support.truth import rows

WITHIN = 1.0


@pytest.fixture(scope="module")
def stuck(browser: Browser) -> Iterator[HostProcess]:
    """A host with a session for each way to be stuck."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder, stuck_host(Path(folder, "home"), sessions=30) as there:
        yield there


@pytest.fixture(scope="module")
def owner(browser: Browser, stuck: HostProcess) -> Iterator[Visitor]:
    """The operator, who looks at the house."""
    with visitor(browser) as there:
        there.open(link_to(stuck))
        yield there


def looking(owner: Visitor) -> Page:
    """Her page, with the house on it."""
    if not owner.page.locator("#console").is_visible():
        owner.page.get_by_role("button", name="House").click()
    return owner.page


def names_each_with_its_reason(page: Page) -> None:
    """Every stuck session stands there, and why; as soon as what held it up before that is over."""
    for name, kind in KINDS.items():
        card = page.locator("#sessions > li").filter(has=page.get_by_text(f"ses-{name}", exact=True))
        expect(card).to_contain_text(kind.reason.value)
        expect(card).to_contain_text(kind.why)


@pytest.mark.soak
@pytest.mark.parametrize("a_second", [0, 50])
def test_of_200_sessions_those_that_are_stuck_stand_there_within_a_second_of_a_look(
    a_second: int, browser: Browser, figures: Figures
) -> None:
    took: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="nc-") as folder,
        stuck_host(Path(folder, "home"), sessions=200, a_second=a_second) as host,
        visitor(browser) as ada,
    ):
        ada.open(link_to(host))
        # Some are stuck only once they have failed a few times.
        for name in KINDS:
            expect(looking(ada).locator(f"#sessions > li:has-text('ses-{name}')").first).to_be_visible()
        (before,) = rows(host.home, "SELECT count(*) AS said FROM events")
        since = time.monotonic()
        for _ in range(5):
            there = ada.tab()
            there.open(ada.page.url)
            began = time.monotonic()
            there.page.get_by_role("button", name="House").click()
            expect(there.page.locator("#sessions > li").nth(len(KINDS) - 1)).to_be_visible()
            names_each_with_its_reason(there.page)
            took.append(time.monotonic() - began)
            there.page.close()
        (after,) = rows(host.home, "SELECT count(*) AS said FROM events")
        said = (after["said"] - before["said"]) / (time.monotonic() - since)
    figures(slowest_look_ms=round(max(took) * 1000), said_a_second=round(said))
    assert max(took) < WITHIN


def test_each_stuck_session_stands_there_with_the_right_reason_and_as_a_picture(owner: Visitor) -> None:
    page = looking(owner)
    expect(page.locator("#sessions > li")).to_have_count(len(KINDS))
    names_each_with_its_reason(page)
    page.locator("#sessions button[data-id='ses-killed']").click()
    expect(page.locator("#picture rect.messages.waits")).to_have_count(1)
    page.locator("#picture rect.sandboxes").first.hover()
    expect(page.locator("#span")).to_contain_text("epoch 1: killed")


def test_the_tree_folds_and_stays_so_while_the_house_goes_on(owner: Visitor) -> None:
    page = looking(owner)
    sessions = page.locator("#tree details[data-path='/nanoclaw/sessions']")
    expect(sessions).to_have_attribute("data-path", "/nanoclaw/sessions")
    assert sessions.get_attribute("open") is None, "many are folded"
    sessions.locator("> summary").click()
    expect(sessions.get_by_text("disk full: ")).to_be_visible()
    root = page.locator("#tree > details > summary")
    expect(root).not_to_have_text(root.inner_text())
    assert sessions.get_attribute("open") is not None
    page.get_by_role("button", name="Chat", exact=True).click()
    expect(page.locator("#room")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_the_house_and_nothing_is_too_wide(look: str, browser: Browser, owner: Visitor) -> None:
    with house_of(look, browser, owner) as there:
        assert found_by_axe(there.page) == ""
        assert there.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert there.page.evaluate("document.getElementById('console').scrollWidth <= innerWidth")


def test_nobody_else_is_shown_the_house(browser: Browser, stuck: HostProcess) -> None:
    with visitor(browser) as eve:
        eve.open(link_to(stuck, "eve"))
        expect(eve.page.get_by_role("button", name="House")).to_have_count(0)
