"""Carries values between the component and Python: records are dataclasses of the same names, by their annotations."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from wasmtime.component import Record, ResultType, Variant

from . import errors, events, types
from .secret import Secret

EPOCH, MILLISECOND, SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1), timedelta(seconds=1)
LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MILLISECOND

hints: Any = cache(get_type_hints)

# What is another value on each side: how it comes from the component, and how it goes there.
OTHERS: dict[type, Any] = {
    Secret: (Secret, lambda secret: bytes(secret.expose())),
    datetime: (lambda at: EPOCH + min(at, LAST) * MILLISECOND, lambda at: max(0, (at - EPOCH) // MILLISECOND)),
    timedelta: (lambda seconds: seconds * SECOND, lambda span: span // SECOND),
}


def lift(hint: Any, value: Any) -> Any:
    """A value of the component's as one of Python's; `hint` is the annotation of its place."""
    if hint == types.Answer:
        # wasmtime names the case of a variant only where two cases have payloads of one class.
        if isinstance(value, Variant):
            return types.Leave(lift(types.Left, value))
        return types.Delete() if value is None else types.HideUntil(lift(datetime, value))
    if value is None:
        return None
    if isinstance(hint, UnionType):
        hint = next(arm for arm in get_args(hint) if arm is not NoneType)
    if get_origin(hint) is tuple:
        return tuple(lift(get_args(hint)[0], item) for item in value)
    if hint is types.Left:
        return types.Left(types.LeftBecause(value.tag), value.payload)
    if hint is events.Event:
        what = events.Happening(value.what.tag)
        return events.Event(getattr(value, "client-id"), lift(datetime, value.at), what, lift(what.detail, value.what.payload))
    if isinstance(hint, type) and is_dataclass(hint):
        return hint(**{name: lift(kind, getattr(value, kebab(name))) for name, kind in hints(hint).items()})
    come, _ = OTHERS.get(hint, (hint, None))
    return come(value)


def lower(value: Any) -> Any:
    """The other way."""
    if isinstance(value, errors.HostError):
        return Failed(value.case, str(value))
    if isinstance(value, types.Gap):
        return Failed(value.why, value.text)
    if isinstance(value, types.Absent | types.Unreadable):
        return Found("none" if isinstance(value, types.Absent) else "unreadable")
    if isinstance(value, Mapping):
        return [lower(types.Attribute(*attribute)) for attribute in value.items()]
    if isinstance(value, tuple):
        return [lower(item) for item in value]
    if is_dataclass(value):
        record = Record()
        for field in fields(value):
            setattr(record, kebab(field.name), lower(getattr(value, field.name)))
        return Found("credential", record) if isinstance(value, types.Held) else record
    go = next((go for kind, (_, go) in OTHERS.items() if isinstance(value, kind)), None)
    return go(value) if go else value


def failure(value: Variant) -> errors.RotationError:
    """What a call answered in place of a result, as the exception to raise."""
    kind, cause = errors.RotationError.of(value.tag), value.payload
    if not isinstance(cause, Variant):
        return kind(cause or "")
    family = errors.StoreError if value.tag == "store" else errors.QueueError
    error = family.of(cause.tag)(cause.payload or "")
    failed = kind(f"the {value.tag} failed: {error}")
    failed.__cause__ = error
    return failed


def kebab(name: str) -> str:
    """The name as the contract spells it."""
    return name.replace("_", "-")


class Failed(Variant):
    """The failure of an import, or of a part of its answer."""


class Found(Variant):
    """What an import answers where its failure is a variant too."""


def lower_result(result: Any, store: Any, value: Any, lower: Any = ResultType._lower) -> Any:
    """In place of wasmtime's: of a failure, only the `err` comes into question."""
    if isinstance(value, Failed | Found):
        only = [("err", result.err) if isinstance(value, Failed) else ("ok", result.ok)]
        result = SimpleNamespace(_tagged=lambda: False, _cases=lambda: only)
    return lower(result, store, value)


# wasmtime takes any object for the `ok` of a result whose `ok` is an option, so that `store.load` could not fail. Other code
# that uses wasmtime in this process has no values of these classes.
ResultType._lower = lower_result  # type: ignore[assignment, method-assign]
