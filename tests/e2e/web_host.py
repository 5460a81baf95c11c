"""A host with a web page, in this process, and browsers that are logged in to it: for tests with real agents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio
from attrs import define

from nanoclaw import app, config
from nanoclaw.cli.client import ask
from nanoclaw.sandboxes.process import ProcessEngine
from nanoclaw.sandboxes.runtime import find_runtime
from nanoclaw.settings import WebSettings
from tests.support.browser import Browser, browser


@define
class Host:
    """A host with a page."""

    home: Path
    link: str

    @property
    def port(self) -> int:
        """Where its page is."""
        return int(self.link.split("/")[2].partition(":")[2])


@asynccontextmanager
async def host(home: Path, port: int = 0) -> AsyncIterator[Host]:
    """One life of it."""
    settings = config.Config(home=home, web=WebSettings(port=port))
    told: list[app.Started] = []
    async with trio.open_nursery() as nursery:
        serve = partial(app.serve, settings, announce=told.append, engines=lambda: [ProcessEngine(find_runtime())])
        await nursery.start(serve)
        while not told:
            await trio.lowlevel.checkpoint()
        assert told[0].page is not None
        yield Host(home, told[0].page)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def somebody(host: Host, link: str) -> AsyncIterator[Browser]:
    """A browser that opened *link*."""
    async with browser(host.port) as there:
        assert (await there.log_in(link)).status_code == 200
        yield there


async def link_for(host: Host, user: str) -> str:
    """A link for somebody else, as the command line gets it."""
    path = host.home / "run" / "admin.sock"
    return str(await trio.to_thread.run_sync(lambda: ask(path, "web link", {"user": user, "name": user.title()})))
