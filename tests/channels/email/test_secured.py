"""TLS on real servers, from the first byte on and by STARTTLS; a certificate that does not do lets nothing be said."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import trustme
from attrs import frozen

from nanoclaw.channels.email.imap import Login, open_mailbox
from nanoclaw.channels.email.smtp import open_outbox
from nanoclaw.channels.email.wires import Server
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import ChannelName
from tests.support.email.post_office import PASSWORD, PostOffice, expect_servers, open_post_office

pytestmark = [pytest.mark.dovecot, pytest.mark.slow, pytest.mark.timeout(120)]
EMAIL, LOGIN = ChannelName("email"), Login(user="nano@example.org", password=PASSWORD)


@frozen
class Secured:
    """Servers with a certificate for `localhost`."""

    office: PostOffice
    authority: Path

    def imaps(self, host: str = "localhost") -> Server:
        return Server(host=host, port=self.office.imaps, tls=True, starttls=False)

    def starttls(self, port: int) -> Server:
        return Server(host="localhost", port=port, tls=False, starttls=True)


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncGenerator[Secured]:
    expect_servers()
    authority = trustme.CA()
    shown = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    async with open_post_office(shown) as office:
        yield Secured(office, tmp_path / "authority.pem")


async def test_both_servers_are_spoken_to_in_secret(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secured.authority))
    mail = b"From: nano@example.org\r\nMessage-ID: <a@example.org>\r\n\r\nhello\r\n"
    async with open_outbox(EMAIL, secured.starttls(secured.office.smtp), LOGIN) as outbox:
        await outbox.send("nano@example.org", "ada@example.org", mail)
    for where in (secured.imaps(), secured.starttls(secured.office.imap)):
        async with open_mailbox(EMAIL, where, LOGIN) as mailbox:
            await mailbox.stand()
            await mailbox.wait(0.1)
            await mailbox.keep("Sent", mail)
            assert await mailbox.holds("Sent", "a@example.org")


async def test_a_server_that_nobody_vouches_for_is_told_no_password(
    secured: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in (secured.imaps(), secured.starttls(secured.office.imap)):
        with pytest.raises(DeliveryError, match="certificate of the mail server") as failed:
            async with open_mailbox(EMAIL, where, LOGIN):
                pass
        assert not failed.value.retryable
    with pytest.raises(DeliveryError, match="certificate of the mail server"):
        async with open_outbox(EMAIL, secured.starttls(secured.office.smtp), LOGIN):
            pass
    monkeypatch.setenv("SSL_CERT_FILE", str(secured.authority))
    with pytest.raises(DeliveryError, match="certificate of the mail server"):
        async with open_mailbox(EMAIL, secured.imaps("127.0.0.1"), LOGIN):
            pass
    assert "Login:" not in secured.office.told()
