"""The page's server: its files, logging in and out, files both ways, and the socket of an open page.

Everybody on this machine can reach it. So whoever calls it by a name that is not its own is turned away, what changes
anything is taken from its own page alone, and whatever belongs to a person is behind their login.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import structlog
import trio
from attrs import define
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from nanoclaw.channels.web.gate import Gate, digest_of
from nanoclaw.channels.web.truth import Truth
from nanoclaw.channels.web.uploads import UploadError, Uploads
from nanoclaw.core.conversations import Person
from nanoclaw.errors import StoreError
from nanoclaw.kit.spool import Spool

log = structlog.get_logger()

LOGIN_DAYS = 30
SECRET_BYTES = 32
MOST_SECRET = 100
PAGES = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/app.js": ("app.js", "text/javascript"),
    "/view.js": ("view.js", "text/javascript"),
    "/wire.js": ("wire.js", "text/javascript"),
    "/console.js": ("console.js", "text/javascript"),
    "/timeline.js": ("timeline.js", "text/javascript"),
    "/console.css": ("console.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
Serve: TypeAlias = Callable[[WebSocket, Person, str], Awaitable[None]]
"""Serves an accepted socket of a person's, with the digest of their login, until it is closed."""


@define(eq=False)
class Site:
    """The routes, and what they need."""

    _gate: Gate
    _cookie: str
    """Its name."""
    _truth: Truth
    _uploads: Uploads
    _spool: Spool
    _serve: Serve
    _ended: Callable[[str], None]
    """Told of the digest of a login that has ended."""

    def app(self) -> ASGIApp:
        """The application, behind its guard."""
        routes = [
            *(Route(path, self._page) for path in PAGES),
            Route("/me", self._me),
            Route("/login", self._log_in, methods=["POST"]),
            Route("/logout", self._log_out, methods=["POST"]),
            Route("/files", self._upload, methods=["POST"]),
            Route("/files/{position:int}/{number:int}", self._download),
            WebSocketRoute("/live", self._live),
        ]
        return Guard(Starlette(routes=routes), self._gate)

    async def _page(self, request: Request) -> Response:
        name, kind = PAGES[request.url.path]
        text = await trio.to_thread.run_sync(_read, name)
        return Response(text, media_type=kind)

    async def _me(self, request: Request) -> Response:
        person = await self._person(request)
        return _refused(401) if person is None else JSONResponse({"name": person.name})

    async def _log_in(self, request: Request) -> Response:
        secret = await _body(request, MOST_SECRET)
        if secret is None:
            return _refused(400)
        login = secrets.token_urlsafe(SECRET_BYTES)
        person = await self._truth.let_in(digest_of(secret), digest_of(login))
        if person is None:
            return PlainTextResponse("this link has been used, or is too old", 403)
        response = JSONResponse({"name": person.name})
        response.set_cookie(
            self._cookie,
            login,
            max_age=LOGIN_DAYS * 86_400,
            httponly=True,
            samesite="strict",
            secure=request.headers["origin"].startswith("https:"),
        )
        log.info("web_login", person=person.handle)
        return response

    async def _log_out(self, request: Request) -> Response:
        login = request.cookies.get(self._cookie)
        if login is not None:
            await self._truth.end(digest_of(login))
            self._ended(digest_of(login))
        response = Response(status_code=204)
        response.delete_cookie(self._cookie, httponly=True, samesite="strict")
        return response

    async def _upload(self, request: Request) -> Response:
        person = await self._person(request)
        if person is None:
            return _refused(401)
        try:
            async with aclosing(request.stream()) as pieces:
                key = await self._uploads.take_in(person, request.query_params.get("name", ""), pieces)
        except UploadError as exc:
            return PlainTextResponse(str(exc), 413)
        return JSONResponse({"id": key})

    async def _download(self, request: Request) -> Response:
        person = await self._person(request)
        if person is None:
            return _refused(401)
        position, number = request.path_params["position"], request.path_params["number"]
        file = await self._truth.file_at(person, position, number)
        if file is None:
            return _refused(404)
        path = self._spool.path(file.spool_id)
        if not await trio.to_thread.run_sync(Path.is_file, path):
            return PlainTextResponse("this file is not kept any more", 410)
        return FileResponse(
            path,
            media_type="application/octet-stream",
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"},
        )

    async def _live(self, socket: WebSocket) -> None:
        login = socket.cookies.get(self._cookie)
        person = await self._person(socket)
        if person is None or login is None or not self._gate.trusts(*_asks(socket)):
            await socket.close()
            return
        await socket.accept()
        await self._serve(socket, person, digest_of(login))

    async def _person(self, connection: HTTPConnection) -> Person | None:
        login = connection.cookies.get(self._cookie)
        if login is None or len(login) > MOST_SECRET:
            await trio.lowlevel.checkpoint()
            return None
        return await self._truth.person_of(digest_of(login))


@define(eq=False)
class Guard:
    """In front of everything: names, origins, headers, and what breaks."""

    _app: ASGIApp
    _gate: Gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refused = self._refused(scope)
        try:
            await (self._app if refused is None else refused)(scope, receive, answer)
        except StoreError as exc:
            log.warning("web_store", why=str(exc))
            if scope["type"] == "http" and not begun:
                await PlainTextResponse("the host cannot read or write just now", 503)(scope, receive, answer)
        except Exception:
            log.exception("web_broke", path=scope["path"])
            if scope["type"] == "http" and not begun:
                await _refused(500)(scope, receive, answer)

    def _refused(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        origin, host = headers.get("origin"), headers.get("host")
        if len(headers.getlist("host")) != 1 or not self._gate.knows(host):
            log.warning("web_refused_host", host=(host or "")[:200])
            return _refused(421)
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD") and not self._gate.trusts(origin, host):
            log.warning("web_refused_origin", origin=(origin or "")[:200])
            return _refused(403)
        return None


def _asks(connection: HTTPConnection) -> tuple[str | None, str | None]:
    return connection.headers.get("origin"), connection.headers.get("host")


def _refused(status: int) -> Response:
    return Response(status_code=status)


def _read(name: str) -> bytes:
    return (files("nanoclaw.channels.web") / "page" / name).read_bytes()


async def _body(request: Request, most: int) -> str | None:
    """The body as text, if it has at most *most* bytes."""
    found = b""
    async with aclosing(request.stream()) as pieces:
        async for piece in pieces:
            found += piece
            if len(found) > most:
                return None
    return found.decode("ascii", "replace") or None
