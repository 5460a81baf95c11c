"""What may people leave behind whom nobody knows, however many they are and however much they say? Pure.

A refusal is a record that an operator reads, a request is a card that a person reads, and context is what an agent is
shown. Of each, a crowd gets as much as somebody can read; what is more is counted. The hours are those of the clock.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

MOST_RECORDED = 100
"""Events of one place and hour that are recorded one by one although nobody hears them."""
MOST_ASKED = 20
"""Requests about strangers and their chats in an hour, of one channel: each is a card that somebody has to read."""
MOST_WAITING = 100
"""Such requests that wait at a time, of one channel."""
MOST_CONTEXT = 200
"""Messages that wait in a session as context, at least: as many as an agent is ever shown at once, and more."""
CONTEXT_STEP = 20
"""How many more there may be before the oldest make room: so it is looked at once in so many messages."""
MOST_THREADS = 50
"""Threads of one chat in an hour in which nobody spoke to an agent, and that are kept for it all the same."""
CONTEXT_FULL = "context-full"
"""The reason of what made room."""
THREADS_FULL = "threads-full"
"""The reason of what would have been a thread too many."""


@frozen(kw_only=True)
class Asked:
    """What people have been asked about strangers of one channel."""

    lately: int
    """Requests of the last hour."""
    waiting: int
    """Those that nobody has decided."""
    about_them: bool
    """Does one wait that this sender caused, for the same agent?"""


def may_ask(asked: Asked) -> bool:
    """Is there room for one more request?"""
    return not asked.about_them and asked.lately < MOST_ASKED and asked.waiting < MOST_WAITING


def is_recorded(recorded: int) -> bool:
    """Is an event that nobody hears recorded by itself, if there were *recorded* of its place in this hour?"""
    return recorded < MOST_RECORDED


def context_is_looked_at(seq: int) -> bool:
    """Is it time to see whether context has to make room, when one more comes to a session whose last had *seq*?"""
    return seq // 2 % CONTEXT_STEP == 0


def is_kept_in_thread(threads: int) -> bool:
    """Is context kept in a new thread, if there were *threads* new ones of its chat and agent in this hour?"""
    return threads < MOST_THREADS


def hour_of(now: datetime) -> datetime:
    """The beginning of the hour."""
    return now.replace(minute=0, second=0, microsecond=0)
