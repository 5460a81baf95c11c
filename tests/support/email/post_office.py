"""Real mail servers on loopback: Dovecot for mailboxes, and Exim, which takes mail and hands it to Dovecot.

Debian's packages `dovecot-imapd`, `dovecot-lmtpd` and `exim4-daemon-light`. Both run in a folder of their own and by
nobody's rights: a superuser who starts them lends them none. Every address has a mailbox as soon as it gets mail, and
one password opens all.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import create_connection

import pytest
import trio
import trustme
from attrs import define, field

from tests.support.ports import free_port

MUST_HAVE = "NANOCLAW_NEEDS_DOVECOT"
DOVECOT, EXIM, LMTP = Path("/usr/sbin/dovecot"), Path("/usr/sbin/exim4"), Path("/usr/lib/dovecot/lmtp")
PASSWORD = "secret"  # noqa: S105 - of mailboxes that live for one test
AUTHSERV = "mx.example.org"
"""Exim takes out what others say of senders, and vouches for whoever logged in with the address of their `From`."""
START_SECONDS = 30.0
STOP_SECONDS = 20.0

DOVECOT_CONF = """
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_username_format = %Lu
mail_location = maildir:{folder}/mail/%u
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""

EXIM_CONF = """
exim_user = {uid}
exim_group = {gid}
spool_directory = {folder}/spool
log_file_path = {folder}/exim-%slog
pid_file_path = {folder}/exim.pid
primary_hostname = mx.example.org
daemon_smtp_ports = {smtp}
local_interfaces = 127.0.0.1
deliver_drop_privilege = true
keep_environment =
host_lookup =
rfc1413_hosts =
tls_advertise_hosts = {starttls}
{certificate}
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  deny local_parts = nobody-here
  accept
data:
  warn
    remove_header = Authentication-Results
  warn
    condition = ${{if eqi{{$authenticated_id}}{{${{address:$h_from:}}}}}}
    add_header = :at_start:Authentication-Results: {authserv}; dmarc=pass header.from=${{domain:${{address:$h_from:}}}}
  accept
begin routers
lost:
  driver = redirect
  local_parts = lost-later
  data = :fail: there is no such person here
  allow_fail
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = lmtp
begin transports
lmtp:
  driver = smtp
  protocol = lmtp
  port = {lmtp}
  allow_localhost
  hosts_try_fastopen =
begin retry
* * F,1h,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if eq{{$auth3}}{{{password}}}}}
  server_set_id = $auth2
"""


def why_no_servers() -> str:
    """Why there are none on this machine; empty if there are."""
    missing = [str(one) for one in (DOVECOT, LMTP, EXIM) if not one.exists()]
    return f"no {', '.join(missing)}: install dovecot-imapd, dovecot-lmtpd and exim4-daemon-light" if missing else ""


def expect_servers() -> None:
    """Skip a test that has none; fail where it must have them."""
    if why := why_no_servers():
        if os.environ.get(MUST_HAVE):
            pytest.fail(f"mail servers are needed here: {why}")
        pytest.skip(why)


@define(eq=False)
class PostOffice:
    """Both servers, which can be stopped and started again; what they keep stays."""

    folder: Path
    certificate: trustme.LeafCert | None = None
    """What the servers show who they are with; None: there is no TLS."""
    imap: int = field(factory=free_port, init=False)
    imaps: int = field(factory=free_port, init=False)
    smtp: int = field(factory=free_port, init=False)
    _lmtp: int = field(factory=free_port, init=False)
    _running: list[subprocess.Popen[bytes]] = field(factory=list[subprocess.Popen[bytes]], init=False)
    _owner: pwd.struct_passwd = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._owner = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self._own(self.folder)
        if self.certificate is not None:
            chain = b"".join(one.bytes() for one in self.certificate.cert_chain_pems)
            self._write("shown.pem", chain.decode())
            self._write("key.pem", self.certificate.private_key_pem.bytes().decode())
        values = {
            "folder": self.folder,
            "user": self._owner.pw_name,
            "group": grp.getgrgid(self._owner.pw_gid).gr_name,
            "uid": self._owner.pw_uid,
            "gid": self._owner.pw_gid,
            "imap": self.imap,
            "imaps": self.imaps if self.certificate else 0,
            "smtp": self.smtp,
            "lmtp": self._lmtp,
            "password": PASSWORD,
            "authserv": AUTHSERV,
            "ssl": "yes" if self.certificate else "no",
            "starttls": "*" if self.certificate else "",
        }
        shown, key = self.folder / "shown.pem", self.folder / "key.pem"
        of_dovecot = f"ssl_cert = <{shown}\nssl_key = <{key}" if self.certificate else ""
        of_exim = f"tls_certificate = {shown}\ntls_privatekey = {key}" if self.certificate else ""
        self._write("dovecot.conf", DOVECOT_CONF.format(**values, certificate=of_dovecot))
        self._write("exim.conf", EXIM_CONF.format(**values, certificate=of_exim))
        self._own(self._made("spool"))

    async def start(self) -> None:
        """Start both, and wait until they answer. Raises `TooSlowError`."""
        self._start(str(DOVECOT), "-F", "-c", str(self.folder / "dovecot.conf"))
        self._start(str(EXIM), "-C", str(self.folder / "exim.conf"), "-bdf", "-q1s")
        with trio.fail_after(START_SECONDS):
            for port in (self.imap, self._lmtp, self.smtp):
                while not await trio.to_thread.run_sync(_answers, port):
                    assert all(one.poll() is None for one in self._running), self.told()
                    await trio.sleep(0.05)

    async def stop(self) -> None:
        """Stop both, in good order if they will."""
        running, self._running = self._running, []
        for process in running:
            process.terminate()
        for process in running:
            try:
                await trio.to_thread.run_sync(process.wait, STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def number_anew(self, address: str) -> None:
        """Have the mailbox of *address* number its mails anew, as after a restore. The servers are to be stopped."""
        for name in ("dovecot-uidlist", "dovecot-uidvalidity", "dovecot.index", "dovecot.list.index"):
            for found in (self.folder / "mail" / address).glob(f"{name}*"):
                found.unlink()

    def told(self) -> str:
        """The end of what both wrote into their logs."""
        return "\n".join(one.read_text(errors="replace")[-2_000:] for one in sorted(self.folder.glob("*log")))

    def _start(self, *command: str) -> None:
        user, group, others = (self._owner.pw_uid, self._owner.pw_gid, ()) if os.getuid() == 0 else (None, None, None)
        with (self.folder / "started.log").open("ab") as log:
            started = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, user=user, group=group, extra_groups=others
            )
        self._running.append(started)

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")
        self._own(self.folder / name)

    def _made(self, name: str) -> Path:
        (self.folder / name).mkdir(exist_ok=True)
        return self.folder / name

    def _own(self, path: Path) -> None:
        if os.getuid() == 0:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)


def _answers(port: int) -> bool:
    try:
        with create_connection(("127.0.0.1", port), timeout=2) as line:
            return bool(line.recv(1))
    except OSError:
        return False


@asynccontextmanager
async def open_post_office(certificate: trustme.LeafCert | None = None) -> AsyncGenerator[PostOffice]:
    """Both servers, until left. Their folder is not one of pytest's: nobody else may go through those."""
    folder = Path(tempfile.mkdtemp(prefix="nanoclaw-mail-"))
    office = PostOffice(folder, certificate)
    try:
        await office.start()
        yield office
    finally:
        with trio.move_on_after(STOP_SECONDS * 2 + 5, shield=True):
            await office.stop()
        shutil.rmtree(folder, ignore_errors=True)
