"""The demo is a provider like any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runner.providers.base import Provider
from runner.providers.demo import DemoProvider
from tests.runner.providers.contract import ProviderContract


class TestDemo(ProviderContract):
    """By the suite that all of them pass."""

    @asynccontextmanager
    async def provider(self) -> AsyncIterator[Provider]:
        """The demo."""
        yield DemoProvider("Nano")
