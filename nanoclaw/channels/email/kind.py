"""Email as a kind of channel: what it asks for, and whether the servers take it."""

from __future__ import annotations

from nanoclaw.channels.email.channel import EmailChannel
from nanoclaw.channels.email.imap import open_mailbox
from nanoclaw.channels.email.parsing import fields, headers_of
from nanoclaw.channels.email.settings import COPIES, Settings, settings
from nanoclaw.channels.email.smtp import open_outbox
from nanoclaw.channels.registry import Asked, Checked, Kind, Means
from nanoclaw.errors import DeliveryError, UsageError

LOOKED_AT = 20
"""Mails in which the check looks for what the server says of senders."""


def _make(means: Means) -> EmailChannel:
    """A channel of those settings."""
    return EmailChannel(means, settings(means.settings))


async def _check(means: Means) -> Checked:
    """Log in at both servers, and send nothing."""
    told = settings(means.settings)
    try:
        async with open_mailbox(means.name, told.imap, told.login) as mailbox:
            await mailbox.stand(readonly=True)
            folder = await mailbox.sent_folder()
            newest = await mailbox.newest(LOOKED_AT)
        async with open_outbox(means.name, told.smtp, told.login):
            pass
    except DeliveryError as exc:
        if exc.retryable:
            raise
        raise UsageError(str(exc)) from exc
    notes = [_about_senders(told, _servers(newest))]
    if folder is None:
        notes.append("the mailbox has no folder for what was sent (\\Sent): without, a mail in doubt is sent twice")
    return Checked(account=told.addresses[0], notes=tuple(notes))


def _servers(mails: list[bytes]) -> list[str]:
    """The names of servers that say something of senders, in the first such field of each mail."""
    tops = (top for raw in mails if (top := headers_of(raw)) is not None)
    first = (found[0] for top in tops if (found := fields(top, "Authentication-Results")))
    return sorted({name for one in first if (name := one.partition(";")[0].strip().lower().partition(" ")[0])})


def _about_senders(told: Settings, found: list[str]) -> str:
    """What to do so that senders are verified."""
    seen = f"the newest mails have {', '.join(found)}" if found else "the newest mails have none"
    if not told.authserv:
        return (
            "nobody who writes is verified, and so nobody has rights: name the server that checks senders (authserv); "
            f"of Authentication-Results, {seen}"
        )
    if told.authserv in found:
        return f"whom {told.authserv} vouches for is verified; it has to take out such fields of what others send"
    return f"no mail here has Authentication-Results of {told.authserv} yet: {seen}"


KIND = Kind(
    name="email",
    title="Email",
    asks=(
        Asked(name="url", question="Where the mailbox is: imaps://imap.example.org, or imap:// for STARTTLS"),
        Asked(name="smtp", question="Where mail is sent: smtps://smtp.example.org, or smtp:// for STARTTLS"),
        Asked(name="address", question="Address that agents write from; others of the mailbox behind it, with commas"),
        Asked(name="user", question="Name to log in with, if it is not the address", default=""),
        Asked(name="password", question="Password of the mailbox, best one for this program alone", secret=True),
        Asked(
            name="authserv",
            question="First word of Authentication-Results that your mail server writes; empty: nobody is verified",
            default="",
        ),
        Asked(name="senders", question="Who is heard? Addresses or domains, with commas; * for everybody", default="*"),
        Asked(name="every", question="Seconds between looks, besides the news that the server tells", default="30"),
        COPIES,
    ),
    make=_make,
    check=_check,
)
