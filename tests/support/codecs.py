"""How rows and payloads are read and written is worked out before a template is forked, not once more in each fork."""

from __future__ import annotations

from contextlib import suppress
from types import ModuleType
from typing import Final

import attrs
from cattrs import Converter
from cattrs.errors import StructureHandlerNotFoundError

import runner.model
from nanoclaw.core import key_check
from nanoclaw.model import entities, files, messages, rights, settings
from schema import payloads, progress, rows

MODULES: Final[tuple[ModuleType, ...]] = (
    *(rows, progress, runner.model),
    *(entities, files, messages, rights, settings, key_check),
)


def work_out_codecs() -> None:
    """Have cattrs write its functions for all classes that are read from databases, or written there."""
    # Twice: when it meets a kind of sequence for the first time, it forgets what it has found out of classes.
    for module in MODULES * 2:
        for cls in vars(module).values():
            if isinstance(cls, type) and attrs.has(cls):
                _work_out(rows.codec, cls)
    for cls in (*payloads.IN_CLASSES.values(), *payloads.OUT_CLASSES.values()) * 2:
        _work_out(payloads._converter, cls)


def _work_out(converter: Converter, cls: type) -> None:
    with suppress(StructureHandlerNotFoundError):  # it is only a part of others
        converter.get_structure_hook(cls)
    converter.get_unstructure_hook(cls)
