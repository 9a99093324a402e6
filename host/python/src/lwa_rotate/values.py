"""Carries values between the component and Python: records are dataclasses of the same names, by their annotations."""

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from wasmtime.component import Record, ResultType, Variant

from . import errors, events, types
from .secret import Secret

EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
hints: Any = cache(get_type_hints)
LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MILLISECOND


def lift(hint: Any, value: Any) -> Any:
    """A value of the component's as one of Python's; `hint` is the annotation of its place."""
    if hint == types.Answer and not isinstance(value, Variant):
        # wasmtime names the case of a variant only where two cases have payloads of one class.
        return types.Delete() if value is None else types.HideUntil(lift(datetime, value))
    if hint == types.Answer:
        return types.Leave(lift(types.Left, value))
    if hint is types.Left:
        return types.Left(types.LeftBecause(value.tag), value.payload)
    if hint is events.Event:
        what = events.Happening(value.what.tag)
        detail = lift(events.DETAILS.get(what, str), value.what.payload)
        return events.Event(getattr(value, "client-id"), lift(datetime, value.at), what, detail)
    if value is None:
        return None
    if isinstance(hint, UnionType):
        hint = next(arm for arm in get_args(hint) if arm is not NoneType)
    if get_origin(hint) is tuple:
        return tuple(lift(get_args(hint)[0], item) for item in value)
    if hint is datetime:
        return EPOCH + min(value, LAST) * MILLISECOND
    if hint is timedelta:
        return timedelta(seconds=value)
    if isinstance(hint, type) and is_dataclass(hint):
        return hint(**{name: lift(kind, getattr(value, kebab(name))) for name, kind in hints(hint).items()})
    return hint(value) if hint is Secret or issubclass(hint, Enum) else value


def lower(value: Any) -> Any:
    """The other way."""
    if isinstance(value, errors.HostError):
        return Failed(value.case, str(value))
    if isinstance(value, Secret):
        return bytes(value.expose())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return max(0, (value - EPOCH) // MILLISECOND)
    if isinstance(value, timedelta):
        return value // timedelta(seconds=1)
    if isinstance(value, tuple):
        return [lower(item) for item in value]
    if is_dataclass(value):
        record = Record()
        for field in fields(value):
            setattr(record, kebab(field.name), lower(getattr(value, field.name)))
        return record
    return value


def failure(value: Variant) -> errors.RotationError:
    """What a call answered in place of a result, as the exception to raise."""
    kind, cause = errors.RotationError.of(value.tag), value.payload
    if isinstance(cause, Variant):
        cause = (errors.StoreError if value.tag == "store" else errors.QueueError).of(cause.tag)(cause.payload or "")
    error = kind(f"the {value.tag} failed: {cause}" if isinstance(cause, errors.HostError) else cause or "")
    error.__cause__ = cause if isinstance(cause, errors.HostError) else None
    return error


def kebab(name: str) -> str:
    """The name as the contract spells it."""
    return name.replace("_", "-")


class Failed(Variant):
    """The failure of an import."""


class OnlyErr:
    """A result type without its `ok`."""

    def __init__(self, result: ResultType) -> None:
        self._tagged, self._cases = (lambda: False), (lambda: [("err", result.err)])


def lower_result(result: Any, store: Any, value: Any, lower: Any = ResultType._lower) -> Any:
    """In place of wasmtime's."""
    return lower(OnlyErr(result) if isinstance(value, Failed) else result, store, value)


# wasmtime takes any object for the `ok` of a result whose `ok` is an option, so that `store.load` could not fail. Whoever else
# uses wasmtime in this process has no values of the class `Failed`.
ResultType._lower = lower_result  # type: ignore[assignment, method-assign]
