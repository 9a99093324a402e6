"""One document per client id, in files."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from time import monotonic, sleep
from typing import BinaryIO

from .errors import StoreAccessDenied, StoreConflict, StoreError, StoreFull, StoreUnavailable
from .secret import Secret
from .types import Entry

# Longer names are cut, and told apart by a digest: file systems end names at 255 bytes.
LONGEST_NAME, PLAIN = 180, b"abcdefghijklmnopqrstuvwxyz0123456789_-"
# How long others are waited for who replace the same file, and how often the lock is tried; seconds.
PATIENCE, PAUSE = 10.0, 0.005


class FileStore:
    """Keeps each document in a file of its own in one folder, readable by its owner alone; on Unix. The program `lwa-rotate`
    keeps its records in the same files and takes the same turns, so both may work on one folder.

    A save writes a temporary file in the same folder, syncs it, renames it over the record and syncs the folder; so a document
    survives the loss of power, as far as the disk is honest. Savers in this and in other processes take turns by an
    advisory lock, which needs a local file system, or a network one that honours locks between machines. A damaged file is
    not loaded and never overwritten. Do not restore single records from a backup without need: an older copy that is put
    back is taken for the current one.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """A store in this folder. Nothing is touched yet; the first save creates the folder, for its owner alone."""
        self._folder = Path(folder)

    def path(self, client_id: str) -> Path:
        """The file that holds the record of this client id, whether it is there or not."""
        return self._folder / f"{file_name(client_id)}.record"

    def load(self, client_id: str) -> Entry | None:
        """The document of this client id."""
        path = self.path(client_id)
        try:
            line, end, document = path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failure(f"read {path}", error) from None
        revision = b"".join(line.split(b" ")[2:3]).decode("ascii", "replace")
        if line + end != head(client_id, revision, document):
            wrong = "it is damaged, of another client id, or of a later version of lwa-rotate; it is left as it is"
            raise StoreError(f"{path} is not a readable record: {wrong}. Put back a copy, or move it away and enroll again")
        return Entry(revision, Secret(document))

    def save(self, client_id: str, document: Secret, expected: str | None) -> str:
        """Replaces the document whose revision is `expected`."""
        path = self.path(client_id)
        try:
            above = [folder.parent for folder in (self._folder, *self._folder.parents) if not folder.is_dir()]
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in above:
                sync(folder)
            with replacing(path) as file:
                self._compare(client_id, expected)
                # A number for people, and chance: a record that was deleted and made anew never answers to an old revision.
                number = expected.split(".")[0] if expected else "0"
                revision = f"{int(number) + 1 if number.isdecimal() else 1}.{token_hex(8)}"
                file.write(head(client_id, revision, document.expose()))
                file.write(document.expose())
        except OSError as error:
            raise failure(f"write {path}", error) from None
        try:
            sync(self._folder)
        except OSError as error:
            why = f"cannot make {path} durable: {error.strerror}; whether the save took place is not known"
            raise StoreUnavailable(why) from None
        return revision

    def remove(self, client_id: str, expected: str) -> None:
        """Removes the document whose revision is `expected`."""
        path = self.path(client_id)
        if not self._folder.is_dir():
            raise StoreConflict
        try:
            # In its turn; nothing takes the place of the record.
            with suppress(Removed), replacing(path):
                self._compare(client_id, expected)
                path.unlink()
                raise Removed
        except OSError as error:
            raise failure(f"remove {path}", error) from None
        try:
            sync(self._folder)
        except OSError as error:
            why = f"cannot make the removal of {path} durable: {error.strerror}; whether it took place is not known"
            raise StoreUnavailable(why) from None

    def _compare(self, client_id: str, expected: str | None) -> None:
        stored = self.load(client_id)
        if (stored and stored.revision) != expected:
            raise StoreConflict


class Removed(Exception):
    """There is nothing to put in the record's place."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write, for its owner alone, that takes the place of another unless something is raised. One at a time."""
    temporary, until = path.with_name(f"{path.name}.tmp"), monotonic() + PATIENCE
    while not (file := claimed(temporary)):
        if monotonic() > until:
            raise TimeoutError(errno.ETIMEDOUT, "another process has been replacing it for too long")
        sleep(PAUSE)
    with file:
        try:
            yield file
            file.flush()
            # Order matters: the content is on the disk before the name points to it, or a loss of power leaves it empty.
            os.fsync(file.fileno())
            os.rename(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def claimed(temporary: Path) -> BinaryIO | None:
    """The temporary file, which is the lock: new, locked, and standing under its name. `None` while there is another one; if
    that is there still when its lock is free, its process has died, and it is removed."""
    new = not os.path.lexists(temporary)
    # Only a file of our own making is ever written to: no other process can have prepared it, or hold it open.
    with suppress(FileExistsError, FileNotFoundError, BlockingIOError), ExitStack() as opened:
        file = opened.enter_context(open(temporary, "xb" if new else "r+b", opener=partial(os.open, mode=0o600)))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), os.stat(temporary)):
            if new:
                opened.pop_all()
                return file
            temporary.unlink()
    return None


def sync(folder: Path) -> None:
    """Makes the entries of the folder survive the loss of power."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def failure(doing: str, error: OSError) -> StoreError:
    """The system's error in the words of the contract."""
    text = f"cannot {doing}: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreFull(f"{text}; make room there")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreAccessDenied(f"{text}; let the user that runs this own and write the store's folder")
    return StoreUnavailable(text)


def head(client_id: str, revision: str, document: bytes | memoryview) -> bytes:
    """The line before a document: by it a file that was cut, changed, or renamed to another client id is no record."""
    digest = sha256()
    for part in (client_id.encode(), revision.encode()):
        digest.update(len(part).to_bytes(8, "little") + part)
    digest.update(document)
    return f"lwa-rotate-record 1 {revision} {len(document)} {digest.hexdigest()}\n".encode()


def file_name(client_id: str) -> str:
    """Client id to file name, one to one, also where the file system does not tell letter cases apart."""
    named = client_id.encode()
    name = "".join(chr(byte) if byte in PLAIN or (at and byte == 0x2E) else f"%{byte:02x}" for at, byte in enumerate(named))
    if len(name) > LONGEST_NAME:
        return f"{name[: LONGEST_NAME - 66]}%%{sha256(named).hexdigest()}"
    return name or "%"
