"""One browser for each file of tests, and one host."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.page.chromium import SETTINGS, Visitor, chromium, link_to, visitor
from tests.support.host import HostProcess, running_host

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """See `chromium`."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def host(browser: Browser) -> Iterator[HostProcess]:
    """A host with a page, and the demo agent."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        with running_host(Path(folder, "home"), SETTINGS.format(port=0)) as there:
            yield there
        assert there.cli("verify").returncode == 0


@pytest.fixture
def ada(browser: Browser, host: HostProcess) -> Iterator[Visitor]:
    """The operator, let in."""
    with visitor(browser) as there:
        there.open(link_to(host))
        yield there
