"""What the command line's exit codes mean."""

from __future__ import annotations

OK = 0
REFUSED = 1
"""It was understood and did not work out, or something is wrong."""
NOT_RUNNING = 2
"""There is no host to ask. (click uses the same number for a misspelt command.)"""
NO_REPLY = 3
GAVE_UP = 70
"""EX_SOFTWARE of sysexits.h: a part of the host kept failing. Whoever keeps services starts it again."""
HOME_IN_USE = 75
"""EX_TEMPFAIL of sysexits.h: another host holds the home."""
