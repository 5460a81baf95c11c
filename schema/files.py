"""The names of files and folders that host and runner both use, and where the sandbox sees them."""

from __future__ import annotations

from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

INBOUND = "inbound.db"
OUTBOUND = "outbound.db"
OUTBOUND_JOURNAL = "outbound.db-journal"
HEARTBEAT = "heartbeat"
DOORBELL = "doorbell"
"""In `in/`: the host gives it a new time, which is a ring."""
ANSWER = "answer"
"""In `out/`: the runner gives it the time of the last ring that its loop has seen."""
GATEWAY_SOCKET = "gateway.sock"
PROXY_SOCKET = "proxy.sock"
"""Beside the gateway's, where there is a OneCLI server: leads to its proxy."""
PROXY_JSON = "proxy.json"
"""Beside it: the variables by which programs find the proxy and trust it."""
PROXY_CA = "proxy-ca.pem"
PROXY_BUNDLE = "proxy-bundle.pem"
"""The proxy's certificates, and those that this machine trusts besides."""
INBOX = "inbox"
OUTBOX = "outbox"
CONTAINER_JSON = "container.json"
CLAUDE_MD = "CLAUDE.md"
FRAGMENTS = ".claude-fragments"
PROGRAMS = "programs"

MOST_FILE_BYTES = 25 << 20
"""Of one file. What the platforms that people write on take at most is about that; a model reads far less."""
MOST_FILES = 10
"""With one message: as many as the platforms put into one."""

SANDBOX_IN = "/nanoclaw/in"
SANDBOX_OUT = "/nanoclaw/out"
SANDBOX_GATEWAY = "/nanoclaw/gateway"
"""The folder of the session's socket. A folder, because the host of tomorrow puts a new socket there."""
SANDBOX_SETTINGS = "/nanoclaw/container.json"
SANDBOX_PROGRAMS = "/nanoclaw/programs"
"""Copies of programs that an agent could change, as they were when somebody approved them."""
SANDBOX_WORKSPACE = "/workspace"
SANDBOX_AGENT = "/workspace/agent"
SANDBOX_EXTRA = "/workspace/extra"
SANDBOX_HOME = "/home/agent"
SANDBOX_STATE = "/home/agent/.claude"
SANDBOX_APP = "/app"
SANDBOX_SKILLS = "/app/skills"
IMAGE_PACKAGES = "/opt/nanoclaw/packages"
"""Where an agent image keeps the packages that the runner imports, compiled."""
IMAGE_MODEL_PACKAGES = "/opt/nanoclaw/claude"
"""Where it keeps the SDK and the command line of the model, if it was built with them."""
IMAGE_USER = "1000:1000"
"""The user `agent` of an agent image, and its group."""


@cache
def inbound_ddl() -> str:
    """The whole schema of inbound.db."""
    return (_resources("schema") / "inbound.sql").read_text(encoding="utf-8")


@cache
def outbound_ddl() -> str:
    """The whole schema of outbound.db."""
    return (_resources("schema") / "outbound.sql").read_text(encoding="utf-8")


def central_ddl() -> list[str]:
    """The migrations of nanoclaw.db, the first first. Migration n takes the file to `user_version` n."""
    folder = _resources("schema") / "central"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    for number, file in enumerate(found, start=1):
        if not file.name.startswith(f"{number:04d}_"):
            raise ValueError(f"schema/central: expected migration {number:04d}, found {file.name}")
    return [file.read_text(encoding="utf-8") for file in found]


def _resources(package: str) -> Traversable:
    # Imported here: a runner needs the names above before its first look, and none of its files.
    from importlib.resources import files

    return files(package)
