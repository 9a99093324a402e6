"""Carries values between the component and Python: records are dataclasses of the same names, by their annotations."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from wasmtime.component import Record, ResultType, Variant

from .errors import HostError, QueueError, QueueFailed, RotationError, StoreError, StoreFailed
from .events import Event, Happening, HiddenMessage, LeftMessage, Purpose, Reason, ReceivedMessage, SecretEnds, TargetFailure
from .secret import Secret
from .types import Answer, Delete, HideUntil, Leave, Left, LeftBecause, Problem

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MILLISECOND

hints: Callable[[Any], dict[str, Any]] = cache(get_type_hints)


def lift(hint: Any, value: Any) -> Any:
    """A value of the component's as one of Python's; `hint` is the annotation of its place."""
    if hint in VARIANTS:
        return VARIANTS[hint](value)
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
    if hint is Secret or issubclass(hint, Enum):
        return hint(value)
    if is_dataclass(hint):
        return hint(**{name: lift(kind, getattr(value, kebab(name))) for name, kind in hints(hint).items()})
    return value


def lower(value: Any) -> Any:
    """The other way."""
    if isinstance(value, HostError):
        return Failed(value.case, str(value))
    if isinstance(value, Secret):
        return bytes(value.expose())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return max(0, (value - EPOCH) // MILLISECOND)
    if isinstance(value, timedelta):
        return value // timedelta(seconds=1)
    if isinstance(value, (tuple, list)):
        return [lower(item) for item in value]
    if is_dataclass(value):
        record = Record()
        for field in fields(value):
            setattr(record, kebab(field.name), lower(getattr(value, field.name)))
        return record
    return value


def failure(error: Variant) -> RotationError:
    """What a call answered in place of a result, as the exception to raise."""
    kind = subclass(RotationError, error.tag)
    for outer, inner, doing in ((StoreFailed, StoreError, "the store failed"), (QueueFailed, QueueError, "the queue cannot be read")):
        if kind is outer:
            cause = subclass(inner, error.payload.tag)(error.payload.payload or "")
            failed = kind(f"{doing}: {cause}")
            failed.__cause__ = cause
            return failed
    return kind(error.payload or "")


def subclass(base: Any, case: str) -> Any:
    """The exception of this case; the base itself is the case `other`."""
    return next((kind for kind in base.__subclasses__() if kind.case == case), base)


def kebab(name: str) -> str:
    return name.replace("_", "-")


def event(value: Any) -> Event:
    what = Happening(value.what.tag)
    detail = lift(DETAILS.get(what, str), value.what.payload)
    return Event(getattr(value, "client-id"), lift(datetime, value.at), what, detail)


def answer(value: Any) -> Answer:
    # wasmtime names the case of a variant only where two cases have payloads of the same class.
    if value is None:
        return Delete()
    return HideUntil(lift(datetime, value)) if isinstance(value, int) else Leave(lift(Left, value))


VARIANTS: dict[Any, Callable[[Any], Any]] = {
    Event: event,
    Answer: answer,
    Left: lambda value: Left(LeftBecause(value.tag), value.payload),
}
DETAILS: dict[Happening, Any] = {
    Happening.ROTATION_BEGUN: Reason,
    Happening.ASKING_FOR_TOKEN: Purpose,
    Happening.TOKEN_ISSUED: Purpose,
    Happening.ROTATE_OUTCOME_UNKNOWN: Problem,
    Happening.ROTATE_REFUSED: Problem,
    Happening.MESSAGE_RECEIVED: ReceivedMessage,
    Happening.SECRET_KEPT: SecretEnds,
    Happening.EXPIRY_NOTICED: datetime,
    Happening.NOT_PROVEN: Problem,
    Happening.PROMOTED: SecretEnds,
    Happening.NOT_PUBLISHED: TargetFailure,
    Happening.HIDDEN: HiddenMessage,
    Happening.LEFT: LeftMessage,
    Happening.STALLED: Problem,
}


class Failed(Variant):
    """The failure of an import."""


class OnlyErr:
    """A result type without its `ok`."""

    def __init__(self, result: ResultType) -> None:
        self._err = result.err

    def _tagged(self) -> bool:
        return False

    def _cases(self) -> list[tuple[str, Any]]:
        return [("err", self._err)]


def lower_result(result: Any, store: Any, value: Any, lower: Any = ResultType._lower) -> Any:
    return lower(OnlyErr(result) if isinstance(value, Failed) else result, store, value)


# wasmtime takes any object for the `ok` of a result whose `ok` is an option, so that `load` could not fail. Whoever else uses
# wasmtime in this process does not have values of the class `Failed`.
ResultType._lower = lower_result  # type: ignore[method-assign]
