"""The log file: one JSON object a line, whatever somebody put into a field."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw import logs
from nanoclaw.channels.secrets_file import ChannelSecrets
from nanoclaw.core.model_requests import Key
from nanoclaw.gateway.secrets_file import SecretsFile
from nanoclaw.kit.striking import STRUCK
from nanoclaw.logs import MOST_FIELD, TELL_ADDRESSES, log_to_file
from nanoclaw.model.ids import ChannelName
from tests.support.central import NOW


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    """A path for the log; whatever logs went to before gets them again afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configured = structlog.get_config()
    yield tmp_path / "logs" / "nanoclaw.log"
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)


def lines(path: Path) -> list[dict[str, object]]:
    """What the file says, each line read as JSON."""
    return [json.loads(line) for line in path.read_bytes().decode("ascii").splitlines()]


def test_an_event_is_a_line_with_its_level_and_its_time(log_file: Path) -> None:
    log_to_file(log_file)
    structlog.get_logger().warning("something_happened", session="ses-1", count=3)
    [line] = lines(log_file)
    assert datetime.fromisoformat(str(line.pop("timestamp"))).tzinfo is not None
    assert line == {"event": "something_happened", "level": "warning", "session": "ses-1", "count": 3}


def test_a_log_is_its_users_alone(log_file: Path) -> None:
    log_to_file(log_file)
    assert log_file.parent.stat().st_mode & 0o777 == 0o700


def test_a_log_never_takes_more_than_its_files_may(log_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_BYTES", 2_000)
    log_to_file(log_file)
    for number in range(200):
        structlog.get_logger().info("something_happened", number=number)
    files = sorted(log_file.parent.iterdir())
    assert [file.name for file in files] == ["nanoclaw.log", *(f"nanoclaw.log.{n + 1}" for n in range(logs.KEPT_FILES))]
    assert all(file.stat().st_size <= 2_000 for file in files)
    newest_first = [line["number"] for file in files for line in reversed(lines(file))]
    assert newest_first == list(range(199, 199 - len(newest_first), -1))


@pytest.mark.parametrize(("debug", "levels"), [(False, ["info", "error"]), (True, ["debug", "info", "error"])])
def test_debug_lines_are_written_only_when_asked_for(log_file: Path, *, debug: bool, levels: list[str]) -> None:
    log_to_file(log_file, debug=debug)
    log = structlog.get_logger()
    log.debug("a")
    log.info("b")
    log.error("c")
    assert [line["level"] for line in lines(log_file)] == levels


def test_a_field_is_cut_where_it_is_too_long(log_file: Path) -> None:
    log_to_file(log_file)
    structlog.get_logger().info("x", fits="f" * MOST_FIELD, long="l" * (MOST_FIELD + 1))
    [line] = lines(log_file)
    assert line["fits"] == "f" * MOST_FIELD
    assert line["long"] == "l" * MOST_FIELD + "…"


def test_an_exception_is_written_with_its_traceback(log_file: Path) -> None:
    log_to_file(log_file)
    try:
        int("broken\nin two")
    except ValueError:
        structlog.get_logger().exception("failed")
    [line] = lines(log_file)
    assert "Traceback" in str(line["exception"])
    assert "broken\\nin two" in str(line["exception"])


def test_a_value_that_json_does_not_know_is_written_as_text(log_file: Path) -> None:
    log_to_file(log_file)
    structlog.get_logger().info("x", path=Path("/a"))
    [line] = lines(log_file)
    assert line["path"] == "/a"


def test_what_a_library_logs_is_a_line_of_the_same_form(log_file: Path) -> None:
    log_to_file(log_file)
    try:
        int("broken")
    except ValueError:
        logging.getLogger("some.library").exception("two\nlines, %s", "please")
    [line] = lines(log_file)
    assert (line["event"], line["level"]) == ("two\nlines, please", "error")
    assert "ValueError: " in str(line["exception"])


@given(event=st.text(), field=st.text(st.characters()))
def test_no_text_can_forge_a_line_or_reach_a_terminal(
    tmp_path_factory: pytest.TempPathFactory, event: str, field: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "forged.log"
    path.unlink(missing_ok=True)
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    log_to_file(path)
    try:
        structlog.get_logger().info(event, field=field)
        written = path.read_bytes()
    finally:
        root.handlers[0].close()
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**configured)
    assert written.endswith(b"\n")
    assert all(0x20 <= byte < 0x7F for byte in written[:-1])
    assert json.loads(written)["field"] == field


def test_what_a_library_asks_of_whom_is_not_written_down(log_file: Path) -> None:
    log_to_file(log_file, debug=True)
    for library in TELL_ADDRESSES:
        logging.getLogger(library).info("HTTP Request: GET https://api.example.org/bot1:secret/getMe")
    assert "secret" not in log_file.read_text()


CANARY = 'canary-"quoted"\\and-ü-8421'


def test_a_secret_of_the_house_is_in_no_line_wherever_it_comes_from(log_file: Path, tmp_path: Path) -> None:
    secrets = ChannelSecrets(tmp_path)
    secrets.set(ChannelName("parrot"), {"token": CANARY})
    SecretsFile(tmp_path).set("https://models.example", Key("canary-key-of-a-model"), now=NOW)
    log_to_file(log_file, debug=True)
    log = structlog.get_logger()
    for secret in (CANARY, "canary-key-of-a-model"):
        log.info("refused", why=f"it said {secret} to us")
        log.info(f"said {secret}", nested={"headers": [("x", secret)]}, raw=secret.encode(), path=Path(secret))
        log.info("long", why="f" * (MOST_FIELD - 8) + secret)
        logging.getLogger("some.library").warning("asked %s", secret)
        with structlog.contextvars.bound_contextvars(account=secret):
            try:
                int(secret)
            except ValueError:
                log.exception("failed")
    written = log_file.read_text()
    assert "canary" not in written
    assert written.count(STRUCK) >= 14
    assert len(lines(log_file)) == 10


def test_a_line_says_what_whoever_wrote_it_was_at(log_file: Path) -> None:
    log_to_file(log_file)
    with structlog.contextvars.bound_contextvars(session="ses-1"):
        structlog.get_logger().info("a", epoch=3)
        logging.getLogger("some.library").warning("b")
    structlog.get_logger().info("c")
    assert [(line["event"], line.get("session")) for line in lines(log_file)] == [
        ("a", "ses-1"),
        ("b", "ses-1"),
        ("c", None),
    ]
