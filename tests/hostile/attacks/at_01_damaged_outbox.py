"""AT-01: the outbox is replaced, ten times a second, by a file that is damaged in another way.

Words: the number of this sandbox, and how many there are; each installs its share of the corpus, much of which can be
read all the same, and at the end something that nobody can.
"""

from __future__ import annotations

import time

from tests.hostile.attacks.evil import CORPUS, hang, install, report, words

number, of = map(int, words())
files = sorted((CORPUS / "damaged").iterdir())[number::of]
for done, file in enumerate(files, start=1):
    report(installed=done, last=file.name)
    install(file.read_bytes())
    time.sleep(0.1)
install(b"no database at all" * 1000)
hang()
