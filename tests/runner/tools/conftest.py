"""The tools over a link, in a turn that answers the first message from "room"."""

from __future__ import annotations

import pytest

from runner.inbox import Inbox
from runner.outbox import Outbox
from tests.runner.link import Link, chat
from tests.runner.tools.bench import Bench


@pytest.fixture
def bench(link: Link, inbox: Inbox, outbox: Outbox) -> Bench:
    """One in the middle of a turn."""
    made = Bench.over(link, inbox, outbox)
    made.tools.current = link.say(chat("please")).id
    return made
