"""A platform's API over HTTP: what is asked is answered, or ends as a `DeliveryError` that says what that means.

Whether a request was taken is what delivery has to know. It was not where no connection was made, and where the answer
is "later"; it may have been where the answer did not come, or was an error of the other's own. What an error or the log
says never has the address in it that was asked, nor a secret: some platforms want their tokens there.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, TypedDict, Unpack
from weakref import WeakSet

import httpx2
import trio
from attrs import define, field, frozen

from nanoclaw.channels.http_bodies import Body, hear, spool_in
from nanoclaw.core.notices import plain
from nanoclaw.core.retry_after import retry_after
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.clock import Clock, SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.files import Spooled
from nanoclaw.model.ids import ChannelName
from schema.files import MOST_FILE_BYTES

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 25.0
"""From the first byte asked to the last one heard. Less than delivery has patience: we say what went wrong."""
MOST_ANSWER = 4 << 20
"""Bytes of an answer."""
CLOSE_SECONDS = 1.0
SLOWEST = 256 << 10
"""Bytes of files a second."""
UNASKED_SECONDS = 5.0
"""The wait after a 429 that names none."""
EVERYTHING = ""
"""The route of a wait that holds for all of them."""
TOO_MANY = 429
AWAY = 503
PASSING = frozenset({408, 425})
STRUCK = "…"
HEADERS = {"accept-encoding": "identity", "accept": "application/json", "user-agent": "nanoclaw"}

Words = Callable[[object], str]
"""Finds the platform's own words in the JSON of an answer that is no success; empty: there are none."""


@frozen(kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            return None


def usual_words(body: object) -> str:
    """What most platforms call it: `description`, `message`, `error`."""
    if not isinstance(body, Mapping):
        return ""
    for name in ("description", "message", "error", "errcode"):
        said = body.get(name)
        if isinstance(said, Mapping):
            said = said.get("message")
        if isinstance(said, str) and said.strip():
            return said
    return ""


class Asking(TypedDict, total=False):
    """What a request may say besides its method and path."""

    body: object
    """Sent as JSON."""
    params: Mapping[str, str]
    """Behind the question mark."""
    headers: Mapping[str, str]
    content: httpx2.AsyncByteStream | bytes
    """Sent as it is; of a stream, `content-length` is among the headers."""
    seconds: float
    """For all of it; `ANSWER_SECONDS` if it is not said."""
    most: int
    """Bytes of the answer; `MOST_ANSWER` if it is not said."""


@define(eq=False)
class Platform:
    """One account's way to its platform. Its methods may be called by many tasks at once."""

    channel: ChannelName
    base_url: str
    client: httpx2.AsyncClient
    headers: Mapping[str, str] = field(factory=dict[str, str], kw_only=True, repr=False)
    """Said with every request to the platform's own address, and to no other."""
    secrets: tuple[str, ...] = field(default=(), kw_only=True, repr=False)
    """Struck wherever the platform repeats them."""
    words: Words = field(default=usual_words, kw_only=True)
    clock: Clock = field(factory=SystemClock, kw_only=True)
    _waits: dict[str, float] = field(factory=dict[str, float], init=False)
    """When a route may be asked again, on Trio's clock."""
    _under_way: WeakSet[trio.CancelScope] = field(factory=WeakSet[trio.CancelScope], init=False)

    async def request(self, method: str, path: str, *, route: str = EVERYTHING, **asking: Unpack[Asking]) -> Answer:
        """Ask for *path*; returns the answer, which is a success.

        Args:
          method: Of HTTP.
          path: Behind the base address, beginning with a slash; or a whole address.
          route: What the platform counts this with. One that was told to wait is not asked before.
          asking: See `Asking`.

        Raises:
          DeliveryError: it was not a success, as `refusal` judges; or nothing was heard.

        Cancellation: the connection is closed at once; whether the platform has taken it is not known then.
        """
        answer = await self.ask(method, path, route=route, **asking)
        if (refused := self.refusal(answer)) is not None:
            raise refused
        return answer

    async def ask(self, method: str, path: str, *, route: str = EVERYTHING, **asking: Unpack[Asking]) -> Answer:
        """The same, whatever the answer is. Raises `DeliveryError` where there is none, or the route has to wait."""
        self.check_wait(route)
        most = asking.get("most", MOST_ANSWER)
        async with self._send(method, path, asking, asking.get("seconds", ANSWER_SECONDS)) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            heard = await hear(response, most)
            if heard is None:
                raise self.error(f"an answer of more than {most:,} bytes", retryable=False, reached=True)
            answer = Answer(status=response.status_code, headers=headers, body=heard)
        if (wait := self.wait_asked(answer)) is not None:
            self.hold(route, wait)
        return answer

    def refusal(self, answer: Answer) -> DeliveryError | None:
        """What an answer that is no success means; None: it is one."""
        status = answer.status
        if 200 <= status < 300:
            return None
        words = plain(self.strike(self.words(answer.json)))
        why = f"answered {status}: {words}" if words else f"answered {status}"
        if (wait := self.wait_asked(answer)) is not None:
            return self.error(why, retryable=True, reached=False, retry_after=wait)
        if status >= 500 or status in PASSING:
            return self.error(why, retryable=True, reached=True)
        if 300 <= status < 400:
            why = f"answered {status}: it sends us elsewhere, which is not followed; set the right url"
        return self.error(why, retryable=False)

    def wait_asked(self, answer: Answer) -> float | None:
        """Seconds until the same may be asked again, where the answer says "later"; None: it does not."""
        if answer.status not in (TOO_MANY, AWAY):
            return None
        asked = retry_after(answer.headers, answer.json, now=self.clock.now())
        return UNASKED_SECONDS if asked is None and answer.status == TOO_MANY else asked

    def hold(self, route: str, seconds: float) -> None:
        """Ask nothing on *route* for so long. See `EVERYTHING`."""
        self._waits[route] = max(self._waits.get(route, 0.0), trio.current_time() + seconds)

    def check_wait(self, route: str) -> None:
        """Raises `DeliveryError` where *route* has to wait. Nothing is asked then."""
        now = trio.current_time()
        self._waits = {name: until for name, until in self._waits.items() if until > now}
        until = max(self._waits.get(route, 0.0), self._waits.get(EVERYTHING, 0.0))
        if until > now:
            raise self.error("asked us to wait", retryable=True, retry_after=until - now)

    async def download(
        self, url: str, spool: Spool, *, most: int = MOST_FILE_BYTES, seconds: float | None = None
    ) -> Spooled:
        """Fetch a file into the spool; returns it when it is whole and on the disk.

        Args:
          url: A whole address, or a path behind the base address. Only the platform's own is shown who asks.
          spool: Where the file goes.
          most: Bytes that it may have.
          seconds: For all of it; None: as long as a slow line needs for *most*.

        Raises:
          FileTooLargeError: it has more bytes.
          DeliveryError: it could not be fetched.
          OSError: the disk would not.

        Cancellation: nothing of it remains.
        """
        patience = ANSWER_SECONDS + most / SLOWEST if seconds is None else seconds
        async with self._send("GET", url, {}, patience) as response:
            if response.status_code != 200:
                answer = Answer(status=response.status_code, headers=dict(response.headers), body=b"")
                raise self.refusal(answer) or self.error(f"answered {answer.status} to a download", retryable=False)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise self.error("a file that it compressed, which it was told not to", retryable=False)
            return await spool_in(response, spool, most)

    def leave(self) -> None:
        """Whatever is under way ends unanswered: nobody closes a connection that outlives its client. Never blocks."""
        for scope in self._under_way:
            scope.cancel(reason="the channel ends")

    def strike(self, text: str) -> str:
        """*text* without the secrets of this account."""
        for secret in self.secrets:
            text = text.replace(secret, STRUCK) if secret else text
        return text

    def error(
        self, why: str, *, retryable: bool, reached: bool = False, retry_after: float | None = None
    ) -> DeliveryError:
        """A failure of this platform's."""
        return DeliveryError(
            channel=self.channel, why=self.strike(why), retryable=retryable, reached=reached, retry_after=retry_after
        )

    @asynccontextmanager
    async def _send(self, method: str, path: str, asking: Asking, seconds: float) -> AsyncGenerator[httpx2.Response]:
        url = path if "://" in path else f"{self.base_url.rstrip('/')}{path}"
        own = url.startswith(f"{self.base_url.rstrip('/')}/")
        headers = {**HEADERS, **(self.headers if own else {}), **asking.get("headers", {})}
        content = asking.get("content")
        if content is None and "body" in asking:
            content = json.dumps(asking["body"]).encode()
            headers["content-type"] = "application/json"
        if isinstance(content, bytes):
            content = Body((content,), len(content))
            headers |= content.headers
        if self.client.is_closed:
            raise self.error("it has ended", retryable=True)
        try:
            request = self.client.build_request(method, url, params=asking.get("params"), headers=headers)
            if content is not None:
                # Not as `content`, which would be read by a generator of the library's: see `http_bodies`.
                request.stream = content
            with trio.fail_after(seconds) as scope:
                self._under_way.add(scope)
                response = await self.client.send(request, stream=True)
                try:
                    yield response
                finally:
                    with trio.move_on_after(CLOSE_SECONDS, shield=True):
                        await response.aclose()
        except trio.TooSlowError:
            raise self.error(f"no answer within {seconds:g} s", retryable=True, reached=True) from None
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as exc:
            raise self.error(f"its address is none: {type(exc).__name__}", retryable=False) from None
        except httpx2.TransportError as exc:
            connected = not isinstance(exc, httpx2.ConnectError | httpx2.ConnectTimeout)
            where = "the connection broke" if connected else "cannot connect"
            why = f"{where}: {plain(str(exc)) or type(exc).__name__}"  # its cause may say the address
            raise self.error(why, retryable=True, reached=connected) from None


@asynccontextmanager
async def open_platform(
    channel: ChannelName,
    base_url: str,
    *,
    headers: Mapping[str, str] | None = None,
    secrets: tuple[str, ...] = (),
    words: Words = usual_words,
    clock: Clock | None = None,
) -> AsyncGenerator[Platform]:
    """A `Platform` with a client of its own, which is closed in the end."""
    trusted = await trio.to_thread.run_sync(trusted_authorities)
    limits = httpx2.Timeout(None, connect=CONNECT_SECONDS)
    # Nothing of the environment: no proxy, no .netrc. A redirect would take the token elsewhere.
    async with httpx2.AsyncClient(verify=trusted, trust_env=False, follow_redirects=False, timeout=limits) as client:
        platform = Platform(
            *(channel, base_url, client),
            headers=headers or {},
            secrets=secrets,
            words=words,
            clock=clock or SystemClock(),
        )
        try:
            yield platform
        finally:
            platform.leave()


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Whom this machine trusts. Reads files, the first time: for a thread."""
    return ssl.create_default_context()
