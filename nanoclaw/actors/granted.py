"""The folders of this machine that an agent group's sandboxes see, as the allow-list and the disk are now."""

from __future__ import annotations

from nanoclaw.core.mounts import Allowed, CheckMounts
from nanoclaw.kit.threads import Threads
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store.db import Store
from nanoclaw.store.settings import all_mounts


async def granted(
    group: AgentGroupId, store: Store, threads: Threads, check_mounts: CheckMounts
) -> tuple[Allowed, ...]:
    """Those that *group* is to see."""
    wanted = await store.read(all_mounts)
    if all(one.agent_group_id != group for one in wanted):
        return ()
    verdicts = await threads.run(check_mounts, group, wanted)
    return tuple(verdict for verdict in verdicts if isinstance(verdict, Allowed))
