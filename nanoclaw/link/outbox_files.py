"""Files out of a folder that a sandbox writes: copied into the spool, through descriptors alone and without trust.

A runner puts the files of a message into `outbox/<message id>/` before it commits the message. The way there goes
through the descriptor of its folder, one component at a time, and follows no link; what is opened is looked at by its
descriptor, never by its name again, so it does not matter what takes the name's place. Nothing here waits, and nothing
is removed or changed in there. A file that is being written, or swapped for another, is refused or is whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from nanoclaw.core.attachments import safe_names
from nanoclaw.core.outgoing_files import Unsent, choose, most_bytes, too_large, unsent
from nanoclaw.kit.spool import Spool
from nanoclaw.link.layout import OutDirectory
from nanoclaw.link.plain_files import FILE, FOLDER, RefusedError, content, opened
from nanoclaw.model.files import LedgerFile, Spooled
from schema.files import OUTBOX


@frozen
class Collected:
    """What became of the files of one message."""

    files: tuple[LedgerFile, ...] = ()
    """They are in the spool."""
    unsent: tuple[Unsent, ...] = ()


def collect(out: OutDirectory, message: str, names: Sequence[str], spool: Spool, *, waiting: int) -> Collected:
    """Copy the files *names* of *message* into *spool*, as far as they are files. Blocks.

    Args:
      out: The folder of the message's epoch.
      message: The runner's id of it, which can be the name of a folder.
      names: As the message has them.
      spool: Where to.
      waiting: Bytes of the session's that wait to be sent already.

    Raises:
      OSError: the host's own trouble, such as a full disk. Nothing stays in the spool then.
    """
    looked_for, refused = choose(names)
    taken: list[tuple[str, Spooled]] = []
    left_out: list[Unsent] = []
    try:
        for name in looked_for:
            most = most_bytes(waiting + sum(file.size for _, file in taken))
            try:
                taken.append((name, take(out, message, name, spool, most=most)))
            except RefusedError as exc:
                left_out.append(unsent(name, str(exc)))
    except BaseException:
        spool.remove(file.id for _, file in taken)
        raise
    files = tuple(
        LedgerFile(name=name, size=file.size, digest=file.digest, spool_id=file.id)
        for name, (_, file) in zip(safe_names(name for name, _ in taken), taken, strict=True)
    )
    return Collected(files, (*left_out, *refused))


def take(out: OutDirectory, message: str, name: str, spool: Spool, *, most: int) -> Spooled:
    """Copy one file. Raises `RefusedError` for what is none, `OSError` for the host's own troubles."""
    with (
        opened(OUTBOX, FOLDER, out.fd) as outbox,
        opened(message, FOLDER, outbox) as folder,
        opened(name, FILE, folder) as fd,
        spool.begin(most=most) as copy,
    ):
        for chunk in content(fd, most=most, too_large=too_large(most)):
            copy.write(chunk)
        return copy.finish()
