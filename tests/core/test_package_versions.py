"""AT-17: what apt, uv and npm say of versions is understood or refused, shown whole, and built as it was shown."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core import package_versions
from nanoclaw.core.approvals import YES_OR_NO, fault
from nanoclaw.core.images import ImageId
from nanoclaw.core.package_versions import Resolved, UnclearError, Version, apt_versions, npm_versions, pip_versions
from nanoclaw.core.packages import KINDS, Packages, Refused, asked_for, is_name, parse, together, written
from nanoclaw.model.approvals import Shown

BASE = ImageId("sha256:" + "1" * 64)
HASH = "    --hash=sha256:" + "a" * 64
PIP = f"charset-normalizer==3.5.3 \\\n{HASH} \\\n{HASH}\ntabulate==0.10.0 \\\n{HASH}\n"
DIGEST = "sha512-" + "A" * 86 + "=="


def a_lock(**entries: Any) -> str:
    there = {"": {"dependencies": {}}} | {name.replace("__", "/"): entry for name, entry in entries.items()}
    return json.dumps({"lockfileVersion": 3, "packages": there})


def an_entry(**words: Any) -> dict[str, Any]:
    return {"version": "1.0.0", "integrity": DIGEST, **words}


def test_what_apt_would_install_is_told_from_what_is_there() -> None:
    said = (
        "Reading package lists...\n"
        "Inst libuv1 (1.44.2-1+deb12u1 Debian:12.15/oldstable, Debian-Security:12 [amd64])\n"
        "Inst libssl3 [3.0.15-1~deb12u1] (3.0.17-1~deb12u2 Debian:12 [amd64]) []\n"
        "Inst gcc-12-base:i386 (12.2.0-14 Debian:12 [i386])\n"
        "Conf libuv1 (1.44.2-1+deb12u1 Debian:12 [amd64])\n"
        "Have jq 1.6-2.1+deb12u3\n"
    )
    assert apt_versions(said) == (
        (
            Version("gcc-12-base:i386", "12.2.0-14"),
            Version("libssl3", "3.0.17-1~deb12u2"),
            Version("libuv1", "1.44.2-1+deb12u1"),
        ),
        (Version("jq", "1.6-2.1+deb12u3"),),
    )


@pytest.mark.parametrize(
    "said", ["Remv bash [5.2]\n", "Inst a;b (1 x)\n", "Inst a ($(id) x)\n", "Inst -oAPT::x (1 x)\n"]
)
def test_apt_is_not_followed_where_it_removes_something_or_is_not_understood(said: str) -> None:
    with pytest.raises(UnclearError):
        apt_versions(said)


def test_a_lock_file_of_uvs_names_each_package_once_with_its_digests() -> None:
    assert pip_versions(PIP) == (Version("charset-normalizer", "3.5.3"), Version("tabulate", "0.10.0"))
    assert pip_versions("") == ()


@pytest.mark.parametrize(
    "lock",
    [
        "tabulate==0.10.0\n",
        f"tabulate @ https://example.com/t.whl \\\n{HASH}\n",
        f"--index-url https://example.com\ntabulate==0.10.0 \\\n{HASH}\n",
        f"-e . \\\n{HASH}\n",
        f"a==1\nb==2 \\\n{HASH}\n",
        f"a==1 ; sys_platform == 'linux' \\\n{HASH}\n",
    ],
)
def test_what_else_uv_says_is_refused(lock: str) -> None:
    with pytest.raises(UnclearError):
        pip_versions(lock)


def test_a_lock_file_of_npms_names_what_is_for_this_machine() -> None:
    lock = a_lock(
        node_modules__cowsay=an_entry(),
        **{"node_modules__@types__node": an_entry(version="2.0.0-rc.1", resolved="https://registry.example/n.tgz")},
        node_modules__cowsay__node_modules__y=an_entry(os=["linux"], cpu=["x64"]),
        node_modules__mac=an_entry(os=["darwin"]),
        node_modules__other=an_entry(os=["!linux"]),
        node_modules__arm=an_entry(cpu=["arm64"]),
        node_modules__unix=an_entry(os=["!win32"]),
    )
    found = npm_versions(lock, "x86_64")
    assert [str(one) for one in found] == ["@types/node 2.0.0-rc.1", "cowsay 1.0.0", "unix 1.0.0", "y 1.0.0"]
    assert "arm" in {one.name for one in npm_versions(lock, "aarch64")}


@pytest.mark.parametrize(
    "lock",
    [
        "{",
        "[]",
        '{"packages": 1}',
        a_lock(node_modules__x={"version": "1.0.0"}),
        a_lock(node_modules__x={"link": True, "resolved": "../../etc"}),
        a_lock(node_modules__x=an_entry(resolved="git+ssh://git@example.com/x.git")),
        a_lock(node_modules__x=an_entry(resolved="file:../x.tgz")),
        a_lock(node_modules__x=an_entry(version=1)),
        a_lock(node_modules__x=an_entry(integrity="md5-x")),
        a_lock(**{"..__x": an_entry()}),
        a_lock(node_modules__x=1),
    ],
)
def test_what_npm_would_take_from_elsewhere_is_refused(lock: str) -> None:
    with pytest.raises(UnclearError):
        npm_versions(lock, "x86_64")


SOME = Resolved(
    base=BASE,
    apt=(Version("libfoo:amd64", "1:2.0~rc1-1"), Version("tree", "2.1.0-1")),
    there=(Version("jq", "1.6-2"),),
    pip_lock=PIP,
    npm_lock=a_lock(node_modules__cowsay=an_entry(), node_modules__y=an_entry()),
    packages=Packages(apt=("awk", "jq", "tree"), npm=("cowsay",), pip=("Tabulate",)),
)


def test_everything_is_shown_what_was_asked_for_before_what_that_needs() -> None:
    assert list(package_versions.shown(SOME)) == [
        "Debian: “tree 2.1.0-1”",
        "Debian, needed besides: “libfoo:amd64 1:2.0~rc1-1”",
        "Debian, there by another name: “awk”",
        "npm: “cowsay 1.0.0”",
        "npm, needed besides: “y 1.0.0”",
        "PyPI: “tabulate 0.10.0”",
        "PyPI, needed besides: “charset-normalizer 3.5.3”",
        "Debian, which the image has already: “jq 1.6-2”",
        f"Image below: “{BASE}”",
    ]
    assert fault(Shown("Packages?", tuple(package_versions.shown(SOME))), YES_OR_NO) is None


def test_what_is_stored_is_what_was_found() -> None:
    stored = json.loads(json.dumps(package_versions.to_json(SOME)))
    assert package_versions.from_json(stored) == SOME


def test_the_dockerfile_has_no_word_of_a_strangers_and_only_what_is_wanted() -> None:
    made = package_versions.dockerfile(SOME, "/usr/local/lib/python3.11/dist-packages")
    assert "tree" not in made
    assert made.startswith(f"FROM {BASE}\nUSER 0:0\n")
    assert made.endswith("USER 1000:1000\n")
    bare = package_versions.dockerfile(Resolved(base=BASE), "/x")
    assert bare == f"FROM {BASE}\nUSER 0:0\nUSER 1000:1000\n"


NAMES = {kind: st.text("abcXYZ019.+-_@/;$ \n`'\"\u0430", max_size=8) for kind in KINDS}


@given(st.lists(NAMES["apt"], max_size=4), st.lists(NAMES["npm"], max_size=4), st.lists(NAMES["pip"], max_size=4))
def test_what_is_taken_is_names_that_need_no_quoting_and_nothing_else(
    apt: list[str], npm: list[str], pip: list[str]
) -> None:
    found = asked_for(apt, npm, pip)
    good = all(is_name(kind, name) for kind, names in zip(KINDS, (apt, npm, pip), strict=True) for name in names)
    if not good or not (apt or npm or pip):
        assert isinstance(found, Refused)
        return
    assert isinstance(found, Packages)
    assert all(re.fullmatch(r"[A-Za-z0-9@/._+-]+", name) for name in (*found.apt, *found.npm, *found.pip))
    assert parse(written(found)) == found
    assert together(found, found) == found


def test_twenty_at_a_time_and_twenty_of_a_kind_are_the_most() -> None:
    assert isinstance(asked_for([f"p{number}" for number in range(21)], [], []), Refused)
    assert isinstance(asked_for([], [], []), Refused)
    has = asked_for([f"p{number}" for number in range(20)], [], [])
    assert isinstance(has, Packages)
    assert isinstance(together(has, Packages(apt=("q",))), Refused)
    assert isinstance(together(has, Packages(pip=("q",))), Packages)
