"""The web page as a channel: conversations in a browser on this machine, read from the truth and kept nowhere else.

A message is on the page as soon as the truth says that it is on its way: that is where pages read it from, whether one
is open or not. So delivery cannot fail, and a second attempt is the same message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
import trio
from attrs import define, field
from starlette.websockets import WebSocket

from nanoclaw.channels.base import Draft, Outgoing, Receive
from nanoclaw.channels.web.gate import cookie_name, gate_for
from nanoclaw.channels.web.live import RENDERING, Live
from nanoclaw.channels.web.markdown import render
from nanoclaw.channels.web.serving import open_port, serving
from nanoclaw.channels.web.site import Site
from nanoclaw.channels.web.truth import Truth
from nanoclaw.channels.web.uploads import Uploads
from nanoclaw.core.conversations import ABILITIES, WEB, Person, handle_of, owner_of
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.speech import Ability
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.spool import Spool
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import Address

log = structlog.get_logger()

MOST_PAGES = 20
"""Open pages of one person; of what is more, the oldest is closed."""


@define(eq=False)
class WebChannel:
    """The page of one home."""

    _address: str
    _wanted_port: int
    """0: any."""
    _names: Sequence[str]
    """Under which a proxy shows it, with https."""
    _truth: Truth
    _spool: Spool
    name: ChannelName = field(default=WEB, init=False)
    threaded: bool = field(default=False, init=False)
    keyed: bool = field(default=True, init=False)
    in_doubt: InDoubt = field(default=InDoubt.SEND_AGAIN, init=False)
    abilities: frozenset[Ability] = field(default=ABILITIES, init=False)
    keeps_files: bool = field(default=True, init=False)
    port: int | None = field(default=None, init=False)
    """Where it is served; None: it is not."""
    _pages: dict[Live, None] = field(factory=dict[Live, None], init=False)
    _last: dict[str, str] = field(factory=dict[str, str], init=False)
    """What was said last in a conversation: a draft of that comes too late."""

    @property
    def url(self) -> str | None:
        """Where the page is, on this machine; None: it is not served."""
        if self.port is None:
            return None
        if self._names:
            return f"https://{self._names[0]}/"
        address = "127.0.0.1" if self._address in ("0.0.0.0", "::") else self._address  # noqa: S104 - it is asked for
        return f"http://[{address}]:{self.port}/" if ":" in address else f"http://{address}:{self.port}/"

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve the page until cancelled. Where that cannot be, the log says why, and the house lives on without it."""
        try:
            listener = open_port(self._address, self._wanted_port)
        except OSError as exc:
            log.error("web_not_served", address=self._address, port=self._wanted_port, why=str(exc))  # noqa: TRY400 - it says all
            task_status.started()
            await trio.sleep_forever()
        self.port = port = listener.getsockname()[1]
        uploads = Uploads(self._spool)

        async def serve(socket: WebSocket, person: Person, login: str) -> None:
            page = Live(person, login, socket, self._truth, uploads, receive, self._news)
            self._pages[page] = None
            self._close_oldest(person)
            try:
                await page.run()
            finally:
                del self._pages[page]

        gate = gate_for(port, self._address, self._names)
        site = Site(gate, cookie_name(port), self._truth, uploads, self._spool, serve, self.end_login)
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(serving(site.app(), listener))
                nursery.start_soon(uploads.run)
                task_status.started()
                ready()
        finally:
            self.port = None

    async def deliver(self, message: Outgoing) -> str:
        """Tell the pages to look: it is in the truth already. Its id is its key."""
        await trio.lowlevel.checkpoint()
        if owner_of(message.to.platform_id) is None:
            raise DeliveryError(channel=self.name, why="there is no such conversation", retryable=False)
        self._last[message.to.platform_id] = message.text
        self._news(message.to.platform_id)
        return message.key

    async def show_draft(self, draft: Draft) -> None:
        """Show how far a reply is on every page that looks at its conversation."""
        chat, text = draft.to.platform_id, draft.text
        pages = [page for page in self._pages if page.chat == chat]
        if not pages or (text and self._last.get(chat, "").startswith(text.strip())):
            await trio.lowlevel.checkpoint()
            return
        made = await trio.to_thread.run_sync(render, text, limiter=RENDERING, abandon_on_cancel=True)
        for page in pages:
            page.draft(
                draft.reply, {"type": "draft", "chat": chat, "reply": draft.reply, "html": made, "tool": draft.tool}
            )

    async def show_typing(self, to: Address) -> None:
        """Show it on every page that looks at that conversation."""
        await trio.lowlevel.checkpoint()
        for page in self._pages:
            if page.chat == to.platform_id:
                page.draft("", {"type": "typing", "chat": to.platform_id})

    async def open_direct_messages(self, user: UserId) -> str | None:
        """The conversation that everybody has from the beginning, with nobody else in it."""
        await trio.lowlevel.checkpoint()
        handle = handle_of(user)
        return None if handle is None else Person(handle=handle, name=handle).main

    def end_login(self, login: str) -> None:
        """Close the pages that were opened with the login of that digest."""
        for page in list(self._pages):
            if page.login == login:
                page.end()

    def end_person(self, handle: str) -> None:
        """Close all pages of that person."""
        for page in list(self._pages):
            if page.person.handle == handle:
                page.end()

    def _news(self, chat: str) -> None:
        for page in self._pages:
            if page.person.owns(chat):
                page.look(chat)

    def _close_oldest(self, person: Person) -> None:
        theirs = [page for page in self._pages if page.person.handle == person.handle]
        for page in theirs[:-MOST_PAGES]:
            page.end()
