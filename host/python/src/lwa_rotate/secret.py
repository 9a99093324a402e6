"""Secrets that print nothing, and are overwritten when they go."""

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, final


@final
class Secret:
    """Bytes that `repr`, `str` and `format` show as `[redacted]`, and that are overwritten when the last reference goes.

    There is no comparison, no pickling and no copying: whoever needs the bytes says so with `expose` or `expose_str`.

    What Python does not allow: `bytes` and `str` cannot be overwritten. The bytes that this was made from, what `expose_str`
    returns, and the copies inside wasmtime, urllib3, OpenSSL and boto3 stay in memory until it is used for something else.
    """

    __slots__ = ("_bytes",)

    def __init__(self, value: bytes | bytearray | memoryview | str) -> None:
        """Takes a copy of the value; text as UTF-8."""
        self._bytes = bytearray(value.encode() if isinstance(value, str) else value)

    def expose(self) -> memoryview:
        """The bytes themselves, not a copy of them; they can be read for as long as this secret lives."""
        return memoryview(self._bytes).toreadonly()

    def expose_str(self) -> str:
        """The bytes as text. A `str` cannot be overwritten: use it and let it go."""
        return self._bytes.decode()

    def wipe(self) -> None:
        """Overwrites the bytes now. What is left is as many zeros."""
        self._bytes[:] = bytes(len(self._bytes))

    def __len__(self) -> int:
        return len(self._bytes)

    def __repr__(self) -> str:
        return "[redacted]"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled or copied; expose() gives its bytes")

    def __del__(self) -> None:
        if hasattr(self, "_bytes"):
            self.wipe()


@dataclass(frozen=True, slots=True)
class Credential:
    """A client id with one of its client secrets."""

    client_id: str
    """The application; no secret."""
    client_secret: Secret
    """The secret half."""
    expires_at: datetime | None
    """When Amazon ends this secret; `None` when nobody has said so yet."""
