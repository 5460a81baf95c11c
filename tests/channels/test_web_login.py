"""Who is let into the web page, over real sockets: a link once, a cookie after it, and nobody by another name."""

from __future__ import annotations

import pytest
import trio
from trio_websocket import ConnectionClosed

from nanoclaw.channels.web.gate import digest_of
from nanoclaw.errors import UsageError
from schema.sqlite import fetch
from tests.channels.web_house import operator_at, web_house
from tests.support.browser import browser


async def test_a_link_lets_in_once_with_a_cookie_that_no_script_and_no_other_site_has() -> None:
    async with web_house() as house, browser(house.port) as first, browser(house.port) as second:
        link = await house.link()
        assert (await first.http.get("/me")).status_code == 401
        answer = await first.log_in(link)
        assert answer.status_code == 200
        said = answer.headers["set-cookie"].casefold()
        assert all(word in said for word in ("httponly", "samesite=strict", "path=/"))
        assert (await first.http.get("/me")).json() == {"name": "Ada"}
        assert (await second.log_in(link)).status_code == 403
        assert (await second.http.get("/me")).status_code == 401


async def test_a_new_link_takes_the_place_of_the_last_and_none_is_stored() -> None:
    async with web_house() as house, browser(house.port) as there:
        old, new = await house.link(), await house.link()
        assert (await there.log_in(old)).status_code == 403
        assert (await there.log_in(new)).status_code == 200
        kept = fetch(house.store.conn, "SELECT digest, kind FROM web_keys")
        (login,) = there.http.cookies.values()
        assert kept == [{"digest": digest_of(login), "kind": "login"}]
        assert len(login) >= 43  # 256 bits


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", ""])
async def test_under_a_name_that_is_not_its_own_there_is_nothing(host: str) -> None:
    async with web_house() as house, operator_at(house) as there:
        for path in ("/", "/me", "/app.js", "/files/1/0"):
            assert (await there.http.get(path, headers={"Host": host})).status_code == 421
        assert await there.knock(Host=host) == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://localhost:{port}"]
)
async def test_a_page_from_elsewhere_can_change_nothing(origin: str) -> None:
    async with web_house() as house, operator_at(house) as there:
        said = origin.format(port=house.port)
        link = (await house.link()).partition("#login=")[2].encode()
        for path in ("/login", "/logout", "/files?name=x"):
            assert (await there.post(path, link, Origin=said)).status_code == 403
        assert (await there.http.post("/logout")).status_code == 403  # without any
        assert await there.knock(Origin=said) == 403
        assert (await there.http.get("/me")).status_code == 200


async def test_a_name_that_is_configured_is_one_behind_a_proxy_with_https() -> None:
    async with web_house(names=["chat.example.org"]) as house, browser(house.port) as there:
        link = await house.link()
        assert link.startswith("https://chat.example.org/#login=")
        headers = {"Host": "chat.example.org", "Origin": "https://chat.example.org"}
        answer = await there.http.post("/login", content=link.partition("#login=")[2].encode(), headers=headers)
        assert answer.status_code == 200
        assert "secure" in answer.headers["set-cookie"].casefold()


async def test_nobody_opens_a_socket_without_a_login() -> None:
    async with web_house() as house, browser(house.port) as there:
        assert await there.knock() == 403
        assert await there.knock(Cookie=f"nanoclaw_{house.port}=guess") == 403


async def test_whoever_logs_out_is_out_and_their_pages_close() -> None:
    async with web_house() as house, operator_at(house) as there:
        async with there.page() as page:
            assert (await there.http.post("/logout", headers={"Origin": there.origin})).status_code == 204
            with pytest.raises(ConnectionClosed), trio.fail_after(30):
                await page.hear("nothing")
        assert (await there.http.get("/me")).status_code == 401


async def test_the_command_line_ends_all_logins_of_a_person() -> None:
    async with web_house() as house, operator_at(house) as there:
        async with there.page() as page:
            assert await house.door.log_out({}) == 1
            with pytest.raises(ConnectionClosed), trio.fail_after(30):
                await page.hear("nothing")
        assert (await there.http.get("/me")).status_code == 401
        with pytest.raises(UsageError, match="no user of the page"):
            await house.door.make_link({"user": "../x"})


async def test_a_body_that_is_no_secret_is_not_read_to_its_end() -> None:
    async with web_house() as house, browser(house.port) as there:
        assert (await there.post("/login", b"x" * 100_000)).status_code == 400
        assert (await there.post("/login", b"")).status_code == 400


async def test_every_answer_says_what_a_browser_must_not_do() -> None:
    async with web_house() as house, browser(house.port) as there:
        for path in ("/", "/style.css", "/nothing", "/me"):
            headers = (await there.http.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
        page = (await there.http.get("/")).text
        assert "<script>" not in page
        assert " on" not in "".join(part for part in page.split("<")[1:] if part.startswith(("body", "button", "form")))
        assert "style=" not in page
