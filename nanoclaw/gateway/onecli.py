"""A OneCLI server as the host speaks with it: a gateway of its own that keeps credentials and asks about their use.

Every answer has a deadline and a bound, is taken from the place that was asked and no other, and is read strictly
(`nanoclaw/core/onecli.py`). Two things can go wrong: nobody answers as a server should, which may mend itself; or the
answer is no.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import httpx2
import trio
from attrs import define, field, frozen

from nanoclaw.core import onecli
from nanoclaw.core.endpoints import Endpoint
from nanoclaw.core.model_requests import Key
from nanoclaw.core.notices import plain
from nanoclaw.core.onecli import ContainerConfig, OneCliAwayError, OneCliRefusedError, Pending, Unfit
from nanoclaw.errors import UsageError
from nanoclaw.gateway.secrets_file import ONECLI_KEYS, SecretsFile

ANSWER_SECONDS = 5.0
"""For an answer of the server, from the first byte asked to the last one heard."""
POLL_SECONDS = 35.0
"""The same for a poll: the server keeps silent for 30 s when nothing waits."""
PREFIXES = ("/v1", "/api")
"""Where the API is; older servers know the second one only."""
LATER = frozenset({408, 425, 429})
EXISTS = 409
TOO_LATE = frozenset({404, 410})
"""Nobody holds that request any more: it was decided, has expired, or whoever made it is gone."""
LONGEST_NAME = 255

T = TypeVar("T")


@frozen(kw_only=True)
class Account:
    """Who the host is to the server."""

    server: Endpoint
    project: str = ""
    """The project that a key of a whole organisation is used for; empty: the key's own."""
    gateway: str = ""
    """Where the server's gateway is; empty: where the server says that it is."""


@frozen
class _Answer:
    status: int
    text: str


@define(eq=False)
class OneCli:
    """Asks a server. Every method is a checkpoint and may be called by many tasks at once.

    Raises, all of them: `OneCliAwayError`, `OneCliRefusedError`.

    Cancellation: the connection is closed at once. Whether the server has taken what it was told is not known then.
    """

    account: Account
    _key: Callable[[], Key | None]
    """The host's key there, as it is now; None: it has none. Blocks. Raises `UsageError`."""
    _poll_seconds: float = POLL_SECONDS
    _answer_seconds: float = ANSWER_SECONDS
    _prefix: str | None = field(default=None, init=False)
    _gateway: Endpoint | None = field(default=None, init=False)
    _detecting: trio.Lock = field(factory=trio.Lock, init=False)

    async def look(self) -> None:
        """Find out whether the server is there, and whether the host is somebody to it."""
        answer = await self._ask("GET", "/agents")
        self._expect(answer, "we may not look at its agents")
        await self._find_gateway()

    async def ensure_agent(self, identifier: str, name: str) -> bool:
        """See to it that there is an agent of that *identifier*; says whether it is new."""
        said = {"name": plain(name, LONGEST_NAME) or identifier, "identifier": identifier}
        answer = await self._ask("POST", "/agents", said)
        if answer.status == EXISTS:
            return False
        self._expect(answer, f"no agent {identifier}")
        return True

    async def container_config(self, identifier: str) -> ContainerConfig:
        """What a sandbox of that agent is to be given."""
        answer = await self._ask("GET", f"/container-config?agent={quote(identifier, safe='')}")
        self._expect(answer, f"nothing for agent {identifier}")
        return _fit(onecli.read_container_config(answer.text), "the container configuration")

    async def pending(self, exclude: Collection[str]) -> Pending:
        """The requests that wait for a decision, without those of *exclude*; waits for one if there is none."""
        gateway = await self._find_gateway()
        known = f"?exclude={quote(','.join(sorted(exclude)), safe='')}" if exclude else ""
        path = f"/approvals/pending{known}"
        try:
            answer = await self._ask("GET", path, at=gateway, seconds=self._poll_seconds, most=onecli.MOST_PENDING)
            self._expect(answer, "no requests")
        except (OneCliAwayError, OneCliRefusedError):
            self._gateway = None  # it may be elsewhere by now
            raise
        return _fit(onecli.read_pending(answer.text), "the requests that wait")

    async def decide(self, request: str, *, approve: bool) -> bool:
        """Tell the gateway what was decided about *request*; says whether it still was there to be decided about."""
        gateway = await self._find_gateway()
        said = {"decision": "approve" if approve else "deny"}
        answer = await self._ask("POST", f"/approvals/{quote(request, safe='')}/decision", said, at=gateway)
        if answer.status in TOO_LATE:
            return False
        self._expect(answer, "the decision was not taken")
        return True

    async def _find_gateway(self) -> Endpoint:
        """Where requests are held. Asked once, and again after a poll that failed."""
        found_before = self._gateway
        if found_before is None:
            server = self.account.server
            if self.account.gateway:
                found = onecli.gateway_endpoint(self.account.gateway, server)
            else:
                answer = await self._ask("GET", "/gateway-url")
                self._expect(answer, "no address of its gateway")
                found = onecli.read_gateway_url(answer.text, server)
            self._gateway = found_before = _fit(found, "its gateway's address")
        await trio.lowlevel.checkpoint()
        return found_before

    async def _detect(self) -> str:
        """Find out, once, where the API is."""
        async with self._detecting:
            if self._prefix is None:
                for prefix in PREFIXES:
                    answer = await self._send("GET", f"{self.account.server}{prefix}/gateway-url")
                    self._expect_no_weather(answer)
                    if _is_there(answer):
                        self._prefix = prefix
                        return prefix
                raise OneCliRefusedError(f"there is no OneCLI at {self.account.server}: neither /v1 nor /api answers")
            return self._prefix

    async def _ask(
        self,
        method: str,
        path: str,
        said: Mapping[str, str] | None = None,
        *,
        at: Endpoint | None = None,
        seconds: float | None = None,
        most: int = onecli.MOST_ANSWER,
    ) -> _Answer:
        prefix = self._prefix or await self._detect()
        url = f"{at or self.account.server}{prefix}{path}"
        answer = await self._send(method, url, said, seconds=seconds, most=most)
        self._expect_no_weather(answer)
        return answer

    async def _send(
        self,
        method: str,
        url: str,
        said: Mapping[str, str] | None = None,
        *,
        seconds: float | None = None,
        most: int = onecli.MOST_ANSWER,
    ) -> _Answer:
        """Ask, on a connection of its own, and hear all of the answer."""
        seconds = self._answer_seconds if seconds is None else seconds
        headers = {**await self._who(), "accept": "application/json", "accept-encoding": "identity"}
        body = None if said is None else json.dumps(said).encode()
        if body is not None:
            headers["content-type"] = "application/json"
        trusted = await trio.to_thread.run_sync(_trusted)
        try:
            with trio.fail_after(seconds):
                # Nothing of the environment: no proxy, no .netrc. A redirect would take the key elsewhere.
                async with (
                    httpx2.AsyncClient(verify=trusted, trust_env=False, follow_redirects=False, timeout=None) as client,
                    client.stream(method, url, headers=headers, content=body) as response,
                ):
                    return _Answer(response.status_code, await _hear(response, most))
        except trio.TooSlowError:
            raise OneCliAwayError(f"{url.partition('?')[0]} did not answer within {seconds:g} s") from None
        except httpx2.TransportError as exc:
            raise OneCliAwayError(f"{url.partition('?')[0]}: {plain(str(exc) or type(exc).__name__)}") from exc

    async def _who(self) -> dict[str, str]:
        try:
            key = await trio.to_thread.run_sync(self._key)
        except UsageError as exc:
            raise OneCliRefusedError(str(exc)) from exc
        found = {} if key is None else {"authorization": f"Bearer {key.value}"}
        return found | ({"x-project-id": self.account.project} if self.account.project else {})

    def _expect_no_weather(self, answer: _Answer) -> None:
        if answer.status >= 500 or answer.status in LATER:
            raise OneCliAwayError(f"{self.account.server} answered {_words(answer)}")

    def _expect(self, answer: _Answer, lacking: str) -> None:
        """Refuse anything but a success."""
        if 300 <= answer.status < 400:
            raise OneCliRefusedError(
                f"{lacking}: the server sends us elsewhere, which is not followed: set its own url"
            )
        if not 200 <= answer.status < 300:
            raise OneCliRefusedError(f"{lacking}: the server answered {_words(answer)}")


def client_for(home: Path, server: Endpoint, *, project: str, gateway: str) -> OneCli:
    """The client of *server*, with the key that *home* has for it. See `Account`."""
    keys = SecretsFile(home, ONECLI_KEYS)
    return OneCli(Account(server=server, project=project, gateway=gateway), partial(keys.key_for, server.origin))


def _is_there(answer: _Answer) -> bool:
    """Is there an API where that came from? Also one that wants to know who asks is one; a page for people is none."""
    return answer.status in {401, 403} or (answer.status == 200 and onecli.is_object(answer.text))


def _words(answer: _Answer) -> str:
    why = onecli.reason(answer.text)
    return f"{answer.status}, {why}" if why else str(answer.status)


def _fit(found: T | Unfit, what: str) -> T:
    if isinstance(found, Unfit):
        raise OneCliRefusedError(f"{what} makes no sense: {found.why}")
    return found


async def _hear(response: httpx2.Response, most: int) -> str:
    """The body, as text. A compressed one is refused: nobody asked for it, and it may be of any size."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise OneCliRefusedError("the server compressed its answer, which it was told not to")
    heard = bytearray()
    with trio.CancelScope() as hearing:
        async for piece in response.aiter_raw():
            heard += piece
            if len(heard) > most:
                # Not left by an exception from here: the library's own generators would stay behind, unfinished.
                hearing.cancel()
    if len(heard) > most:
        raise OneCliRefusedError(f"the server's answer is larger than {most >> 20} MiB")
    try:
        return heard.decode()
    except UnicodeDecodeError:
        raise OneCliRefusedError("the server's answer is not text") from None


@cache
def _trusted() -> ssl.SSLContext:
    """Whom this machine trusts. Reads a file: for a thread, the first time."""
    return ssl.create_default_context()
