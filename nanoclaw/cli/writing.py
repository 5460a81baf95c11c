"""What the command line writes into the truth itself, in a home that no host runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from nanoclaw.backups.before_upgrade import back_up_before_upgrade
from nanoclaw.config import Config
from nanoclaw.kit.clock import SystemClock
from nanoclaw.store.home import held, make_folders
from nanoclaw.store.opening import open_writer
from schema.sqlite import Connection, transaction


@contextmanager
def written(config: Config) -> Iterator[tuple[Connection, datetime]]:
    """One transaction, and the time of it. What is missing of the home is made; before new tables, a backup of the old.

    Raises:
      HomeInUseError: a host runs; nothing was written.
      BackupError: the backup cannot be made; nothing has changed.
      StoreError, OSError: the database cannot be written.
    """
    now = SystemClock().now()
    with held(config.home, now=now):
        make_folders(config.home)
        back_up_before_upgrade(config.home, config.backups_folder, now=now)
        writer = open_writer(config.database)
        try:
            with transaction(writer.conn):
                yield writer.conn, now
        finally:
            writer.close()
