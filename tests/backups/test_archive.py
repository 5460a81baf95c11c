"""Whoever made an archive can write nothing outside of the home that it is restored into."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from nanoclaw.backups.archive import CONTENTS, read_archive
from nanoclaw.core.backup_contents import FORMAT
from nanoclaw.errors import BackupError


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    made.size = 4 if kind == tarfile.REGTYPE else 0
    return made


def file(name: str) -> tarfile.TarInfo:
    return member(name)


def link(name: str, target: str) -> tarfile.TarInfo:
    return member(name, tarfile.SYMTYPE, target)


def contents_of(members: Sequence[tarfile.TarInfo]) -> Mapping[str, object]:
    digest = hashlib.sha256(b"data").hexdigest()
    return {
        "format": FORMAT,
        "made_at": "2026-04-16T14:37:00.000Z",
        "install": None,
        "tables": 1,
        "files": {one.name: {"size": 4, "sha256": digest} for one in members if one.isreg()},
        "skipped": [],
    }


def archive(
    folder: Path, *members: tarfile.TarInfo, contents: object = None, after: Sequence[tarfile.TarInfo] = ()
) -> Path:
    path = folder / "made.tar.gz"
    table = json.dumps(contents_of(members) if contents is None else contents).encode()
    last = member(CONTENTS)
    last.size = len(table)
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for one in members:
            tar.addfile(one, io.BytesIO(b"data") if one.isreg() else None)
        tar.addfile(last, io.BytesIO(table))
        for one in after:
            tar.addfile(one, io.BytesIO(b"data"))
    return path


def unpack(path: Path, folder: Path) -> None:
    into = folder / "into"
    into.mkdir()
    read_archive(path, into, lambda _: None)


def test_an_archive_is_unpacked_with_its_links_as_they_are(tmp_path: Path) -> None:
    made = archive(tmp_path, file("nanoclaw.db"), file("groups/a/b"), link("groups/a/c", "/etc/passwd"))
    unpack(made, tmp_path)
    assert (tmp_path / "into/groups/a/b").read_text() == "data"
    assert str((tmp_path / "into/groups/a/c").readlink()) == "/etc/passwd"


@pytest.mark.parametrize(
    "members",
    [
        [file("../outside")],
        [file("/outside")],
        [file("groups/../../outside")],
        [file("groups//outside")],
        [file("groups/./outside")],
        [file("secrets/anthropic.json")],
        [file("groups")],
        [file("run/cli.sock")],
        [link("groups", "/etc")],
        [link("nanoclaw.toml/x", "/etc")],
        [member("../folder", tarfile.DIRTYPE)],
        [member("groups/device", tarfile.CHRTYPE)],
        [member("groups/pipe", tarfile.FIFOTYPE)],
        [member("groups/hard", tarfile.LNKTYPE, "/etc/passwd")],
        [file("groups/a"), file("groups/a")],
        [link("groups/a", "/tmp"), file("groups/a/b")],
        [link("groups/a", "/tmp"), link("groups/a/b", "x")],
        [link("groups/a", "/tmp"), link("groups/a", "x")],
        [link("groups/a", "/tmp"), member("groups/a", tarfile.DIRTYPE)],
        [file("groups/a"), link("groups/a", "x")],
    ],
    ids=lambda members: " and ".join(one.name for one in members),
)
def test_what_does_not_belong_into_a_home_is_refused(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    with pytest.raises(BackupError, match="no whole backup"):
        unpack(archive(tmp_path, *members), tmp_path)
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "contents",
    [
        [],
        {"format": FORMAT},
        {**contents_of([]), "format": FORMAT + 1},
        {**contents_of([]), "format": "1"},
        {**contents_of([]), "more": 1},
        {**contents_of([]), "made_at": "yesterday"},
        {**contents_of([]), "files": {"../x": {"size": 4, "sha256": ""}}},
    ],
)
def test_a_table_of_contents_that_makes_no_sense_is_refused(tmp_path: Path, contents: object) -> None:
    with pytest.raises(BackupError, match=r"no whole backup: it"):
        unpack(archive(tmp_path, contents=contents), tmp_path)


def test_a_file_that_the_table_does_not_know_is_refused_and_one_that_it_misses(tmp_path: Path) -> None:
    for there, known in (([file("groups/a")], []), ([], [file("groups/a")])):
        made = archive(tmp_path, *there, contents=contents_of(known))
        with pytest.raises(BackupError, match="its files are not those of its table of contents"):
            read_archive(made, None, lambda _: None)


def test_nothing_may_follow_the_table_of_contents(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="more after its table of contents"):
        unpack(archive(tmp_path, after=[file("groups/a")]), tmp_path)
