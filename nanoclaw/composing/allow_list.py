"""Reads the operator's allow-list of mounts: a TOML file that nobody else can have written.

```toml
blocked = ["customers", "~/letters"]   # names anywhere, or places, besides the built-in ones

[[roots]]
path = "~/projects"
read_write = true     # default: false
shared = false        # may several agent groups change the same?
submounts = false     # may other file systems be mounted in it?
```
"""

from __future__ import annotations

import hashlib
import os
import stat
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, get_args, get_origin

from attrs import field, frozen
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.v import format_exception

from nanoclaw.core.blocked import is_inside
from nanoclaw.core.mounts import AllowList, NoAllowList, Root

MOST_BYTES = 1 << 16
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH


@frozen(kw_only=True)
class _Root:
    path: str
    read_write: bool = False
    shared: bool = False
    submounts: bool = False


@frozen(kw_only=True)
class _File:
    roots: tuple[_Root, ...] = ()
    blocked: tuple[str, ...] = field(default=())


def read_allow_list(path: Path, *, mounted: Collection[Path]) -> AllowList | NoAllowList:
    """What the operator allows; or why there is nothing that says so and can be believed. Blocks.

    Args:
      path: The file.
      mounted: Folders that sandboxes see.
    """
    try:
        real = path.expanduser().resolve(strict=True)
        data = _read_trusted(real)
        if (inside := [folder for folder in mounted if is_inside(str(real), str(folder.resolve()), folds=True)]) != []:
            return NoAllowList(f"{real} lies in {inside[0]}, which sandboxes see: keep it elsewhere")
        said = _converter.structure(tomllib.loads(data.decode("utf-8")), _File)
        return _allow_list(said, hashlib.sha256(data).hexdigest())
    except FileNotFoundError:
        return NoAllowList(f"there is no {path}")
    except OSError as exc:
        return NoAllowList(f"{path} cannot be read: {exc.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        return NoAllowList(f"{path} is not TOML: {exc}")
    except BaseValidationError as exc:
        return NoAllowList(f"{path}: {'; '.join(transform_error(exc, '', _describe))}")
    except (ValueError, RuntimeError) as exc:
        return NoAllowList(f"{path}: {exc}")


def _read_trusted(real: Path) -> bytes:
    """The content of a file that only this user can have written. Raises `ValueError` or `OSError`."""
    for folder in real.parents:
        status = folder.stat()
        if status.st_uid not in {0, os.geteuid()}:
            raise ValueError(f"{folder} belongs to somebody else, who could replace what is in it")
        if status.st_mode & _WRITABLE and not status.st_mode & stat.S_ISVTX:
            raise ValueError(f"others may write in {folder}: chmod go-w {folder}")
    descriptor = os.open(real, _READ)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a file")
        if status.st_uid != os.geteuid():
            raise ValueError("it does not belong to the user that runs nanoclaw")
        if status.st_mode & _WRITABLE:
            raise ValueError(f"others may write it: chmod go-w {real}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES} bytes")
    return data


def _allow_list(said: _File, digest: str) -> AllowList:
    return AllowList(
        roots=tuple(
            Root(
                path=os.path.realpath(_expand(root.path)),
                read_write=root.read_write,
                shared=root.shared,
                submounts=root.submounts,
            )
            for root in said.roots
        ),
        names=tuple(one for one in said.blocked if not one.startswith(("/", "~"))),
        places=tuple(os.path.realpath(_expand(one)) for one in said.blocked if one.startswith(("/", "~"))),
        digest=digest,
    )


def _expand(path: str) -> str:
    found = str(Path(path).expanduser())
    if not found.startswith("/") or "\0" in found:
        raise ValueError(f"not an absolute path: {path!r}")
    return found


def _describe(exc: BaseException, cls: type | None) -> str:
    return str(exc) if type(exc) is ValueError else format_exception(exc, cls)


def _exactly(cls: type) -> None:
    def read(value: object, _: type) -> object:
        if type(value) is not cls or value == "":
            raise ValueError(f"not a {cls.__name__}: {value!r}")
        return value

    _converter.register_structure_hook(cls, read)


def _is_tuple(cls: Any) -> bool:
    return get_origin(cls) is tuple


def _each(value: object, cls: Any) -> tuple[object, ...]:
    # Text would be taken for a list of its letters, and block next to nothing.
    if type(value) is not list:
        raise ValueError(f"not a list: {value!r}")
    return tuple(_converter.structure(one, get_args(cls)[0]) for one in value)


_converter = Converter(forbid_extra_keys=True)
_converter.register_structure_hook_func(_is_tuple, _each)
_exactly(str)
_exactly(bool)
