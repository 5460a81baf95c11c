"""Files travel both ways, byte for byte, through real processes, under every engine."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

from tests.e2e.test_chat import settings
from tests.support.host import HostProcess, running_host, until

MIB = 1 << 20


def chat(host: HostProcess, here: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """`nanoclaw chat`, by somebody who is in the folder *here*."""
    here.mkdir(exist_ok=True)
    return host.cli("chat", *arguments, typed=typed, folder=here)


def spooled(home: Path) -> list[str]:
    return [path.name for path in (home / "spool").iterdir()]


def test_a_file_goes_in_and_another_comes_out(home: Path, engine: str, tmp_path: Path) -> None:
    data = os.urandom(MIB)
    (tmp_path / "random.bin").write_bytes(data)
    here = tmp_path / "here"
    with running_host(home, settings(engine)) as host:
        said = chat(host, here, "--file", str(tmp_path / "random.bin"), "Send it back!")
        assert said.returncode == 0, said
        assert f"I got random.bin ({MIB} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]})." in said.stdout
        assert f"file: random.bin (1 MiB) saved to {here / 'random.bin'}" in said.stdout
        assert (here / "random.bin").read_bytes() == data
        said = chat(host, here, f"file {MIB}")
        assert said.returncode == 0, said
        made = (here / "demo.bin").read_bytes()
        assert len(made) == MIB
        digest = re.search(r"sha256 (\w+)", said.stdout)
        assert digest is not None
        assert digest[1] == hashlib.sha256(made).hexdigest()[:16]
        # What came in stays for its agent; what was sent goes as soon as it is known to be there.
        until(lambda: len(spooled(home)) == 1)
        assert host.cli("verify").returncode == 0
        host.stop()
    assert host.cli("verify").returncode == 0


def test_nothing_of_the_persons_is_overwritten(home: Path, tmp_path: Path) -> None:
    with running_host(home, settings("process")) as host:
        for name in ("demo.bin", "demo (2).bin", "demo (3).bin"):
            said = chat(host, tmp_path, "send me a file")
            assert f"saved to {tmp_path / name}" in said.stdout
    assert len({path.name for path in tmp_path.iterdir()}) == 3


def test_in_a_conversation_a_line_sends_a_file(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "my file.txt"
    path.write_text("hello")
    with running_host(home, settings("process")) as host:
        typed = f'/file "{path}" hello\n/file\n/file /no/such/file\n/file {tmp_path}\nfile 7\n'
        said = chat(host, tmp_path / "here", typed=typed)
        assert said.returncode == 0, said
        assert "I got my file.txt (5 bytes, sha256 2cf24dba5fb0a30e)." in said.stdout
        assert "“hello” to you too" in said.stdout
        assert "which file?" in said.stdout
        assert "/no/such/file: No such file" in said.stdout
        assert "is not a file" in said.stdout
        assert len((tmp_path / "here" / "demo.bin").read_bytes()) == 7


def test_a_file_alone_is_a_message_and_what_cannot_be_one_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(25 * MIB + 1)
    with running_host(home, settings("process")) as host:
        said = chat(host, tmp_path, "--file", str(tmp_path / "a"), "--file", str(tmp_path / "a"))
        assert said.returncode == 0, said
        assert "I got a (1 bytes" in said.stdout
        assert "I got a (2) (1 bytes" in said.stdout
        for wrong, why in ((tmp_path / "large", "larger than 25 MiB"), (tmp_path / "none", "No such file")):
            said = chat(host, tmp_path, "--file", str(wrong), "look")
            assert (said.returncode, why in said.stderr) == (1, True), said


def test_a_file_that_is_too_large_to_send_is_said_to_the_agent(home: Path, engine: str, tmp_path: Path) -> None:
    """The demo makes it in its sandbox; the runner itself refuses."""
    with running_host(home, settings(engine)) as host:
        said = chat(host, tmp_path, f"file {25 * MIB + 1}")
        assert (said.returncode, "is larger than 25 MiB" in said.stdout) == (0, True), said
        assert not list(tmp_path.glob("demo*"))
        assert chat(host, tmp_path, f"file {25 * MIB}").returncode == 0
        assert (tmp_path / "demo.bin").stat().st_size == 25 * MIB
        until(lambda: not spooled(home))


def test_a_host_that_dies_with_a_file_on_its_way_delivers_it_after_its_restart(
    home: Path, engine: str, tmp_path: Path
) -> None:
    data = os.urandom(100_000)
    (tmp_path / "a.bin").write_bytes(data)
    here = tmp_path / "here"
    with running_host(home, settings(engine)) as host:
        chat(host, here, "--wait", "1", "wait 4")
        chat(host, here, "--wait", "2", "--file", str(tmp_path / "a.bin"), "send it back")
        host.kill()
        host.start()
        said = chat(host, here, "hello")
        assert said.returncode == 0, said
        assert (here / "a.bin").read_bytes() == data
        host.stop()
    assert host.cli("verify").returncode == 0
