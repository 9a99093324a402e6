"""For the tests of programs that use this package."""

from itertools import count
from threading import Lock

from .errors import StoreConflict
from .secret import Secret
from .types import Entry


class MemoryStore:
    """Keeps documents in this process and loses them with it."""

    def __init__(self) -> None:
        """An empty store."""
        self._entries: dict[str, Entry] = {}
        self._revisions, self._lock = count(1), Lock()

    def load(self, client_id: str) -> Entry | None:
        """The document of this client id."""
        return self._entries.get(client_id)

    def save(self, client_id: str, document: Secret, expected: str | None) -> str:
        """Replaces the document whose revision is `expected`."""
        with self._lock:
            stored = self._entries.get(client_id)
            if (stored and stored.revision) != expected:
                raise StoreConflict
            revision = str(next(self._revisions))
            self._entries[client_id] = Entry(revision, document)
            return revision

    def remove(self, client_id: str, expected: str) -> None:
        """Removes the document whose revision is `expected`."""
        with self._lock:
            stored = self._entries.get(client_id)
            if (stored and stored.revision) != expected:
                raise StoreConflict
            del self._entries[client_id]
