"""Damage done to an outbox with an eye for its structure: fields of headers, pointers, cells, the journal's records."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from typing import TypeAlias

from attrs import frozen

from nanoclaw.link.reader import page_size


@frozen
class Files:
    """A database and its journal."""

    db: bytes
    journal: bytes | None


Mutator: TypeAlias = Callable[[random.Random, bytearray, int], None]
"""Takes where chance comes from, the file, and the size of its pages."""

FIELDS = ((16, 2), (18, 1), (19, 1), (20, 1), (24, 4), (28, 4), (32, 4), (36, 4), (40, 4), (44, 4), (52, 4), (56, 4))
PAGE_TYPES = b"\x00\x01\x02\x05\x0a\x0d\xff"


def mutate(choose: random.Random, files: Files) -> Files:
    """*files* with one to three things wrong."""
    db = bytearray(files.db)
    journal = None if files.journal is None else bytearray(files.journal)
    for _ in range(choose.choice((1, 1, 2, 3))):
        if journal is not None and choose.random() < 0.5:
            choose.choice(JOURNAL_MUTATORS)(choose, journal, page_size(files.db))
        else:
            choose.choice(MUTATORS)(choose, db, page_size(files.db))
    return Files(bytes(db), None if journal is None else bytes(journal))


def number(choose: random.Random, size: int, near: Sequence[int] = ()) -> bytes:
    """A number of *size* bytes of the kind that breaks things."""
    most = (1 << 8 * size) - 1
    value = choose.choice((0, 1, 2, 3, most, most - 1, most // 2, most // 2 + 1, choose.randint(0, most), *near))
    return (value & most).to_bytes(size, "big")


def put(data: bytearray, offset: int, patch: bytes) -> None:
    """Write *patch* over what is there, as far as there is anything."""
    end = min(len(data), offset + len(patch))
    if 0 <= offset < end:
        data[offset:end] = patch[: end - offset]


def any_page(choose: random.Random, data: bytearray, page: int) -> int:
    """Where a page begins."""
    return choose.randrange(max(1, len(data) // page)) * page


def any_cell(choose: random.Random, data: bytearray, page: int) -> int:
    """Where a cell of some page begins, or may."""
    start = any_page(choose, data, page)
    head = start + (100 if start == 0 else 0)
    kind = data[head] if head < len(data) else 0
    pointers = head + (12 if kind in (2, 5) else 8)
    count = int.from_bytes(data[head + 3 : head + 5], "big")
    pointer = pointers + 2 * choose.randrange(max(1, min(count, 200)))
    return start + int.from_bytes(data[pointer : pointer + 2], "big")


def header(choose: random.Random, data: bytearray, page: int) -> None:
    offset, size = choose.choice((*FIELDS, (60, 4), (64, 4), (92, 4), (96, 4)))
    put(data, offset, number(choose, size, (page, len(data) // page, 4096)))


def page_head(choose: random.Random, data: bytearray, page: int) -> None:
    start = any_page(choose, data, page)
    head = start + (100 if start == 0 else 0)
    field, size = choose.choice(((0, 1), (1, 2), (3, 2), (5, 2), (7, 1), (8, 4)))
    near = PAGE_TYPES if field == 0 else (page, page - 1, 8, 12, start // page + 1)
    put(data, head + field, number(choose, size, near))


def cell_pointer(choose: random.Random, data: bytearray, page: int) -> None:
    start = any_page(choose, data, page)
    pointer = start + (100 if start == 0 else 0) + 8 + 2 * choose.randrange(40)
    put(data, pointer, number(choose, 2, (page - 4, page - 1, 12, choose.randrange(page))))


def cell(choose: random.Random, data: bytearray, page: int) -> None:
    start = any_cell(choose, data, page) + choose.randrange(16)
    put(data, start, bytes(choose.choice((0, 1, 7, 12, 13, 0x7F, 0x80, 0xFF, choose.randrange(256))) for _ in range(2)))


def cell_content(choose: random.Random, data: bytearray, page: int) -> None:
    put(data, any_cell(choose, data, page) + choose.randrange(400), choose.randbytes(choose.randrange(1, 4)))


def child(choose: random.Random, data: bytearray, page: int) -> None:
    put(data, any_cell(choose, data, page), number(choose, 4, range(1, len(data) // page + 2)))


def free_list(choose: random.Random, data: bytearray, page: int) -> None:
    trunk = (int.from_bytes(data[32:36], "big") - 1) * page
    put(data, trunk + 4 * choose.randrange(6), number(choose, 4, range(1, len(data) // page + 2)))


def overflow(choose: random.Random, data: bytearray, page: int) -> None:
    put(data, any_page(choose, data, page), number(choose, 4, range(1, len(data) // page + 2)))


def schema_text(choose: random.Random, data: bytearray, page: int) -> None:
    at = data.find(choose.choice((b"CREATE", b"messages_out", b"NOT NULL", b"STRICT", b"CHECK", b"table", b"index")))
    put(data, at + choose.randrange(12), choose.choice((b"x", b"\0", b"\xff", b"(", b"VIEW", choose.randbytes(3))))


def noise(choose: random.Random, data: bytearray, page: int) -> None:
    for _ in range(choose.choice((1, 2, 4, 16, 64))):
        put(data, choose.randrange(len(data) or 1), choose.randbytes(1))


def bit(choose: random.Random, data: bytearray, page: int) -> None:
    at = choose.randrange(len(data) or 1)
    put(data, at, bytes([data[at] ^ 1 << choose.randrange(8)]) if data else b"")


def cut(choose: random.Random, data: bytearray, page: int) -> None:
    del data[choose.choice((choose.randrange(len(data) or 1), any_page(choose, data, page))) :]


def grow(choose: random.Random, data: bytearray, page: int) -> None:
    data += choose.choice((bytes(page), choose.randbytes(page), data[:page], b"x"))


def whole_pages(choose: random.Random, data: bytearray, page: int) -> None:
    one, other = any_page(choose, data, page), any_page(choose, data, page)
    kept = bytes(data[one : one + page])
    if choose.random() < 0.5:
        put(data, one, bytes(data[other : other + page]))
    put(data, other, choose.choice((kept, bytes(page))))


def journal_head(choose: random.Random, data: bytearray, page: int) -> None:
    field = choose.choice((0, 8, 12, 16, 20, 24))
    put(data, field, number(choose, 4, (page, page // 2, 512, 0, 1 << 31)))


def journal_record(choose: random.Random, data: bytearray, page: int) -> None:
    record = 512 + choose.randrange(max(1, len(data) // (page + 8))) * (page + 8)
    where = choose.choice((0, 4 + choose.randrange(page), 4 + page))
    put(data, record + where, number(choose, 4, (1, 2, 3, 0x40000000 // page + 1)))


def journal_name(choose: random.Random, data: bytearray, page: int) -> None:
    name = choose.choice((b"/etc/passwd", b"outbound.db", b"../x-mjABCDEF9AB", b"\0", choose.randbytes(40)))
    check = sum(byte if byte < 128 else byte - 256 for byte in name) & 0xFFFFFFFF
    data += struct.pack(">I", 0x40000000 // page + 1) + name + struct.pack(">II", len(name), check)
    data += bytes.fromhex("d9d505f920a163d7")


MUTATORS: Sequence[Mutator] = (
    header,
    page_head,
    page_head,
    cell_pointer,
    cell,
    cell,
    cell_content,
    cell_content,
    cell_content,
    child,
    free_list,
    overflow,
    schema_text,
    noise,
    bit,
    bit,
    cut,
    grow,
    whole_pages,
)
JOURNAL_MUTATORS: Sequence[Mutator] = (journal_head, journal_head, journal_record, journal_name, noise, bit, cut, grow)
