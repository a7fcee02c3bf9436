"""Frozen dataclasses as plain JSON values and back, by their annotations: what the journal is written in. Pure."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def plain(value: object) -> Any:
    """A value of JSON for a value of ours. Fields that stand at their default are left out."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return value.value
        case str():
            return str(value)
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return b64encode(value).decode()
        case frozenset():
            return sorted(map(plain, value))
        case tuple():
            return [plain(one) for one in value]
    if is_dataclass(value):
        return {name: plain(given) for name, default in _defaults(type(value)) if (given := getattr(value, name)) != default}
    raise TypeError(f"{type(value).__name__} has no plain form")


def made(kind: type[Any], given: Any) -> Any:
    """The dataclass of this kind. Raises LookupError, TypeError or ValueError for what was no plain form of it; fields it does
    not know (of a later version) are left out."""
    hints = _hints(kind)
    return kind(**{name: _read(hints[name], value) for name, value in given.items() if name in hints})


def _read(hint: Any, given: Any) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return None if given is None else _read(next(one for one in args if one is not NoneType), given)
    if origin is tuple:
        return tuple(_read(args[0], one) for one in given)
    if origin is frozenset:
        return frozenset(_read(args[0], one) for one in given)
    if hint is datetime:
        return datetime.fromisoformat(given)
    if hint is timedelta:
        return timedelta(seconds=given)
    if hint is bytes:
        return b64decode(given)
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(given, Mapping):
        return made(hint, given)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(given)
    return given


_NEVER = object()


def _defaults(kind: type[Any]) -> tuple[tuple[str, object], ...]:
    known = _DEFAULTS.get(kind)
    if known is None:
        known = _DEFAULTS[kind] = tuple((one.name, _NEVER if one.default is MISSING else one.default) for one in fields(kind))
    return known


def _hints(kind: type[Any]) -> dict[str, Any]:
    known = _HINTS.get(kind)
    if known is None:
        known = _HINTS[kind] = get_type_hints(kind)
    return known


_DEFAULTS: dict[type[Any], tuple[tuple[str, object], ...]] = {}
_HINTS: dict[type[Any], dict[str, Any]] = {}
