"""How the running house looks on the page: by day, by night, on a phone.

`python -m tests.page.house_looks FOLDER` takes the pictures of the documentation.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.page.chromium import PHONE, WIDE, Visitor, chromium, link_to, visitor
from tests.page.looks import LOOKS
from tests.support.stuck_host import stuck_host

__all__ = ["LOOKS", "house_of"]


@contextmanager
def house_of(name: str, browser: Browser, owner: Visitor) -> Iterator[Visitor]:
    """One of `LOOKS`: the house in another window of hers, with one session as a picture."""
    phone = name == "phone"
    with visitor(browser, screen=PHONE if phone else WIDE, dark=name == "dark", touch=phone) as there:
        there.page.context.add_cookies(owner.page.context.cookies())  # type: ignore[arg-type]  # it takes what it gives
        there.open(owner.page.url)
        there.page.get_by_role("button", name="House").click()
        there.page.locator("#sessions button[data-id='ses-killed']").click()
        expect(there.page.locator("#picture svg")).to_be_visible()
        yield there


def main(folder: Path) -> int:
    """Take the pictures."""
    os.environ["LOGNAME"] = "ada"  # who starts the host is its operator
    with (
        tempfile.TemporaryDirectory(prefix="nc-") as scratch,
        chromium() as browser,
        stuck_host(Path(scratch, "home"), sessions=40) as host,
        visitor(browser) as ada,
    ):
        ada.open(link_to(host))
        for name in LOOKS:
            with house_of(name, browser, ada) as there:
                there.page.screenshot(path=folder / f"house-{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
