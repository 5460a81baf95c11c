"""The providers there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from runner.errors import ConfigError
from runner.model import Container
from runner.providers.base import Provider
from runner.providers.claude.provider import claude_provider
from runner.providers.demo import DemoProvider
from runner.tools.base import Toolbox

PROVIDERS: Mapping[str, Callable[[Container, Toolbox], Provider]] = {
    "claude": claude_provider,
    "demo": lambda container, _: DemoProvider(agent=container.assistant_name),
}


def make_provider(name: str, container: Container, toolbox: Toolbox) -> Provider:
    """The provider called *name*, with these tools. Raises `ConfigError`, which names those there are."""
    make = PROVIDERS.get(name)
    if make is None:
        raise ConfigError(f"there is no provider {name!r}; there are: {', '.join(sorted(PROVIDERS))}")
    return make(container, toolbox)
