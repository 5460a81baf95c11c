"""The tables as SQLite sees them against the classes and enums that the code sees: the same fact, once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

import pytest
from attrs import fields_dict

from nanoclaw.model import egress, entities
from nanoclaw.model.approvals import ApprovalState, CardState, Needs
from nanoclaw.model.bindings import Asks
from nanoclaw.model.messages import EpochEnding, LedgerState, RevisionKind
from nanoclaw.model.questions import QuestionState
from nanoclaw.model.rights import Role
from nanoclaw.model.sandbox import Network
from nanoclaw.model.settings import AdminScope
from nanoclaw.model.tasks import Misfire, Outcome, TaskMaker, TaskState
from nanoclaw.store import audit
from nanoclaw.store.destinations import MadeBy
from nanoclaw.store.web_keys import KeyKind
from schema import LINK_VERSION, files, rows
from schema.sqlite import IN_MEMORY, Connection, ConstraintError, connect, execute, fetch, integer, scalar

DATABASES = {
    "inbound": [files.inbound_ddl()],
    "outbound": [files.outbound_ddl()],
    "central": files.central_ddl(),
}
ENUMS: dict[tuple[str, str, str], type[Enum]] = {
    ("inbound", "messages_in", "kind"): rows.InKind,
    ("inbound", "messages_in", "status"): rows.InStatus,
    ("inbound", "delivered", "status"): rows.DeliveredStatus,
    ("inbound", "destinations", "type"): rows.DestinationType,
    ("outbound", "messages_out", "kind"): rows.OutKind,
    ("outbound", "processing_ack", "status"): rows.AckStatus,
    ("outbound", "container_state", "phase"): rows.Phase,
    ("central", "inbound", "kind"): rows.InKind,
    ("central", "inbound", "status"): rows.InStatus,
    ("central", "ledger", "state"): LedgerState,
    ("central", "epochs", "ending"): EpochEnding,
    ("central", "messaging_groups", "unknown_sender_policy"): entities.UnknownSenderPolicy,
    ("central", "messaging_groups", "agent_labels"): entities.AgentLabels,
    ("central", "wirings", "engage_mode"): entities.EngageMode,
    ("central", "wirings", "sender_scope"): entities.SenderScope,
    ("central", "wirings", "ignored_message_policy"): entities.IgnoredMessagePolicy,
    ("central", "wirings", "session_mode"): entities.SessionMode,
    ("central", "roles", "role"): Role,
    ("central", "revisions", "kind"): RevisionKind,
    ("central", "destinations", "made_by"): MadeBy,
    ("central", "container_settings", "admin_scope"): AdminScope,
    ("central", "container_settings", "network"): Network,
    ("central", "tasks", "misfire"): Misfire,
    ("central", "tasks", "state"): TaskState,
    ("central", "tasks", "made_by"): TaskMaker,
    ("central", "occurrences", "outcome"): Outcome,
    ("central", "questions", "state"): QuestionState,
    ("central", "approvals", "state"): ApprovalState,
    ("central", "approvals", "needs"): Needs,
    ("central", "approval_cards", "state"): CardState,
    ("central", "web_keys", "kind"): KeyKind,
    ("central", "audit", "outcome"): audit.Outcome,
    ("central", "egress_log", "outcome"): egress.Outcome,
    ("central", "secret_bindings", "asks"): Asks,
}
CLASSES: dict[tuple[str, str], type] = {
    ("inbound", "messages_in"): rows.MessageIn,
    ("inbound", "delivered"): rows.Delivered,
    ("inbound", "destinations"): rows.Destination,
    ("inbound", "session_routing"): rows.Routing,
    ("inbound", "meta"): rows.Meta,
    ("outbound", "messages_out"): rows.MessageOut,
}
WHERE_SEQ_IS = [("inbound", "messages_in", "even"), ("outbound", "messages_out", "odd"), ("central", "inbound", "even")]


@pytest.fixture(params=DATABASES)
def conn(request: pytest.FixtureRequest) -> Iterator[Connection]:
    with_tables = opened(request.param)
    yield with_tables
    with_tables.close()


def opened(database: str) -> Connection:
    conn = connect(IN_MEMORY)
    for text in DATABASES[database]:
        execute(conn, text)
    return conn


def sql_of(database: str, table: str) -> str:
    conn = opened(database)
    found = str(scalar(conn, "SELECT sql FROM sqlite_schema WHERE name = ?", (table,)))
    conn.close()
    return found


def test_every_table_is_strict(conn: Connection) -> None:
    found = fetch(conn, "SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    assert found
    assert [row["name"] for row in found if not row["strict"]] == []


def test_every_table_has_a_key_that_cannot_be_null(conn: Connection) -> None:
    tables = [row["name"] for row in fetch(conn, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for table in tables:
        if str(table).startswith("sqlite_"):
            continue
        columns = fetch(conn, "SELECT * FROM pragma_table_info(?)", (table,))
        key = [column for column in columns if column["pk"]]
        assert key, table
        is_rowid = len(key) == 1 and key[0]["type"] == "INTEGER"
        assert is_rowid or all(column["notnull"] for column in key), table


def test_every_text_column_named_for_a_choice_has_a_check(conn: Connection) -> None:
    """A new enum column has to be entered in ENUMS above; this finds the ones that were forgotten."""
    checked = re.compile(r"(\w+)\s[^,]*CHECK \(\1 IN \('")
    for row in fetch(conn, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%IN (''%'"):
        for column in checked.findall(str(row["sql"])):
            known = {(table, name) for _, table, name in ENUMS}
            assert (row["name"], column) in known | {("drops", "kind")}


@pytest.mark.parametrize("where", ENUMS, ids=".".join)
def test_a_check_lists_exactly_the_values_of_its_enum(where: tuple[str, str, str]) -> None:
    database, table, column = where
    found = re.search(rf"\b{column}\s[^,]*?CHECK \({column} IN \(([^)]*)\)", sql_of(database, table))
    assert found is not None
    listed = [value.strip(" '\n") for value in found.group(1).split(",")]
    assert sorted(listed) == sorted(member.value for member in ENUMS[where])


@pytest.mark.parametrize("where", CLASSES, ids=".".join)
def test_a_row_class_has_exactly_the_columns_of_its_table(where: tuple[str, str]) -> None:
    database, table = where
    conn = opened(database)
    columns = {str(row["name"]): row for row in fetch(conn, "SELECT * FROM pragma_table_info(?)", (table,))}
    conn.close()
    columns.pop("only", None)
    attributes = fields_dict(CLASSES[where])
    assert sorted(columns) == sorted(attributes)
    for name, column in columns.items():
        may_be_null = "None" in str(attributes[name].type)
        assert may_be_null != bool(column["notnull"]), name


@pytest.mark.parametrize(("database", "table", "parity"), WHERE_SEQ_IS)
def test_the_number_of_the_other_side_is_refused(database: str, table: str, parity: str) -> None:
    text = sql_of(database, table)
    assert f"CHECK (seq > 0 AND seq % 2 = {0 if parity == 'even' else 1})" in text


@pytest.mark.parametrize(
    ("ddl", "sql"),
    [
        (files.inbound_ddl(), "INSERT INTO messages_in VALUES ('m', 1, 'chat', 't', 'pending', {rest})"),
        (files.inbound_ddl(), "INSERT INTO messages_in VALUES ('m', 0, 'chat', 't', 'pending', {rest})"),
        (files.inbound_ddl(), "INSERT INTO messages_in VALUES ('m', 2, 'gossip', 't', 'pending', {rest})"),
        (files.inbound_ddl(), "INSERT INTO messages_in VALUES (NULL, 2, 'chat', 't', 'pending', {rest})"),
        (files.inbound_ddl(), "INSERT INTO meta VALUES (2, 1, 0, '{{}}', 'UTC')"),
        (files.outbound_ddl(), "INSERT INTO messages_out VALUES ('m', 2, NULL, 't', NULL, 'chat', NULL, '{{}}')"),
        (files.outbound_ddl(), "INSERT INTO messages_out VALUES ('m', 'x', NULL, 't', NULL, 'chat', NULL, '{{}}')"),
        (files.outbound_ddl(), "INSERT INTO processing_ack VALUES ('m', 'thinking', 't', NULL)"),
        (files.outbound_ddl(), "INSERT INTO usage VALUES (0, 't', 'm', 1, 1, 0, 0.1)"),
        (files.outbound_ddl(), "INSERT INTO usage VALUES (1, 't', 'm', -1, 1, 0, 0.1)"),
        (files.outbound_ddl(), "INSERT INTO usage VALUES (1, 't', 'm', 1, 1, 0, -0.1)"),
        (files.outbound_ddl(), "INSERT INTO drafts VALUES (NULL, NULL, NULL, 'text', NULL, 't')"),
    ],
)
def test_a_row_that_breaks_the_contract_is_refused_by_the_file_itself(ddl: str, sql: str) -> None:
    conn = connect(IN_MEMORY)
    execute(conn, ddl)
    rest = "NULL, NULL, NULL, 0, 1, NULL, NULL, NULL, '{}', NULL, 0"
    with pytest.raises(ConstraintError):
        execute(conn, sql.format(rest=rest))
    conn.close()


@pytest.mark.parametrize("database", ["inbound", "outbound"])
def test_the_files_of_the_link_carry_their_version(database: str) -> None:
    conn = opened(database)
    assert integer(conn, "PRAGMA user_version") == LINK_VERSION
    conn.close()


def test_a_migration_leaves_the_version_to_whoever_applies_it() -> None:
    conn = opened("central")
    assert integer(conn, "PRAGMA user_version") == 0
    conn.close()
