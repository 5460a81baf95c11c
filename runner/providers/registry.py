"""The providers there are: those that come with the runner, and those that installed packages bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points

from runner.errors import ConfigError
from runner.model import Container
from runner.providers.base import Provider
from runner.providers.claude.provider import claude_provider
from runner.providers.demo import DemoProvider
from runner.providers.demo_servers import WithServers
from runner.tools.base import Toolbox

GROUP = "nanoclaw.providers"
"""The group of entry points. Each names a function like those below."""

PROVIDERS: Mapping[str, Callable[[Container, Toolbox], Provider]] = {
    "claude": claude_provider,
    "demo": lambda container, toolbox: DemoProvider(
        agent=container.assistant_name, toolbox=WithServers(toolbox, container.mcp_servers)
    ),
}


def make_provider(name: str, container: Container, toolbox: Toolbox) -> Provider:
    """The provider called *name*, with these tools. One of ours comes before an installed one of the same name.

    Raises:
      ConfigError: there is none of that name, and these are; or it cannot be loaded, and why.
    """
    make = PROVIDERS.get(name)
    if make is not None:
        return make(container, toolbox)
    installed = {point.name: point for point in entry_points(group=GROUP)}
    if name not in installed:
        there_are = ", ".join(sorted({*PROVIDERS, *installed}))
        raise ConfigError(f"there is no provider {name!r}; there are: {there_are}")
    return _made_by(installed[name], container, toolbox)


def _made_by(point: EntryPoint, container: Container, toolbox: Toolbox) -> Provider:
    try:
        provider: Provider = point.load()(container, toolbox)
    except Exception as exc:
        # Somebody else's code: whatever it raises, the log has to say which provider it was.
        raise ConfigError(f"the provider {point.name!r} ({point.value}): {type(exc).__name__}: {exc}") from exc
    return provider
