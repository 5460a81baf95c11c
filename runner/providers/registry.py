"""The providers there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from runner.errors import ConfigError
from runner.model import Container
from runner.providers.base import Provider
from runner.providers.demo import DemoProvider

PROVIDERS: Mapping[str, Callable[[Container], Provider]] = {
    "demo": lambda container: DemoProvider(agent=container.assistant_name),
}


def make_provider(name: str, container: Container) -> Provider:
    """The provider called *name*. Raises `ConfigError`, which names those there are."""
    make = PROVIDERS.get(name)
    if make is None:
        raise ConfigError(f"there is no provider {name!r}; there are: {', '.join(sorted(PROVIDERS))}")
    return make(container)
