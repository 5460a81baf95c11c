"""How the page looks, with something of every kind on it: by day, by night, on a phone.

`python -m tests.page.looks FOLDER` takes the pictures of the documentation.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, expect

from tests.page.chromium import PHONE, SETTINGS, WIDE, Visitor, chromium, link_to, visitor
from tests.support.host import HostProcess, running_host

LOOKS: Final = ("light", "dark", "phone")
MARKDOWN: Final = "Is this **bold**, `code`, and [a link](https://example.org)?"


@contextmanager
def talk(browser: Browser, host: HostProcess, folder: Path) -> Iterator[Visitor]:
    """The operator, with a conversation that has something of every kind."""
    notes = folder / "notes.txt"
    notes.write_text("Apples, flour, butter.")
    with visitor(browser) as ada, visitor(browser) as eve:
        ada.open(link_to(host))
        ada.page.get_by_label("Name").fill("Garden")
        ada.page.get_by_role("button", name="Begin").click()
        expect(ada.page.locator("#title")).to_have_text("Garden")
        ada.page.locator("#list button").first.click()
        expect(ada.page.locator("#title")).not_to_have_text("Garden")
        ada.says(MARKDOWN)
        expect(ada.page.locator("#log > .agent")).to_have_count(1)
        ada.says("send it back", notes)
        expect(ada.page.locator("#log > .agent")).to_have_count(2)
        ada.says("ask me a question")
        ada.page.get_by_role("button", name="Coffee").click()
        ada.sees("chose “Coffee”")
        eve.open(link_to(host, "eve"))
        eve.says("may I come in?")
        expect(ada.page.locator("#log > .host")).to_contain_text("Eve")
        yield ada


@contextmanager
def look_of(name: str, browser: Browser, ada: Visitor) -> Iterator[Visitor]:
    """One of `LOOKS`: the same conversation, in another window of hers."""
    phone = name == "phone"
    with visitor(browser, screen=PHONE if phone else WIDE, dark=name == "dark", touch=phone) as there:
        there.page.context.add_cookies(ada.page.context.cookies())  # type: ignore[arg-type]  # it takes what it gives
        there.open(ada.page.url)
        expect(there.messages).to_have_count(ada.messages.count())
        yield there


def main(folder: Path) -> int:
    """Take the pictures."""
    os.environ["LOGNAME"] = "ada"  # who starts the host is its operator
    with tempfile.TemporaryDirectory(prefix="nc-") as scratch, chromium() as browser:
        home = Path(scratch, "home")
        with running_host(home, SETTINGS.format(port=0)) as host, talk(browser, host, Path(scratch)) as ada:
            for name in LOOKS:
                with look_of(name, browser, ada) as there:
                    there.page.screenshot(path=folder / f"web-{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
