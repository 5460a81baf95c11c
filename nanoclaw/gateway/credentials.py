"""What the sandboxes of each agent group are given of OneCLI's: asked for at every start, which waits or is refused.

There is no start without it. A sandbox that was started because nobody could be asked would be one whose way out
nobody watches.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import structlog
import trio
from attrs import define, field

from nanoclaw.core import onecli
from nanoclaw.core.endpoints import ANTHROPIC, BadEndpoint, Endpoint
from nanoclaw.core.model_requests import Key
from nanoclaw.core.notices import plain
from nanoclaw.core.onecli import OneCliAwayError, OneCliRefusedError, Unfit
from nanoclaw.core.proxy_settings import ProxySettings, proxy_settings
from nanoclaw.errors import SandboxError, UsageError
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.onecli import OneCli
from nanoclaw.kit.ids import jitter
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import AgentGroupId

log = structlog.get_logger()


@define(eq=False)
class Credentials:
    """Asks the server for one agent group at a time."""

    _client: OneCli
    _key_for: Callable[[str], Key | None]
    """The host's own key for a model's origin. Blocks. Raises `UsageError`."""
    _luck: Callable[[], float] = jitter
    _proxies: dict[AgentGroupId, Endpoint] = field(factory=dict[AgentGroupId, Endpoint], init=False)

    async def prepare(
        self, group: AgentGroup, model: Endpoint | BadEndpoint, say: Callable[[str], None]
    ) -> ProxySettings:
        """What a sandbox of *group* is to be given. Waits, for as long as it takes, while nobody answers.

        Args:
          group: Whose sandbox is started.
          model: Where its model answers.
          say: Told what is waited for.

        Raises:
          SandboxError: the server will not have it, or says nothing that could be used.

        Cancellation: nothing is left but perhaps the agent, which would be made again in any case.
        """
        failures = 0
        while True:
            try:
                settings = attrs.evolve(await self._ask(group), model=await self._lacks_key(model))
            except OneCliAwayError as exc:
                failures += 1
                pause = onecli.pause(failures, self._luck())
                say(f"waiting for OneCLI: {exc}")
                log.warning("onecli_away", agent_group=group.id, why=str(exc), again_in=round(pause, 1))
                await trio.sleep(pause)
                continue
            except OneCliRefusedError as exc:
                raise SandboxError(engine="onecli", why=str(exc)) from exc
            return settings

    async def proxy(self, group: AgentGroup) -> Endpoint:
        """Where the proxy of *group* is, for a sandbox that runs already. Raises `UnreachableError`."""
        known = self._proxies.get(group.id)
        if known is not None:
            await trio.lowlevel.checkpoint()
            return known
        try:
            return (await self._ask(group)).proxy
        except (OneCliAwayError, OneCliRefusedError) as exc:
            raise UnreachableError(str(exc)) from exc

    async def _ask(self, group: AgentGroup) -> ProxySettings:
        await self._client.ensure_agent(group.id, group.name)
        config = await self._client.container_config(group.id)
        for warning in config.warnings:
            log.warning("onecli_warns", agent_group=group.id, why=plain(warning))
        settings = proxy_settings(config)
        if isinstance(settings, Unfit):
            raise OneCliRefusedError(f"the container configuration cannot be used: {settings.why}")
        self._proxies[group.id] = settings.proxy
        return settings

    async def _lacks_key(self, model: Endpoint | BadEndpoint) -> bool:
        """Does Claude answer by way of OneCLI? It does where the host itself has no key for it."""
        if isinstance(model, BadEndpoint) or model.origin != ANTHROPIC:
            return False
        try:
            return await trio.to_thread.run_sync(self._key_for, ANTHROPIC) is None
        except UsageError as exc:
            raise OneCliRefusedError(str(exc)) from exc
