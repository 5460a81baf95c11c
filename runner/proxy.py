"""The way to a proxy for programs in here: a port that leads to the host's socket, and variables that say so.

The host has put its files beside its socket. What is near, such as the relay to the model, is reached without a proxy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import field, frozen

from runner.errors import ConfigError
from runner.relay import LOCAL, open_relay
from schema.files import PROXY_JSON, PROXY_SOCKET
from schema.strict_json import JsonError, read

MOST_CONNECTIONS = 64
"""At a time: the host has a limit of its own, and programs that fetch many things open many."""
NEAR = f"{LOCAL},localhost,::1"


@frozen(kw_only=True)
class Proxy:
    """What proxy.json says, and where it lies."""

    folder: Path
    variables: Mapping[str, str] = field(factory=dict[str, str])
    proxies: Mapping[str, str] = field(factory=dict[str, str])
    """Variables that name the proxy, and who we are there."""
    certificates: Mapping[str, str] = field(factory=dict[str, str])
    """Variables that name a file, and its name in the folder."""
    model: bool = False
    """Does the model answer by way of the proxy too? Otherwise by the gateway."""

    def environment(self, port: int) -> dict[str, str]:
        """All the variables, with the proxy at *port*."""
        ways = {name: f"http://{user}{'@' if user else ''}{LOCAL}:{port}" for name, user in self.proxies.items()}
        files = {name: str(self.folder / file) for name, file in self.certificates.items()}
        return {**self.variables, **ways, **files, "NO_PROXY": NEAR, "no_proxy": NEAR}


def load_proxy(gateway: str | None) -> Proxy | None:
    """What lies beside the *gateway*'s socket; None: there is no proxy. Raises `ConfigError`."""
    if gateway is None:
        return None
    folder = Path(gateway).parent
    try:
        found = read((folder / PROXY_JSON).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, JsonError) as exc:
        raise ConfigError(f"{PROXY_JSON}: {exc}") from None
    if not isinstance(found, dict) or not isinstance(model := found.get("model"), bool):
        raise ConfigError(f"{PROXY_JSON}: not what a host writes there")
    return Proxy(
        folder=folder,
        variables=_texts(found, "variables"),
        proxies=_texts(found, "proxies"),
        certificates=_texts(found, "certificates"),
        model=model,
    )


@asynccontextmanager
async def open_proxy(proxy: Proxy | None) -> AsyncIterator[Mapping[str, str]]:
    """The variables for programs in here, which hold for the length of the block; none without a *proxy*.

    What the block raises comes out as it is. Cancellation: the port and every connection over it are closed.
    """
    if proxy is None:
        yield {}
        return
    async with open_relay(str(proxy.folder / PROXY_SOCKET), MOST_CONNECTIONS) as relay:
        yield proxy.environment(relay.port)


def _texts(found: Mapping[str, object], name: str) -> dict[str, str]:
    said = found.get(name)
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        raise ConfigError(f"{PROXY_JSON}: {name}: not texts by name")
    return said
