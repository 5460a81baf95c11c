"""Every error this program raises on purpose.

NanoclawError
├─ UsageError             the operator asked for something that makes no sense
├─ HomeInUseError         another host holds this home
├─ StoreError             the truth could not be read or written
│  ├─ StoreFullError      no space: nothing was written, trying later can help
│  ├─ StoreBrokenError    the disk failed: this process must not go on writing
│  └─ NewerStoreError     the file was made by a newer nanoclaw
├─ SandboxError           an engine could not start or stop a sandbox
├─ ImageError             an image could not be found, fetched or built
├─ BackupError            a backup could not be made or used
├─ DeliveryError          a platform refused or lost a message; says if trying again can help
├─ NobodyThereError       the platform's other end is away; trying again costs no attempt
└─ RestartIntensityError  a child kept failing; its supervisor gives up

Errors carry fields, not prose: `str()` is for people, the fields are for code.
Callers branch on the type or a field and never on the text.
"""

from __future__ import annotations

from attrs import define


class NanoclawError(Exception):
    """Base of every deliberate error. Anything else that escapes is a bug."""


class UsageError(NanoclawError):
    """Asked for something that makes no sense; `str()` says what to do instead."""


@define(kw_only=True, eq=False)
class HomeInUseError(NanoclawError):
    """Another host holds this home."""

    home: str
    holder: str
    """Who holds it, as it wrote itself into the lock file."""

    def __str__(self) -> str:
        return f"{self.home} is in use by {self.holder}: stop that one first, or choose another NANOCLAW_HOME"


class StoreError(NanoclawError):
    """The central database could not do what was asked; nothing of it happened."""


class StoreFullError(StoreError):
    """There is no space left: nothing was written. Trying again helps once there is."""


class StoreBrokenError(StoreError):
    """The disk failed under the central database: whether a commit is durable can no longer be known."""


@define(kw_only=True, eq=False)
class NewerStoreError(StoreError):
    """The central database was written by a newer nanoclaw."""

    found: int
    known: int

    def __str__(self) -> str:
        return (
            f"nanoclaw.db is at version {self.found} and this nanoclaw knows only {self.known}: "
            "install the newer nanoclaw, or restore a backup from before the upgrade"
        )


@define(kw_only=True, eq=False)
class SandboxError(NanoclawError):
    """An engine could not start, find or stop a sandbox."""

    engine: str
    why: str

    def __str__(self) -> str:
        return f"{self.engine}: {self.why}"


@define(kw_only=True, eq=False)
class ImageError(NanoclawError):
    """An image for sandboxes could not be found, fetched or built. The one in use is still in use."""

    why: str
    mend: str = ""
    """The command that mends it, or an empty text."""

    def __str__(self) -> str:
        return f"{self.why}. Mend it with: {self.mend}" if self.mend else self.why


class BackupError(NanoclawError):
    """A backup could not be made, or is not whole; what was there before is as it was. `str()` says what to do."""


@define(kw_only=True, eq=False)
class DeliveryError(NanoclawError):
    """A channel could not put a message on its platform.

    `retryable` is the channel's own judgement: True for weather (time-outs, rate limits, 5xx), False for facts (no
    such chat, bot removed). `reached` is True when the platform may have taken the message all the same.
    """

    channel: str
    why: str
    retryable: bool
    reached: bool = False
    retry_after: float | None = None
    """Seconds the platform asked us to wait, if it said."""

    def __str__(self) -> str:
        return f"{self.channel}: {self.why}"


@define(kw_only=True, eq=False)
class NobodyThereError(NanoclawError):
    """Nobody is at the other end just now, such as a terminal without a chat open. The message waits."""

    channel: str

    def __str__(self) -> str:
        return f"{self.channel}: nobody is there"


@define(kw_only=True, eq=False)
class RestartIntensityError(NanoclawError):
    """A supervisor restarted *child* too often and is failing in its turn."""

    child: str
    restarts: int
    period: float

    def __str__(self) -> str:
        return f"{self.child} needed {self.restarts} restarts within {self.period:g} s"
