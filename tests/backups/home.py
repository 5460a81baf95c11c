"""A home with something of everything in it, for tests that back it up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nanoclaw.store.entities import install_id
from nanoclaw.store.home import make_folders
from nanoclaw.store.opening import open_writer
from schema.sqlite import fetch, open_read_only
from tests.support.central import NOW, World


@contextmanager
def opened(home: Path) -> Iterator[World]:
    """The truth of *home*, made if it is not there, open for writing."""
    home.mkdir(exist_ok=True)
    make_folders(home)
    writer = open_writer(home / "nanoclaw.db")
    try:
        world = World(conn=writer.conn)
        install_id(world.conn, fresh="home-1", now=NOW)
        yield world
    finally:
        writer.close()


def filled(home: Path) -> Path:
    """A home with a session, and files of every kind."""
    with opened(home) as world:
        world.claimed(world.session())
    work = home / "groups" / "nano"
    (work / "empty").mkdir(parents=True)
    (work / "notes.md").write_text("remember the milk")
    (work / "tool.sh").write_text("#!/bin/sh")
    (work / "tool.sh").chmod(0o755)
    (work / "here").symlink_to("/workspace/agent/notes.md")
    (home / "state" / "agt-nano").mkdir()
    (home / "state" / "agt-nano" / "model.json").write_text("{}")
    (home / "secrets" / "anthropic.json").write_text("the key")
    (home / "nanoclaw.toml").write_text('[agent]\nname = "Nano"\n')
    return home


def names(home: Path) -> list[str]:
    """The home's agents, as its truth has them."""
    conn = open_read_only(home / "nanoclaw.db")
    try:
        return [str(row["name"]) for row in fetch(conn, "SELECT name FROM agent_groups ORDER BY name")]
    finally:
        conn.close()


def tree(folder: Path) -> dict[str, str]:
    """What is in a folder: each file with its content, each link with where it leads, each folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"→ {path.readlink()}"
        else:
            found[name] = path.read_text() if path.is_file() else "/"
    return found
