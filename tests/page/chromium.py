"""A real browser, without a screen, at the page of a real host: what a person does there, and what they see."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from attrs import define, field
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from tests.support.host import HostProcess

MUST_HAVE: Final = "NANOCLAW_NEEDS_BROWSER"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS: Final = 45_000
WIDE: Final = ViewportSize(width=1000, height=720)
PHONE: Final = ViewportSize(width=390, height=760)
SETTINGS: Final = '[sandbox]\nengine = "process"\n[web]\nport = {port}\n'


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser. Without one the test is skipped, or fails where CI says that there is one."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        why = f"none of {', '.join(NAMES)} is here"
        if os.environ.get(MUST_HAVE):
            pytest.fail(f"a browser is needed here: {why}")
        pytest.skip(why)
    # It has no sandbox of its own for root, nor inside of most containers; what it shows here is ours.
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@define(eq=False)
class Visitor:
    """Somebody with a browser of their own: its cookies, and one page or more."""

    page: Page
    wrong: list[str] = field(factory=list[str])
    """What the browser complains of: errors of scripts, and what the page's policy has stopped."""

    def __attrs_post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: self.wrong.append(said.text) if "Policy" in said.text else None)

    @property
    def messages(self) -> Locator:
        """What is on the page of the conversation, from the first to the last."""
        return self.page.locator("#log > li")

    def open(self, link: str) -> None:
        """Open *link* and be let in."""
        self.page.goto(link)
        expect(self.page.locator("#house")).to_be_visible()
        expect(self.page.locator("#list button[aria-current]")).to_have_count(1)

    def says(self, text: str, *files: Path) -> None:
        """Write *text* and press Enter, with *files*."""
        if files:
            self.page.locator("#files").set_input_files(files)
        self.page.get_by_label("Message", exact=True).fill(text)
        self.page.keyboard.press("Enter")

    def sees(self, *texts: str) -> None:
        """Wait until the last messages are these, or hold them, each once and in order, and all of ours are kept."""
        count = len(texts)
        expect(self.messages.nth(-1)).to_contain_text(texts[-1])
        expect(self.page.locator("#log > .waiting")).to_have_count(0)
        assert self.messages.count() >= count
        for place, text in enumerate(texts):
            expect(self.messages.nth(place - count)).to_contain_text(text)

    def tab(self) -> Visitor:
        """Another page of theirs."""
        return Visitor(self.page.context.new_page(), self.wrong)


@contextmanager
def visitor(
    browser: Browser, *, screen: ViewportSize = WIDE, dark: bool = False, touch: bool = False
) -> Iterator[Visitor]:
    """Somebody new."""
    context = browser.new_context(
        viewport=screen, color_scheme="dark" if dark else "light", has_touch=touch, is_mobile=touch, locale="en-GB"
    )
    there = Visitor(context.new_page())
    yield there
    context.close()
    assert there.wrong == []


def link_to(host: HostProcess, user: str = "") -> str:
    """A new link to its page, for the operator or for *user*."""
    asked = host.cli("web", "link", *(("--user", user, "--name", user.title()) if user else ()))
    assert asked.returncode == 0, asked
    return asked.stdout.split()[0]
