"""Files on the web page, over real sockets: both ways, byte for byte, within limits, and never shown in a browser."""

from __future__ import annotations

import os

from nanoclaw.actors.spool_sweep import SpoolSweep
from schema.files import MOST_FILE_BYTES, MOST_FILES
from schema.payloads import ChatOut
from schema.sqlite import execute, fetch
from tests.channels.web_house import operator_at, web_house
from tests.support.browser import browser

DATA = os.urandom(300_000)


async def test_a_file_goes_in_with_its_message_and_can_be_fetched_again() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page:
        key = await there.send_file("pic/../x.png", DATA)
        assert (await page.write("", files=[key]))["type"] == "kept"
        (row,) = fetch(house.store.conn, "SELECT name, size FROM attachments")
        assert row == {"name": "pic_.._x.png", "size": len(DATA)}
        while not page.items:
            await page.hear("items")
        (said,) = page.items
        assert said["files"] == [{"name": "pic_.._x.png", "size": len(DATA)}]
        fetched = await there.http.get(f"/files/{said['position']}/0")
        assert fetched.content == DATA
        # Once it was heard, the page may have been cut off: the same again is the same message.
        assert (await page.write("", files=[key]))["type"] == "kept"
        assert (await page.write("", 2, files=[key]))["type"] == "declined"


async def test_an_agents_file_is_saved_and_never_opened_by_the_browser() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page:
        await page.write("hello")
        evil = await house.file('résumé";.html', b"<script>alert(1)</script>")
        await house.says(ChatOut(text="here"), files=[evil])
        (shown,) = await page.shown()
        answer = await there.http.get(f"/files/{shown['position']}/0")
        assert answer.content == b"<script>alert(1)</script>"
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9%22%3B.html"
        # It stays for as long as the page can show it: the sweep leaves it alone.
        await SpoolSweep(house.store, house.spool).whole()
        assert (await there.http.get(f"/files/{shown['position']}/0")).status_code == 200
        execute(house.store.conn, "DELETE FROM ledger_files")
        await SpoolSweep(house.store, house.spool).whole()
        assert list(house.spool.folder.iterdir()) == []


async def test_files_are_for_those_whose_conversation_it_is() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page, browser(house.port) as other:
        await page.write("hello")
        await house.says(ChatOut(text="here"), files=[await house.file("a.txt", b"secret")])
        (shown,) = await page.shown()
        path = f"/files/{shown['position']}/0"
        assert (await other.http.get(path)).status_code == 401
        assert (await other.post("/files?name=x", b"x")).status_code == 401
        link = str(await house.door.make_link({"user": "eve"}))
        await other.log_in(link)
        assert (await other.http.get(path)).status_code == 404
        for number in ("1", "-1", "999"):
            assert (await there.http.get(f"/files/{shown['position']}/{number}")).status_code == 404
        key = await there.send_file("mine.txt", b"x")
        async with other.page("eve/main") as theirs:
            assert (await theirs.write("", files=[key]))["type"] == "declined"
        assert (await page.write("", 2, files=[key]))["type"] == "kept"


async def test_what_is_too_large_or_too_much_is_refused_and_leaves_nothing() -> None:
    async with web_house() as house, operator_at(house) as there:
        answer = await there.post("/files?name=big", b"x" * (MOST_FILE_BYTES + 1))
        assert (answer.status_code, answer.text) == (413, "it is larger than 25 MiB")
        assert (await there.post("/files?name=", b"x")).status_code == 413
        assert list(house.spool.folder.iterdir()) == []
        for number in range(2 * MOST_FILES):
            await there.send_file(f"{number}", b"x")
        answer = await there.post("/files?name=more", b"x")
        assert "wait for their message already" in answer.text


async def test_a_file_that_is_gone_says_so() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page:
        await page.write("hello")
        file = await house.file("a.txt", b"old")
        await house.says(ChatOut(text="here"), files=[file])
        (shown,) = await page.shown()
        house.spool.remove([file.spool_id])
        answer = await there.http.get(f"/files/{shown['position']}/0")
        assert (answer.status_code, answer.text) == (410, "this file is not kept any more")
