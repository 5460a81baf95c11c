"""Conversations on the web page, over real sockets: nothing is lost, doubled or shown to somebody else."""

from __future__ import annotations

import trio

from nanoclaw.channels.base import Draft
from nanoclaw.core.conversations import Person
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address
from schema.payloads import AskQuestion, Card, ChatOut, Option
from schema.sqlite import fetch, scalar
from tests.channels.web_house import MAIN, operator_at, web_house
from tests.support.browser import PATIENCE, browser

WEB = ChannelName("web")
TEA = AskQuestion(
    question_id="q1", title="Tea?", question="Tea or coffee?",
    options=(Option(label="Tea", value="t"), Option(label="Coffee", value="c")),
)  # fmt: skip
MESSAGES = 16
"""More than the kernel keeps for somebody who does not read."""


async def test_what_is_said_is_kept_before_the_page_hears_so_and_answered_on_every_page() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as one, there.page() as two:
        assert (await one.write("hello"))["type"] == "kept"
        (event,) = fetch(house.store.conn, "SELECT channel, platform_id, sender_id FROM events")
        assert event == {"channel": "web", "platform_id": MAIN, "sender_id": "web:operator"}
        await house.says(ChatOut(text="**good** day"))
        for page in (one, two):
            (reply,) = await page.shown()
            assert reply["html"] == "<p><strong>good</strong> day</p>\n"
            assert reply["speaker"] == "Nano"
            (said,) = [item for item in page.items if item["type"] == "said"]
            assert (said["id"], said["text"], said["sender"]) == ("message-1", "hello", "Ada")


async def test_the_same_again_is_the_same_message() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page:
        for _ in range(3):
            assert (await page.write("hello"))["type"] == "kept"
        assert scalar(house.store.conn, "SELECT count(*) FROM inbound") == 1


async def test_a_page_that_was_away_is_shown_what_it_missed_and_nothing_twice() -> None:
    async with web_house() as house, operator_at(house) as there:
        async with there.page() as page:
            await page.write("hello")
            await house.says(ChatOut(text="one"))
            await page.shown()
            seen, known = page.seen, page.items
        await house.says(ChatOut(text="two"))
        await house.says(ChatOut(text="three"))
        async with there.page(after=seen) as again:
            assert [item["html"] for item in await again.shown(2)] == ["<p>two</p>\n", "<p>three</p>\n"]
            assert not {item["position"] for item in known} & {item["position"] for item in again.items}
        async with there.page() as fresh:
            assert [item["html"] for item in await fresh.shown(3)] == ["<p>one</p>\n", "<p>two</p>\n", "<p>three</p>\n"]


async def test_a_page_that_has_seen_more_than_there_is_begins_anew() -> None:
    async with web_house() as house, operator_at(house) as there, there.page(chat="") as page:
        page.chat = MAIN
        await page.say("open", chat=MAIN, after=1_000)
        assert (await page.hear("open"))["again"] is False


async def test_long_conversations_are_shown_from_their_end_and_read_backwards() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page:
        await page.write("hello")
        for number in range(60):
            await house.says(ChatOut(text=f"line {number}"))
        await page.shown(60)
        async with there.page() as late:
            first = await late.hear("items")
            assert len(first["items"]) == 50
            assert first["more"] is True
            await late.say("older", chat=MAIN, before=first["items"][0]["position"])
            earlier = await late.hear("items")
            assert (earlier["how"], earlier["more"], len(earlier["items"])) == ("older", False, 11)
            assert earlier["items"][0]["text"] == "hello"


async def test_a_question_is_answered_by_its_button_and_closed_on_every_page() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page, there.page() as other:
        await page.write("hello")
        await house.says(TEA)
        (asked,) = await page.shown()
        assert (asked["title"], asked["waits"], asked["answer"]) == ("Tea?", True, None)
        coffee = asked["options"][1]
        assert coffee == {"label": "Coffee", "value": "c"}
        pressed = await page.write("Coffee", 2, question="q1", choice=coffee["value"])
        assert pressed["type"] == "kept"
        for one in (page, other):
            while not (answers := [item for item in one.items if item["type"] == "answered"]):
                await one.hear("items")
            assert (answers[0]["question"], answers[0]["answer"]) == ("q1", "Coffee")
        late = await other.write("Tea", 3, question="q1", choice="t")
        assert late["type"] == "kept"  # the host says in the chat why it comes too late
        words = (await other.shown(2))[1]["html"]
        assert words == "<pre>This question has been answered: “Coffee”, by Ada.</pre>"  # the host's words, as they are
        async with there.page() as fresh:
            (asked, _) = await fresh.shown(2)
            assert (asked["waits"], asked["answer"]) == (False, "Coffee")


async def test_a_draft_grows_on_the_pages_that_look_and_none_comes_after_its_message() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page:
        await page.write("hello")
        to = Address(channel=WEB, platform_id=MAIN)
        for text in ("Once", "Once *upon* a"):
            await house.door.channel.show_draft(Draft(reply="r1", to=to, text=text, tool=None, speaker="Nano"))
            await page.hear("draft")
        frame = page.drafts[-1]
        assert (frame["reply"], frame["html"]) == ("r1", "<p>Once <em>upon</em> a</p>\n")
        await house.says(ChatOut(text="Once *upon* a time"))
        await page.shown()
        await house.door.channel.show_draft(Draft(reply="r1", to=to, text="Once *upon* a", tool=None, speaker="Nano"))
        await house.door.channel.show_draft(Draft(reply="r2", to=to, text="", tool="search", speaker="Nano"))
        assert (await page.hear("draft"))["tool"] == "search"


async def test_the_pages_that_look_see_that_somebody_types() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page:
        await page.write("hello")
        await house.door.channel.show_typing(Address(channel=WEB, platform_id="anna/main"))
        await house.door.channel.show_typing(Address(channel=WEB, platform_id=MAIN))
        assert await page.hear("typing") == {"type": "typing", "chat": MAIN}


async def test_cards_are_shown_with_their_title() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page:
        await page.write("hello")
        await house.says(Card(title="<b>News</b>", description="a `b`", fallback="News: a b"))
        (card,) = await page.shown()
        assert card["title"] == "<b>News</b>"  # the page makes text of it
        assert card["html"] == "<p>a <code>b</code></p>\n"


async def test_owners_begin_conversations_and_news_of_others_are_marked() -> None:
    async with web_house() as house, operator_at(house) as there, there.page(chat="") as page:
        listed = await page.hear("chats")
        assert [(one["id"], one["agents"]) for one in listed["chats"]] == [(MAIN, ["Nano"])]
        await page.say("begin", agent=listed["agents"][0]["id"], name="Garden")
        begun = await page.hear("chats")
        assert [one["name"] for one in begun["chats"]] == ["Chat", "Garden"]
        await page.open(begun["begun"])
        assert (await page.write("what to sow?"))["type"] == "kept"
        async with there.page() as other:
            await other.write("hello", 2)
            assert (await page.hear("news"))["chat"] == MAIN
        sessions = fetch(house.store.conn, "SELECT DISTINCT session_id FROM inbound")
        assert len(sessions) == 2


async def test_nobody_sees_or_speaks_in_conversations_of_somebody_else() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page, browser(house.port) as other:
        await page.write("a secret")
        link = await house.door.link(Person(handle="eve", name="Eve"))
        assert link is not None
        await other.log_in(link)
        async with other.page(chat="") as theirs:
            listed = await theirs.hear("chats")
            assert [one["id"] for one in listed["chats"]] == ["eve/main"]
            assert listed["agents"] == []
            for word, more in (("open", {}), ("older", {"before": 99}), ("say", {"id": "message-9", "text": "hi"})):
                await theirs.say(word, chat=MAIN, **more)
                assert (await theirs.hear("trouble", "items", "kept"))["why"] == "there is no such conversation"
            agent = scalar(house.store.conn, "SELECT id FROM agent_groups")
            await theirs.say("begin", agent=agent, name="Mine")
            assert "cannot begin" in (await theirs.hear("trouble", "chats"))["why"]
            await theirs.open("eve/main")
            # The id of another's message is another message.
            assert (await theirs.write("hello"))["type"] == "declined"
        assert scalar(house.store.conn, "SELECT count(*) FROM events") == 2


async def test_what_makes_no_sense_is_refused_and_the_page_goes_on() -> None:
    async with web_house() as house, operator_at(house) as there, there.page() as page:
        for nonsense in ("", "say", "say 5", "open []", "shout {}", 'say {"id": "x"}', "open {" * 100, "say {}x"):
            await page.socket.send_message(nonsense)
            assert (await page.hear("trouble"))["why"]
        lone = '{"id": "message-1", "chat": "operator/main", "text": "\\ud800"}'
        await page.socket.send_message(f"say {lone}")
        assert "surrogate" in (await page.hear("trouble"))["why"]
        assert (await page.write("hello"))["type"] == "kept"


async def test_a_page_that_takes_nothing_holds_up_neither_others_nor_the_end_of_the_host() -> None:
    with trio.fail_after(PATIENCE):
        async with web_house() as house, operator_at(house) as there, there.page() as page:
            await page.write("hello")
            deaf = await there.deaf(MAIN)
            for _ in range(MESSAGES):
                await house.says(ChatOut(text="€" * 99_000))
            assert len(await page.shown(MESSAGES)) == MESSAGES
    await deaf.aclose()
