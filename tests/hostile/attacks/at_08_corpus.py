"""AT-08, AT-09: installs outboxes of the corpus. Words: the name of one for each life."""

from __future__ import annotations

from tests.hostile.attacks.evil import CORPUS, EPOCH, hang, install, words

install((CORPUS / words()[EPOCH - 1]).read_bytes())
hang()
