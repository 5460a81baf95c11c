"""What is granted and what is refused: a table, and what holds for any paths, roots and other mounts."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.blocked import PLACES, is_inside, meets
from nanoclaw.core.mounts import Allowed, AllowList, NoAllowList, Policy, Root, Seen, Verdict, Writer, judge
from nanoclaw.core.wanted_mounts import MOST_MOUNTS, Reason, Refused, WantedMount, read_mounts, wanted_mount
from nanoclaw.model.ids import AgentGroupId

NANO, OTHER = AgentGroupId("nano"), AgentGroupId("other")
PROJECTS = Root(path="/home/ada/projects", read_write=True)
PICTURES = Root(path="/home/ada/pictures")
SHARED = Root(path="/srv/shared", read_write=True, shared=True)
DISKS = Root(path="/srv/disks", submounts=True)
ROOTS = (PROJECTS, PICTURES, SHARED, DISKS, Root(path="/home/ada/projects/frozen"))
POLICY = Policy(
    allow_list=AllowList(
        roots=ROOTS,
        names=("customers",),
        places=("/home/ada/projects/letters",),
    ),
    own_places=(*PLACES, "/home/ada/.nanoclaw", "/home/ada/projects/nanoclaw"),
)
WANTED = WantedMount(host_path="~/x", name="x", read_write=True)


def verdict(real: str, *writers: Writer, policy: Policy = POLICY, wanted: WantedMount = WANTED, **seen: Any) -> Verdict:
    return judge(wanted, Seen(real=real, device=1, inode=2, **seen), policy, writers, NANO)


def writer(real: str, group: AgentGroupId = OTHER) -> Writer:
    return Writer(group=group, name=group.title(), real=real)


@pytest.mark.parametrize(
    ("real", "asked", "read_write"),
    [
        ("/home/ada/projects", True, True),
        ("/home/ada/projects/app", True, True),
        ("/home/ada/projects/app", False, False),
        ("/home/ada/pictures/2026", True, False),
        ("/home/ada/projects/frozen/app", True, False),
    ],
)
def test_a_mount_can_be_changed_only_if_it_and_the_innermost_root_say_so(
    real: str, asked: bool, read_write: bool
) -> None:
    policy = Policy(allow_list=AllowList(roots=ROOTS), own_places=PLACES)
    found = verdict(real, policy=policy, wanted=attrs.evolve(WANTED, read_write=asked))
    assert isinstance(found, Allowed)
    assert (found.source, found.device, found.inode, found.read_write) == (real, 1, 2, read_write)
    assert (found.mount.source, found.mount.target, found.mount.read_write) == (real, "/workspace/extra/x", read_write)
    assert ("does not allow more" in str(found)) == (asked and not read_write)


@pytest.mark.parametrize(
    ("real", "reason"),
    [
        ("/home/ada", Reason.BLOCKED_PLACE),
        ("/home/ada/music", Reason.OUTSIDE),
        ("/home/ada/projects-old", Reason.OUTSIDE),
        ("/home/ada/Projects/app", Reason.OUTSIDE),
        ("/", Reason.BLOCKED_PLACE),
        ("/etc", Reason.BLOCKED_PLACE),
        ("/home/ada/projects", Reason.BLOCKED_PLACE),
        ("/home/ada/projects/nanoclaw/docs", Reason.BLOCKED_PLACE),
        ("/home/ada/projects/letters", Reason.BLOCKED_PLACE),
        ("/home/ada/projects/.ssh", Reason.BLOCKED_NAME),
        ("/home/ada/projects/app/.env.local", Reason.BLOCKED_NAME),
        ("/home/ada/projects/CUSTOMERS/list", Reason.BLOCKED_NAME),
    ],
)
def test_what_lies_outside_or_is_blocked_is_refused(real: str, reason: Reason) -> None:
    found = verdict(real)
    assert isinstance(found, Refused)
    assert found.reason is reason
    assert found.evidence in str(found)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({"same_as": "/etc"}, Reason.BLOCKED_PLACE),
        ({"swappable": "/home/ada/projects"}, Reason.SWAPPABLE),
        ({"inside": "/home/ada/projects/app/.env matches .env*"}, Reason.INSIDE),
        ({"unsearched": "more than 50000 names"}, Reason.UNSEARCHED),
        ({"submounts": ("/home/ada/projects/app/disk",)}, Reason.SUBMOUNT),
    ],
)
def test_what_was_found_there_refuses_it(seen: dict[str, Any], reason: Reason) -> None:
    found = verdict("/home/ada/projects/app", **seen)
    assert isinstance(found, Refused)
    assert found.reason is reason
    assert found.evidence


def test_other_file_systems_in_it_are_allowed_where_the_root_says_so() -> None:
    found = verdict("/srv/disks/a", submounts=("/srv/disks/a/b",))
    assert isinstance(found, Allowed)
    assert found.submounts == ("/srv/disks/a/b",)


def test_a_file_system_that_takes_capitals_for_small_letters_has_roots_of_any_spelling() -> None:
    assert isinstance(verdict("/home/ada/Projects/app", folds=True), Allowed)


def test_without_an_allow_list_everything_is_refused_and_says_why() -> None:
    found = verdict("/home/ada/projects/app", policy=attrs.evolve(POLICY, allow_list=NoAllowList("there is no file")))
    assert found == Refused("~/x", Reason.NO_ALLOW_LIST, "there is no file")


@pytest.mark.parametrize(
    ("real", "other", "asked", "reason"),
    [
        ("/home/ada/projects/app", writer("/home/ada/projects/app"), True, Reason.SHARED),
        ("/home/ada/projects/app", writer("/home/ada/projects/app"), False, None),
        ("/home/ada/projects/app", writer("/home/ada/projects/app/src"), True, Reason.SHARED),
        ("/home/ada/projects/app", writer("/home/ada/projects/app/src"), False, None),
        ("/home/ada/projects/app/src", writer("/home/ada/projects/app"), True, Reason.NESTED),
        ("/home/ada/projects/app/src", writer("/home/ada/projects/app"), False, Reason.NESTED),
        ("/home/ada/projects/app/src", writer("/home/ada/projects/app", NANO), False, Reason.NESTED),
        ("/home/ada/projects/app", writer("/home/ada/projects/app", NANO), True, None),
        ("/home/ada/projects/app", writer("/home/ada/projects/app-2"), True, None),
        ("/home/ada/projects/app", writer("/home/ada/projects/App"), True, Reason.SHARED),
        ("/srv/shared/a", writer("/srv/shared/a"), True, None),
        ("/srv/shared/a/b", writer("/srv/shared/a"), True, Reason.NESTED),
    ],
)
def test_two_agent_groups_change_the_same_only_where_the_root_says_so(
    real: str, other: Writer, asked: bool, reason: Reason | None
) -> None:
    found = verdict(real, other, wanted=attrs.evolve(WANTED, read_write=asked))
    assert (found.reason if isinstance(found, Refused) else None) is reason
    assert not isinstance(found, Refused) or found.evidence == f"{other.real} of {other.name}"


@pytest.mark.parametrize(
    ("path", "name", "reason"),
    [
        ("~/projects", None, None),
        ("/srv/a", "b", None),
        ("/srv/a/", None, None),
        ("projects", None, Reason.BAD_PATH),
        ("", None, Reason.BAD_PATH),
        ("~", None, Reason.BAD_NAME),
        ("~ada/x", None, Reason.BAD_PATH),
        ("/srv/a\0b", None, Reason.BAD_PATH),
        ("/", None, Reason.BAD_NAME),
        ("/srv/a b", None, Reason.BAD_NAME),
        *(("/srv/a", name, Reason.BAD_NAME) for name in ("", ".", "..", "../x", "a/b", "/x", "a:ro", "-x", "ä", "a\n")),
        ("/srv/a", "x" * 65, Reason.BAD_NAME),
    ],
)
def test_a_mount_has_an_absolute_path_and_a_plain_name(path: str, name: str | None, reason: Reason | None) -> None:
    found = wanted_mount(path, name)
    assert (found.reason if isinstance(found, Refused) else None) is reason
    if isinstance(found, WantedMount):
        assert found.target in {"/workspace/extra/projects", "/workspace/extra/b", "/workspace/extra/a"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        '"all"',
        "[1]",
        '[{"hostPath": 1}]',
        "[{}]",
        '[{"hostPath": "/a", "readonly": "no"}]',
        '[{"hostPath": "/a", "containerPath": 1}]',
        '[{"hostPath": "/a", "options": "exec"}]',
    ],
)
def test_settings_that_are_no_mounts_are_refused_one_by_one(text: str) -> None:
    (found,) = read_mounts(text)
    assert isinstance(found, Refused)
    assert found.reason is Reason.UNREADABLE


def test_mounts_are_read_as_older_homes_wrote_them() -> None:
    text = '[{"hostPath": "~/a", "readonly": false}, {"hostPath": "/b", "containerPath": "c"}, {"hostPath": "/x/c"}]'
    assert read_mounts(text) == (
        WantedMount(host_path="~/a", name="a", read_write=True),
        WantedMount(host_path="/b", name="c"),
        Refused("/x/c", Reason.TWICE, "c"),
    )
    assert read_mounts("[]") == ()
    many = read_mounts(json.dumps([{"hostPath": f"/a{number}"} for number in range(MOST_MOUNTS + 1)]))
    assert [one.reason for one in many if isinstance(one, Refused)] == [Reason.TOO_MANY]


names = st.sampled_from(["a", "b", "A", ".ssh", "etc", "home"])
paths = st.lists(names, max_size=4).map(lambda parts: "/" + "/".join(parts))
roots = st.builds(Root, path=paths, read_write=st.booleans(), shared=st.booleans(), submounts=st.booleans())
writers = st.builds(
    lambda group, real: Writer(group=group, name=group, real=real), st.sampled_from([NANO, OTHER]), paths
)


@given(paths, st.lists(roots, max_size=3), st.lists(writers, max_size=2), paths, st.booleans(), st.booleans())
def test_whatever_is_granted_keeps_all_the_rules(
    real: str, allowed: list[Root], others: list[Writer], own: str, asked: bool, folds: bool
) -> None:
    policy = Policy(allow_list=AllowList(roots=tuple(allowed)), own_places=("/etc", own))
    wanted = attrs.evolve(WANTED, read_write=asked)
    found = judge(wanted, Seen(real=real, device=1, inode=2, folds=folds), policy, others, NANO)
    if isinstance(found, Refused):
        return
    assert any(is_inside(found.source, root.path, folds=folds) for root in allowed)
    assert meets(found.source, ["/etc", own]) is None
    assert ".ssh" not in found.source
    assert not found.read_write or (asked and found.root.read_write)
    for other in others:
        assert not found.source.startswith(f"{other.real.rstrip('/')}/")
        if found.read_write and other.group != NANO and not found.root.shared:
            assert meets(found.source, [other.real]) is None
