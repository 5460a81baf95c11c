"""Rows that lie: foreign schemas, values that are none, files that are not its own, rewritten history."""

from __future__ import annotations

import hashlib

from tests.conftest import Figures
from tests.hostile.conftest import BuildTown
from tests.hostile.residents import Evil
from tests.hostile.town import until
from tests.link.attacks import ATTACKS, BOMBS, POISON

LIVES = 2
RACES = 40
GENUINE = hashlib.sha256(b"genuine").hexdigest()


def test_a_schema_that_is_not_the_runners_is_refused_whole(build_town: BuildTown) -> None:
    """AT-08. What customs may and may not do is read back, setting by setting, in tests/link/test_hardened.py."""
    wanted = {
        f"{threat}/{what.replace(' ', '-')}": reason
        for title, (_, reason) in ATTACKS.items()
        for threat, _, what in [title.partition(" ")]
        if threat in ("F10", "F11")
    }
    names = list(wanted)
    pairs = [names[n : n + LIVES] for n in range(0, len(names), LIVES)]
    evils = [
        Evil(name=f"evil-{n}", attack="at_08_corpus", words=pair, epochs=len(pair)) for n, pair in enumerate(pairs)
    ]
    with build_town(*evils) as there:
        there.wake_all()
        for evil, pair in zip(evils, pairs, strict=True):
            there.await_answer(evil.name)
            endings = [(ending, detail.partition(":")[0]) for ending, detail in there.endings(evil.name)]
            assert endings == [("quarantined", wanted[name]) for name in pair]


def test_good_rows_between_bad_ones_are_delivered_once_and_the_bad_ones_recorded(build_town: BuildTown) -> None:
    """AT-09: every kind of poison, and JSON that is a bomb, each behind a good row."""
    bad = len(POISON) + len(BOMBS)
    with build_town(Evil(name="evil", attack="at_08_corpus", words=("poison",))) as there:
        there.wake_all()
        until(
            lambda: len(there.heard("evil")) >= bad,
            what=lambda: (there.heard("evil"), there.rows("SELECT * FROM epochs")),
        )
        assert [post.text for post in there.heard("evil")] == [f"good {number}" for number in range(bad)]
        drops = "SELECT reason, digest FROM drops WHERE kind = 'outbound'"
        # The last of them stands behind the last good one.
        until(lambda: len(there.rows(drops)) >= bad)
        dropped = there.rows(drops)
        assert len(dropped) == bad
        assert {row["reason"] for row in dropped} == {"unreadable"}
        assert all(row["digest"] for row in dropped)
        assert there.endings("evil") == []


def test_files_of_a_message_come_from_its_own_folder_or_not_at_all(build_town: BuildTown, figures: Figures) -> None:
    """AT-10, a sample: the races by the ten thousand are in tests/link/test_outbox_files.py."""
    words = ("/etc/shadow", str(RACES))
    with build_town(Evil(name="evil", attack="at_10_outgoing_files", words=words)) as there:
        there.wake_all()
        there.await_report("evil")
        until(lambda: any(post.text == f"message {19 + RACES}" for post in there.heard("evil")))
        files = [(post.text, name, digest) for post in there.heard("evil") for name, digest in post.files]
        assert {digest for _, _, digest in files} == {GENUINE}
        assert [name for text, name, _ in files if text == "message 1"] == ["genuine"]
        assert not [text for text, *_ in files if text in ("message 2", "message 10", "message 11")]
        assert "root:" not in there.all_text()
        figures(raced=RACES, raced_genuine=len(files) - 1)


def test_what_was_said_once_is_never_said_again_otherwise(build_town: BuildTown) -> None:
    """AT-11."""
    with build_town(Evil(name="evil", attack="at_11_replay")) as there:
        there.wake_all()
        until(lambda: there.report("evil").get("done"))
        until(lambda: "said at last" in [post.text for post in there.heard("evil")], what=lambda: there.endings("evil"))
        there.restart_host()
        assert [post.text for post in there.heard("evil")] == [
            *(f"said {number}" for number in range(1, 11)),
            "said at last",
        ]
        reasons = {row["reason"] for row in there.rows("SELECT reason FROM drops")}
        assert reasons >= {"rewritten", "bad-seq", "unreadable"}
