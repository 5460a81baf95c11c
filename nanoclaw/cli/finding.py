"""One line of `nanoclaw doctor`."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Finding:
    """What a check found."""

    check: str
    mark: str
    """`well`, `note` or `bad`."""
    words: str
    mend: str = ""
    """The command, or the act, that mends it."""

    @property
    def is_bad(self) -> bool:
        """Is something to be mended?"""
        return self.mark == "bad"


def well(check: str, words: str) -> Finding:
    """All is well."""
    return Finding(check=check, mark="well", words=words)


def note(check: str, words: str) -> Finding:
    """Worth knowing, and no fault."""
    return Finding(check=check, mark="note", words=words)


def bad(check: str, words: str, mend: str = "") -> Finding:
    """Something is wrong; *mend* is what to do."""
    return Finding(check=check, mark="bad", words=words, mend=mend)
