"""The tables of nanoclaw.db and of the link against every class that stands for their rows, in name, order and type."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import NewType, Union, get_args, get_origin, get_type_hints

import pytest
from attrs import fields_dict

from nanoclaw.link import fields
from nanoclaw.model import approvals, channels, entities, messages, questions, rights, tasks
from nanoclaw.model import files as model_files
from nanoclaw.model.bindings import Binding, Pass
from nanoclaw.model.egress import EgressRule
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.store.asked import Asked
from nanoclaw.store.audit import Record
from nanoclaw.store.destinations import StoredDestination
from nanoclaw.store.package_requests import PackageRequest
from nanoclaw.store.programs import Program
from nanoclaw.store.projection import STATUS
from nanoclaw.store.spending import StoredBudget
from nanoclaw.store.usage import Usage
from runner import model as runner_model
from schema import files, payloads, progress, rows, sqlite
from schema.sqlite import IN_MEMORY, Row, execute, fetch

ROOT = Path(__file__).resolve().parent.parent
DATABASES = {
    "central": files.central_ddl(),
    "inbound": [files.inbound_ddl()],
    "outbound": [files.outbound_ddl()],
}
CLASSES: dict[tuple[str, str], type] = {
    ("central", "agent_groups"): entities.AgentGroup,
    ("central", "messaging_groups"): entities.MessagingGroup,
    ("central", "wirings"): entities.Wiring,
    ("central", "sessions"): entities.Session,
    ("central", "epochs"): messages.Epoch,
    ("central", "inbound"): messages.InboundRow,
    ("central", "ledger"): messages.LedgerRow,
    ("central", "drops"): messages.Drop,
    ("central", "attachments"): model_files.Attachment,
    ("central", "users"): rights.User,
    ("central", "roles"): rights.Grant,
    ("central", "members"): rights.Member,
    ("central", "destinations"): StoredDestination,
    ("central", "container_settings"): ContainerSettings,
    ("central", "approvals"): approvals.Approval,
    ("central", "approval_cards"): approvals.Card,
    ("central", "tasks"): tasks.Task,
    ("central", "occurrences"): tasks.Occurrence,
    ("central", "requests"): Asked,
    ("central", "package_requests"): PackageRequest,
    ("central", "programs"): Program,
    ("central", "questions"): questions.Question,
    ("central", "usage"): Usage,
    ("central", "audit"): Record,
    ("central", "egress_rules"): EgressRule,
    ("central", "secret_bindings"): Binding,
    ("central", "secret_passes"): Pass,
    ("central", "budgets"): StoredBudget,
    ("central", "channels"): channels.ConfiguredChannel,
    ("inbound", "messages_in"): rows.MessageIn,
    ("inbound", "delivered"): rows.Delivered,
    ("inbound", "destinations"): rows.Destination,
    ("inbound", "session_routing"): rows.Routing,
    ("inbound", "meta"): rows.Meta,
    ("outbound", "messages_out"): rows.MessageOut,
    ("outbound", "processing_ack"): runner_model.Ack,
    ("outbound", "session_state"): runner_model.SavedState,
    ("outbound", "container_state"): runner_model.ContainerState,
    ("outbound", "drafts"): progress.Draft,
    ("outbound", "usage"): progress.Usage,
}
WITHOUT_A_CLASS = {
    ("central", "home"),
    ("central", "ledger_files"),
    ("central", "ticks"),
    ("central", "events"),
    ("central", "engagements"),
    ("central", "revisions"),
    ("central", "direct_messages"),
    ("central", "approval_tokens"),
    ("central", "question_tokens"),
    ("central", "kept_messages"),
    ("central", "web_feed"),
    ("central", "web_keys"),
    ("central", "marks"),
    ("central", "ledger_parts"),
    ("central", "spending"),
    ("central", "egress_asking"),
    ("central", "egress_log"),
    ("central", "parkings"),
    ("central", "cancellations"),
    ("central", "continuations"),
}
"""Tables that are never read as whole rows."""


def columns(database: str, table: str) -> dict[str, Row]:
    """The columns of a table, by name, in their order; without the key of a table of one row."""
    conn = sqlite.connect(IN_MEMORY)
    for text in DATABASES[database]:
        execute(conn, text)
    found = {str(row["name"]): row for row in fetch(conn, "SELECT * FROM pragma_table_info(?)", (table,))}
    conn.close()
    found.pop("only", None)
    return found


def stored(hint: object) -> tuple[str, bool]:
    """How SQLite stores a value of that type, and whether it may be NULL."""
    may_be_null = False
    if get_origin(hint) in {Union, UnionType}:
        members = [member for member in get_args(hint) if member is not NoneType]
        may_be_null = len(members) < len(get_args(hint))
        (hint,) = members
    while isinstance(hint, NewType):
        hint = hint.__supertype__
    assert isinstance(hint, type)
    if issubclass(hint, str | datetime | Enum):
        return "TEXT", may_be_null
    if hint in (float, bytes):
        return {float: "REAL", bytes: "BLOB"}[hint], may_be_null
    assert issubclass(hint, int)
    return "INTEGER", may_be_null


@pytest.mark.parametrize("where", CLASSES, ids=".".join)
def test_a_class_has_the_columns_of_its_table_in_their_order_and_types(where: tuple[str, str]) -> None:
    cls = CLASSES[where]
    table = columns(*where)
    assert list(fields_dict(cls)) == list(table)
    hints = get_type_hints(cls)
    for name, column in table.items():
        # SQLite lets the key of a rowid table be NULL on its way in; what is stored never is.
        is_null = not column["notnull"] and not column["pk"]
        assert stored(hints[name]) == (column["type"], is_null), name


def test_every_table_has_a_class_or_is_named_as_one_without() -> None:
    for database, texts in DATABASES.items():
        conn = sqlite.connect(IN_MEMORY)
        for text in texts:
            execute(conn, text)
        names = fetch(conn, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        conn.close()
        known = {table for place, table in CLASSES.keys() | WITHOUT_A_CLASS if place == database}
        assert {row["name"] for row in names} == known


def test_customs_reads_the_columns_that_a_runner_writes() -> None:
    assert list(fields.OUT_COLUMNS) == list(columns("outbound", "messages_out"))
    for table, read in {
        "processing_ack": fields.ACK_COLUMNS,
        "session_state": fields.STATE_COLUMNS,
        "container_state": fields.TOOL_COLUMNS,
        "drafts": fields.DRAFT_COLUMNS,
        "usage": fields.USAGE_COLUMNS,
    }.items():
        assert set(read) <= set(columns("outbound", table))


@pytest.mark.parametrize(
    ("classes", "enum"),
    [
        (payloads.IN_CLASSES, rows.InKind),
        (payloads.OUT_CLASSES, rows.OutKind),
        (STATUS, {state for state in messages.LedgerState if state.value not in {"pending", "sending"}}),
    ],
)
def test_every_kind_and_every_end_has_what_stands_for_it(classes: Mapping[Enum, object], enum: set[Enum]) -> None:
    assert set(classes) == set(enum)


def test_the_schema_that_is_imported_is_the_one_beside_the_programs(tmp_path: Path) -> None:
    """There is a package of that name on PyPI, which would import as easily."""
    code = "import nanoclaw, runner, schema; print(nanoclaw.__path__[0], runner.__path__[0], schema.__path__[0])"
    found = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    homes = {Path(place).resolve().parent for place in found}
    assert homes == {ROOT}
    assert Path(files.__file__).resolve().parent == ROOT / "schema"
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution("schema")
