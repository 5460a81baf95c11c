"""Whether a mail is from the address that it names, by what the operator's own receiving server found. Pure.

Anybody can write any `From`. A receiving server that checks SPF, DKIM and DMARC says in a header what it found:
`Authentication-Results` (RFC 8601), which begins with the server's own name. A sender can put such headers in as well.
The server puts its own on top of all that came with the mail, so only the first that bears its name is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from nanoclaw.channels.email.addresses import Mailbox, domain_of

MOST_RESULTS = 20_000
"""Characters of a header. Where one is longer, nobody is verified."""
_SIGN = re.compile(r'\\.|"(?:[^"\\]|\\.)*"|.')
_SIGN_OF_COMMENT = re.compile(r"\\.|.")
_METHOD = re.compile(r"([a-z0-9-]+)(?:\s*/\s*[0-9]+)?\s*=\s*([a-z]+)", re.IGNORECASE)
_PROPERTY = re.compile(r"\b([a-z0-9-]+)\s*\.\s*([a-z0-9-]+)\s*=\s*(\"[^\"]*\"|[^\s;]+)", re.IGNORECASE)


@frozen
class Verified:
    """The domain of the address vouches for the mail."""


@frozen
class Unverified:
    """Anybody may have written it."""

    why: str


Authenticity: TypeAlias = Verified | Unverified


@frozen(kw_only=True)
class Result:
    """What a server found by one method."""

    method: str
    outcome: str
    properties: tuple[tuple[str, str], ...]
    """Such as `("header.from", "example.org")`, in small letters."""

    def of(self, name: str) -> tuple[str, ...]:
        """The values of a property."""
        return tuple(value for found, value in self.properties if found == name)


def judge(sender: Mailbox, results: Sequence[str], authserv: str, *, addressed: bool) -> Authenticity:
    """Is a mail from *sender*?

    Args:
      sender: Whom its `From` names.
      results: Its fields `Authentication-Results`, from the top.
      authserv: The name of the operator's server in them; empty: there is none.
      addressed: Do `To` or `Cc` name us? Otherwise it may be a genuine mail to somebody else, passed on to us.
    """
    if not authserv:
        return Unverified("no server of ours is named that checks senders (setting authserv)")
    if not sender.exact:
        return Unverified("its From can be read in several ways")
    if not addressed:
        return Unverified("neither To nor Cc names us")
    # One that is too long may be ours, and then whoever sent the mail wrote those below it.
    read = [one for one in results if len(one) <= MOST_RESULTS]
    if len(read) < len(results):
        return Unverified("a field Authentication-Results is longer than anybody reads")
    found = next((one for text in read if (one := _results(text, authserv)) is not None), None)
    if found is None:
        return Unverified(f"{authserv} says nothing about it")
    domain = domain_of(sender.address)
    dmarc = [one for one in found if one.method == "dmarc"]
    if dmarc:
        if all(one.outcome == "pass" and one.of("header.from") == (domain,) for one in dmarc):
            return Verified()
        if any(one.outcome not in {"none", "pass"} for one in dmarc) or any(one.outcome == "pass" for one in dmarc):
            return Unverified(f"{authserv} says dmarc={dmarc[0].outcome} of another or a failed domain")
    if any(one.method == "dkim" and one.outcome == "pass" and _signs(one, domain) for one in found):
        return Verified()
    return Unverified(f"{authserv} found neither dmarc=pass nor dkim=pass for {domain}")


def _signs(signature: Result, domain: str) -> bool:
    """Is it a signature of *domain*? Some servers say only in whose name it was made, which is within the signer's."""
    if signature.of("header.d"):
        return signature.of("header.d") == (domain,)
    return [one.rpartition("@")[2] for one in signature.of("header.i")] == [domain]


def _results(text: str, authserv: str) -> list[Result] | None:
    """What a header says, if it is that server's; None: it is somebody else's, or makes no sense."""
    bare = _without_comments(" ".join(text.split()))
    head, _, rest = bare.partition(";")
    words = head.split()
    if not words or words[0].strip('"').lower() != authserv.lower():
        return None
    return [one for part in rest.split(";") if (one := _result(part)) is not None]


def _result(part: str) -> Result | None:
    found = _METHOD.match(part.strip())
    if found is None:
        return None
    properties = tuple(
        (f"{kind}.{name}".lower(), value.strip('"').lower())
        for kind, name, value in _PROPERTY.findall(part.strip()[found.end() :])
    )
    return Result(method=found[1].lower(), outcome=found[2].lower(), properties=properties)


def _without_comments(text: str) -> str:
    """*text* without what stands in brackets, also in brackets within brackets; what is quoted with a `;` goes too.

    Within brackets a quotation mark is a sign like any other, and so is a bracket within quotation marks.
    """
    kept, deep, at = list[str](), 0, 0
    while at < len(text):
        found = (_SIGN_OF_COMMENT if deep else _SIGN).match(text, at)
        sign = text[at] if found is None else found[0]
        at += len(sign)
        if sign == "(":
            kept.append(" ")
            deep += 1
        elif sign == ")" and deep:
            deep -= 1
        elif not deep:
            kept.append('""' if sign.startswith('"') and ";" in sign else sign)
    return "".join(kept)
