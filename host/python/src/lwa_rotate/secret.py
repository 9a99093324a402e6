"""Secrets that print nothing, and are overwritten when they go."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import NoReturn, Self, final


@final
class Secret:
    """Bytes that `repr`, `str` and `format` show as `[redacted]`, and that are overwritten when the last reference goes.

    There is no comparison, no pickling and no copying: whoever needs the bytes says so with `expose` or `expose_str`.

    What Python does not allow: `bytes` and `str` cannot be overwritten. The bytes that this was made from, what `expose_str`
    returns, and the copies inside wasmtime, urllib3, OpenSSL and boto3 stay in memory until it is used for something else.
    """

    __slots__ = ("_bytes", "_wipe")
    _bytes: bytearray
    _wipe: partial[None]

    def __new__(cls, value: bytes | bytearray | memoryview | str) -> Self:
        """Takes a copy of the value; text as UTF-8."""
        own = bytearray(value.encode() if isinstance(value, str) else value)
        self = object.__new__(cls)
        self._bytes, self._wipe = own, partial(own.__setitem__, slice(None), bytes(len(own)))
        return self

    def expose(self) -> memoryview:
        """The bytes themselves, not a copy of them; they can be read for as long as this secret lives."""
        return memoryview(self._bytes).toreadonly()

    def expose_str(self) -> str:
        """The bytes as text. A `str` cannot be overwritten: use it and let it go."""
        return self._bytes.decode()

    def wipe(self) -> None:
        """Overwrites the bytes now. What is left is as many zeros."""
        self._wipe()

    def __len__(self) -> int:
        return len(self._bytes)

    def __repr__(self) -> str:
        return "[redacted]"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled or copied; expose() gives its bytes")

    # Calls `_wipe`, all in C: an interrupt that comes in a `__del__` of Python's is lost.
    __del__ = property(attrgetter("_wipe"))


@dataclass(frozen=True, slots=True)
class Credential:
    """A client id with one of its client secrets."""

    client_id: str
    """The application; no secret."""
    client_secret: Secret
    """The secret half."""
    expires_at: datetime | None
    """When Amazon ends this secret; `None` when nobody has said so yet."""
