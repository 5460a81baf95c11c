"""Prints the table of what agents may ask for, as docs/security.md has it: tests/test_docs.py compares the two."""

from __future__ import annotations

from nanoclaw.core.requests import HEADINGS, table


def main() -> None:
    """Print it."""
    for cells in (HEADINGS, ("---",) * len(HEADINGS), *table()):
        print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
