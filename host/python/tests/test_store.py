"""What every store promises (from the sentences of `wit/store.wit`), and what only files can get wrong."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lwa_rotate import FileStore, Secret, errors
from lwa_rotate.store import file_name
from lwa_rotate.testing import MemoryStore

ID = "amzn1.application-oa2-client.0123"
STRANGE = [
    "A",
    "a",
    "a.b",
    "a_b",
    "a/b",
    "../a",
    "a%2Fb",
    "a b",
    ".",
    "..",
    "",
    "ä",
    "a\u0308",
    "a\0b",
    "con",
    "a.tmp",
    "x" * 300,
]


@pytest.fixture(params=["file", "memory"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """Opens another handle of one place, as another process would."""
    memory = MemoryStore()
    return lambda: FileStore(tmp_path / "state") if request.param == "file" else memory


def document(store: Any, client_id: str = ID) -> bytes | None:
    entry = store.load(client_id)
    return bytes(entry.document.expose()) if entry else None


def test_a_document_is_created_only_where_there_is_none(opened: Callable[[], Any]) -> None:
    store = opened()
    assert store.load(ID) is None
    with pytest.raises(errors.StoreConflict):
        store.save(ID, Secret("x"), "1")
    revision = store.save(ID, Secret("first"), None)
    with pytest.raises(errors.StoreConflict):
        store.save(ID, Secret("second"), None)
    assert (document(opened()), opened().load(ID).revision) == (b"first", revision)


def test_save_replaces_the_revision_named_or_nothing_and_none_is_used_twice(opened: Callable[[], Any]) -> None:
    store, revisions = opened(), [None]
    for text in ("a", "b", "a", "a"):
        revisions.append(store.save(ID, Secret(text), revisions[-1]))
    assert len(set(revisions)) == len(revisions)
    for stale in (*revisions[:-1], f"{revisions[-1]}0"):
        with pytest.raises(errors.StoreConflict):
            opened().save(ID, Secret("other"), stale)
    assert document(store) == b"a"


def test_remove_removes_the_revision_named_or_nothing(opened: Callable[[], Any]) -> None:
    store = opened()
    with pytest.raises(errors.StoreConflict):
        store.remove(ID, "1")
    first = store.save(ID, Secret("first"), None)
    second = store.save(ID, Secret("second"), first)
    for stale in (first, f"{second}0"):
        with pytest.raises(errors.StoreConflict):
            opened().remove(ID, stale)
    assert document(store) == b"second"
    opened().remove(ID, second)
    assert document(store) is None
    with pytest.raises(errors.StoreConflict):
        store.remove(ID, second)
    anew = store.save(ID, Secret("second"), None)
    assert anew not in (first, second)
    for ask in (lambda: store.remove(ID, second), lambda: store.save(ID, Secret("other"), second)):
        with pytest.raises(errors.StoreConflict):
            ask()
    assert document(opened()) == b"second"


def test_of_a_saver_and_a_remover_of_one_revision_one_succeeds(opened: Callable[[], Any]) -> None:
    for turn in range(10):
        revision = opened().save(str(turn), Secret("before"), None)

        def attempt(change: Any) -> bool:
            try:
                change()
            except errors.StoreConflict:
                return False
            return True

        changes = (
            partial(opened().save, str(turn), Secret("after"), revision),
            partial(opened().remove, str(turn), revision),
        )
        with ThreadPoolExecutor(2) as threads:
            saved, removed = threads.map(attempt, changes)
        assert saved != removed
        assert document(opened(), str(turn)) == (b"after" if saved else None)


def test_documents_come_back_byte_for_byte(opened: Callable[[], Any]) -> None:
    for number, content in enumerate([bytes(range(256)), b"", b"\r\n\n\0", b"x" * (64 << 10)]):
        opened().save(str(number), Secret(content), None)
        assert document(opened(), str(number)) == content


def test_client_ids_are_compared_byte_for_byte(opened: Callable[[], Any]) -> None:
    for client_id in STRANGE:
        opened().save(client_id, Secret(client_id), None)
    assert [document(opened(), client_id) for client_id in STRANGE] == [client_id.encode() for client_id in STRANGE]


def test_no_save_is_lost_among_concurrent_savers(opened: Callable[[], Any]) -> None:
    def add(store: Any) -> None:
        for _ in range(5):
            while True:
                entry = store.load(ID)
                count = int(entry.document.expose_str()) if entry else 0
                try:
                    store.save(ID, Secret(str(count + 1)), entry and entry.revision)
                    break
                except errors.StoreConflict:
                    pass

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, [opened() for _ in range(8)]))
    assert document(opened()) == b"40"


def test_load_never_returns_part_of_a_document(opened: Callable[[], Any]) -> None:
    revision, writing, seen = opened().save(ID, Secret("a" * 1000), None), threading.Event(), []

    def read() -> None:
        while not writing.is_set():
            content = document(opened())
            assert content
            seen.append((len(set(content)), len(content) % 6000))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(40):
        revision = opened().save(ID, Secret("abcdefg"[turn % 7] * (1000 + 6000 * (turn % 7))), revision)
    writing.set()
    reader.join()
    assert set(seen) == {(1, 1000)}


SAVER = """
import sys
from lwa_rotate import FileStore, Secret
from lwa_rotate.errors import StoreConflict
store = FileStore(sys.argv[1])
for _ in range(25):
    while True:
        entry = store.load("id")
        try:
            store.save("id", Secret(str(int(entry.document.expose_str()) + 1)), entry.revision)
            break
        except StoreConflict:
            pass
"""


def test_processes_take_turns(tmp_path: Path) -> None:
    FileStore(tmp_path).save("id", Secret("0"), None)
    processes = [subprocess.Popen([sys.executable, "-c", SAVER, tmp_path]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert document(FileStore(tmp_path), "id") == b"75"
    assert os.listdir(tmp_path) == ["id.record"]


def test_records_are_for_their_owner_alone(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "above" / "state")
    store.save(ID, Secret("x"), None)
    assert stat.S_IMODE(store.path(ID).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "above" / "state").stat().st_mode) == 0o700


def test_loading_touches_nothing(tmp_path: Path) -> None:
    assert FileStore(tmp_path / "state").load(ID) is None
    assert os.listdir(tmp_path) == []


def test_a_damaged_record_is_neither_loaded_nor_overwritten(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    revision = store.save(ID, Secret("the only copy of a secret"), None)
    whole = store.path(ID).read_bytes()
    damages = [whole[:length] for length in range(len(whole))]
    damages += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    for damaged in [*damages, whole + b"\n", whole.replace(b" 1 ", b" 2 ", 1)]:
        store.path(ID).write_bytes(damaged)
        with pytest.raises(errors.StoreError, match="not a readable record") as error:
            store.load(ID)
        assert "only copy" not in str(error.value)
        for expected in (None, revision):
            with pytest.raises(errors.StoreError, match="not a readable record"):
                store.save(ID, Secret("another"), expected)
        with pytest.raises(errors.StoreError, match="not a readable record"):
            store.remove(ID, revision)
        assert store.path(ID).read_bytes() == damaged
    store.path("other").write_bytes(whole)
    with pytest.raises(errors.StoreError, match="of another client id"):
        store.load("other")


def test_what_a_dead_process_left_is_taken_over(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    left = store.path(ID).with_name(store.path(ID).name + ".tmp")
    left.write_bytes(b"half of something much longer than the document")
    store.save(ID, Secret("whole"), None)
    assert document(store) == b"whole" and not left.exists()


def test_nothing_is_written_through_a_link_that_was_prepared(tmp_path: Path) -> None:
    store, elsewhere = FileStore(tmp_path / "state"), tmp_path / "elsewhere"
    (tmp_path / "state").mkdir()
    elsewhere.write_bytes(b"")
    store.path(ID).with_name(store.path(ID).name + ".tmp").symlink_to(elsewhere)
    store.save(ID, Secret("secret"), None)
    assert elsewhere.read_bytes() == b"" and not store.path(ID).is_symlink()


def test_the_content_is_synced_before_the_name_points_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for name in ("fsync", "rename"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, name=name, real=real: (done.append(name), real(*given)))
    FileStore(tmp_path).save(ID, Secret("x"), None)
    assert done == ["fsync", "rename", "fsync"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [(28, errors.StoreFull), (13, errors.StoreAccessDenied), (30, errors.StoreAccessDenied), (5, errors.StoreUnavailable)],
)
def test_the_systems_errors_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: Any) -> None:
    def failing(_: int) -> None:
        raise OSError(number, os.strerror(number))

    store = FileStore(tmp_path)
    revision = store.save(ID, Secret("before"), None)
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(kind, match="cannot write"):
        store.save(ID, Secret("after"), revision)
    assert document(store) == b"before"
    assert os.listdir(tmp_path) == [store.path(ID).name], "nothing is left behind"


def test_a_removal_is_synced_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path)
    revision, synced = store.save(ID, Secret("x"), None), []
    monkeypatch.setattr("lwa_rotate.store.sync", lambda folder: synced.append((folder, os.listdir(tmp_path))))
    store.remove(ID, revision)
    assert synced == [(tmp_path, [])]
    with pytest.raises(errors.StoreConflict):
        FileStore(tmp_path / "none").remove(ID, revision)
    assert os.listdir(tmp_path) == []


def test_a_removal_that_may_not_last_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: Path) -> None:
        raise OSError(5, os.strerror(5))

    store = FileStore(tmp_path)
    revision = store.save(ID, Secret("x"), None)
    monkeypatch.setattr("lwa_rotate.store.sync", failing)
    with pytest.raises(errors.StoreUnavailable, match="whether it took place is not known"):
        store.remove(ID, revision)


@pytest.mark.parametrize("number", [28, 13, 5])
def test_a_failure_after_the_rename_leaves_it_open_whether_the_save_took_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def failing(_: Path) -> None:
        raise OSError(number, os.strerror(number))

    store = FileStore(tmp_path)
    revision = store.save(ID, Secret("before"), None)
    monkeypatch.setattr("lwa_rotate.store.sync", failing)
    with pytest.raises(errors.StoreUnavailable, match="not known"):
        store.save(ID, Secret("after"), revision)
    assert document(store) == b"after"


def test_every_folder_that_is_made_is_synced_into_the_one_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("lwa_rotate.store.sync", synced.append)
    FileStore(tmp_path / "a" / "b" / "state").save(ID, Secret("x"), None)
    assert {*synced} == {tmp_path, tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "state"}


def test_no_client_id_leads_out_of_the_folder() -> None:
    names = [file_name(client_id) for client_id in STRANGE]
    assert len({name.lower() for name in names}) == len(names)
    assert not any(name.startswith(".") or "/" in name or "\0" in name or len(name) > 180 for name in names)
    assert file_name("amzn1.application-oa2-client.0123456789abcdef") == "amzn1.application-oa2-client.0123456789abcdef"
