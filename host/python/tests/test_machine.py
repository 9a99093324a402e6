"""The machine code that is kept for the next start."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wasmtime import wat2wasm
from wasmtime.component import Component

from lwa_rotate import machine


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Starts anew; whether it had to compile."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(machine, "COMPONENT", bytes(wat2wasm("(component)")))
    compiled: list[Any] = []

    class Counted(Component):
        def __init__(self, *given: Any) -> None:
            compiled.append(given)
            super().__init__(*given)

    monkeypatch.setattr(machine, "Component", Counted)

    def start() -> bool:
        compiled.clear()
        engine, component = machine.compiled.__wrapped__()
        assert component.type.imports(engine) == {}
        return bool(compiled)

    return start


def test_the_second_start_compiles_nothing(start: Callable[[], bool]) -> None:
    assert [start(), start()] == [True, False]
    kept = machine.kept_at()
    assert os.listdir(kept.parent) == [kept.name]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (kept, kept.parent)] == [0o600, 0o700]


def linked(kept: Path) -> None:
    kept.rename(kept.with_name("elsewhere"))
    kept.symlink_to("elsewhere")


def linked_folder(kept: Path) -> None:
    kept.parent.rename(kept.parent.with_name("elsewhere"))
    kept.parent.symlink_to("elsewhere")


SPOILT: list[Callable[[Path], Any]] = [
    lambda kept: kept.write_bytes(kept.read_bytes()[:-1]),
    lambda kept: kept.write_bytes(kept.read_bytes()[:-1] + b"\0\1"),
    lambda kept: kept.write_bytes(b""),
    lambda kept: kept.write_bytes(machine.sha256(b"not machine code").digest() + b"not machine code"),
    lambda kept: kept.chmod(0o640),
    lambda kept: kept.chmod(0o602),
    lambda kept: kept.parent.chmod(0o770),
    lambda kept: kept.unlink(),
    linked,
    linked_folder,
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_what_is_damaged_or_open_to_others_is_not_run(start: Callable[[], bool], spoil: Callable[[Path], Any]) -> None:
    start()
    spoil(machine.kept_at())
    assert start()


def test_what_another_user_owns_is_not_run(start: Callable[[], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    start()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert start()


@pytest.mark.parametrize("folder", ["/dev/null", "/proc/none", "relative"])
def test_without_a_folder_it_compiles_each_time(
    start: Callable[[], bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", folder)
    monkeypatch.chdir(tmp_path)
    assert [start(), start()] == [True, True]
    assert os.listdir(tmp_path) == []


def test_another_component_and_another_wasmtime_have_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {machine.kept_at()}
    monkeypatch.setattr(machine, "version", lambda _: "0")
    names.add(machine.kept_at())
    monkeypatch.setattr(machine, "COMPONENT", b"another")
    names.add(machine.kept_at())
    assert len(names) == 3
