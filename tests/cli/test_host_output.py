"""A host goes on when nobody reads any more what it prints."""

from __future__ import annotations

import os

from nanoclaw.cli.host import _Lasting


def test_a_reader_that_goes_away_ends_nothing() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", buffering=1) as pipe:
        console = _Lasting(file=pipe)
        console.print("is anybody there?")
        console.print("nobody is")
