"""What can be approved, and what handles the requests of agents that lean on more than the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nanoclaw.actors.approval_kinds import KINDS
from nanoclaw.actors.approving import Kind
from nanoclaw.actors.egress_kind import EgressKind
from nanoclaw.actors.mcp_server_kind import McpServerKind, McpServerRequests, ReadsPrograms
from nanoclaw.actors.packages_kind import Builder, PackageRequests, PackagesKind
from nanoclaw.actors.requests import Handler
from nanoclaw.actors.secret_kind import SecretKind
from nanoclaw.admin.agent_writes import AdminKind
from nanoclaw.admin.for_agents import AgentCommands
from nanoclaw.model.approvals import ApprovalKind
from nanoclaw.model.ids import ChannelName

ALL_KINDS: Mapping[ApprovalKind, Kind] = {
    **KINDS,
    ApprovalKind.ADMIN: AdminKind(),
    ApprovalKind.SECRET: SecretKind(),
    ApprovalKind.EGRESS: EgressKind(),
}
"""Those that need nothing of the host but `Means`."""

NO_IMAGES = (
    "your sandbox is {engine}'s and has no image that packages could be in: an operator can install them on this "
    "machine, or run nanoclaw with docker"
)


def all_kinds(builder: Builder | None, programs: ReadsPrograms) -> Mapping[ApprovalKind, Kind]:
    """The same, and the others.

    Args:
      builder: Builds images; None: nothing does.
      programs: Reads what MCP servers would be started with.
    """
    return {
        **ALL_KINDS,
        ApprovalKind.PACKAGES: PackagesKind(builder),
        ApprovalKind.MCP_SERVER: McpServerKind(programs),
    }


def handlers(
    *, threaded: Callable[[], Mapping[ChannelName, bool]], mint: Callable[[str], str], engine: str, images: bool
) -> Mapping[str, Handler]:
    """The handlers besides those that there are in any case, by the names of their actions.

    Args:
      threaded: Which channels have threads?
      mint: Makes ids.
      engine: Whose sandboxes they are in.
      images: Have its sandboxes images that can be built?
    """
    why_not = None if images else NO_IMAGES.format(engine=engine)
    return {
        "install_packages": PackageRequests(why_not=why_not, mint=mint),
        "admin": AgentCommands(threaded=threaded, mint=mint),
        "add_mcp_server": McpServerRequests(mint=mint),
    }
