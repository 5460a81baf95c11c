"""Reading programs that agents name, out of folders that they can write. Follows no link, and waits for nobody."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from nanoclaw.core.attachments import size_in_words
from nanoclaw.core.mcp_programs import MOST_PROGRAM, MOST_PROGRAMS, Named, NoProgram, NotThere, Reading
from nanoclaw.link.plain_files import FILE, FOLDER, NO_FILE, RefusedError, content, opened

TOO_LARGE = f"it is larger than {size_in_words(MOST_PROGRAM)}"


def read_programs(folders: Sequence[Path], named: Sequence[Named]) -> Mapping[Named, Reading]:
    """What is in the files that are *named*, and a server cannot have too many of them. Blocks.

    Args:
      folders: Of the agent's, by their numbers. Nothing that a sandbox can write leads to them.
      named: Where to look.

    Raises:
      OSError: the host's own trouble.
    """
    found: dict[Named, Reading] = {}
    programs = 0
    for one in named:
        if programs > MOST_PROGRAMS:
            found[one] = NoProgram(f"a server has at most {MOST_PROGRAMS}")
            continue
        found[one] = _read(folders[one.folder], one.path)
        programs += isinstance(found[one], bytes)
    return found


def _read(folder: Path, path: Sequence[str]) -> Reading:
    try:
        with ExitStack() as open_ones:
            here = open_ones.enter_context(opened(str(folder), FOLDER, None))
            for name in path[:-1]:
                here = open_ones.enter_context(opened(name, FOLDER, here))
            file = open_ones.enter_context(opened(path[-1], FILE, here))
            if stat.S_ISDIR(os.fstat(file).st_mode):
                return NotThere()
            return b"".join(content(file, most=MOST_PROGRAM, too_large=TOO_LARGE))
    except RefusedError as exc:
        return NotThere() if str(exc) == NO_FILE else NoProgram(str(exc))
