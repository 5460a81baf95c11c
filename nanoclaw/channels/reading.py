"""What a platform says, read into values with types: what we need of it, and nothing that does not fit. Pure."""

from __future__ import annotations

from typing import Any, TypeVar

from cattrs import BaseValidationError, Converter, transform_error

from nanoclaw.core.notices import plain

T = TypeVar("T")


class UnfitError(ValueError):
    """It is not what the platform's documentation says; `str()` says where."""


def _converter() -> Converter:
    converter = Converter()
    for exact in (str, int, bool):
        converter.register_structure_hook(exact, _exactly)
    return converter


def _exactly(value: object, cls: type) -> object:
    """Nothing is made into something else: a name that is a list is no name."""
    if type(value) is not cls:
        raise ValueError(f"not a {cls.__name__}")
    return value


_CONVERTER = _converter()


def read(cls: type[T], value: object) -> T:
    """*value*, which came as JSON, as a *cls*; what it has besides is left out. Raises `UnfitError`."""
    try:
        return _CONVERTER.structure(value, cls)
    except BaseValidationError as exc:
        raise UnfitError(plain("; ".join(transform_error(exc)))) from None
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise UnfitError(plain(str(exc))) from None


def whole(value: Any, text: str | bytes) -> Any:
    """*value*, which was read from *text*, without halves of characters: JSON may have such, and nothing else may."""
    if isinstance(text, bytes) or "\\ud" not in text.lower():
        return value
    return _mended(value)


def _mended(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_mended(one) for one in value]
        case dict():
            return {_mended(name): _mended(one) for name, one in value.items()}
        case _:
            return value
