"""The process of a town's host: `nanoclaw up` itself, with the fake platform's channel beside the terminal."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from unittest.mock import patch

from nanoclaw import app, config
from nanoclaw.cli import host
from nanoclaw.kit.spool import Spool
from nanoclaw.sandboxes.runtime import find_runtime
from tests.hostile.evil_bubblewrap import EvilBubblewrap
from tests.support.platform_channel import PlatformChannel


def main(home: Path, port: int, attacks: Path | None) -> int:
    """Be the host of *home* until a signal; returns the exit code. With *attacks*, sandboxes are bubblewrap's."""
    engines = None if attacks is None else lambda: (EvilBubblewrap(find_runtime(), attacks=attacks),)
    serve = partial(
        app.serve, engines=engines, more_channels=lambda: [PlatformChannel(port, spool=Spool(home / "spool"))]
    )
    with patch.object(app, "serve", serve):
        return host.up(config.load(home), debug=False)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) if sys.argv[3:] else None))
