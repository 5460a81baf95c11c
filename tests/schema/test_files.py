"""The names that both programs use, and the texts of the schemas."""

from __future__ import annotations

from pathlib import Path

import pytest

import schema
from schema import files
from schema.sqlite import connect, execute, integer

ROOT = Path(__file__).resolve().parents[2]


def test_the_schema_that_is_imported_is_ours() -> None:
    assert schema.__file__ is not None
    assert Path(schema.__file__).resolve() == ROOT / "schema" / "__init__.py"


def test_central_migrations_are_numbered_without_a_gap_and_each_works_after_those_before() -> None:
    texts = files.central_ddl()
    assert len(texts) == len(list((ROOT / "schema" / "central").glob("*.sql"))) > 0
    conn = connect(Path(":memory:"))
    for text in texts:
        execute(conn, text)
    assert integer(conn, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'events'") == 1
    conn.close()


@pytest.mark.parametrize("names", [["0002_second.sql"], ["0001_a.sql", "0001_b.sql"], ["1_a.sql"]])
def test_a_gap_in_the_numbers_is_refused(names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "central").mkdir()
    for name in names:
        (tmp_path / "central" / name).write_text("")
    monkeypatch.setattr(files, "_resources", lambda _: tmp_path)
    with pytest.raises(ValueError, match="expected migration"):
        files.central_ddl()


def test_migrations_come_in_the_order_of_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "central").mkdir()
    for number in range(12, 0, -1):
        (tmp_path / "central" / f"{number:04d}_x.sql").write_text(f"-- {number}")
    (tmp_path / "central" / "README.md").write_text("no migration")
    monkeypatch.setattr(files, "_resources", lambda _: tmp_path)
    assert files.central_ddl() == [f"-- {number}" for number in range(1, 13)]
