"""The component as machine code, which is kept for the next start."""

import os
import stat
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from secrets import token_hex
from typing import Final

from wasmtime import Config, Engine, WasmtimeError
from wasmtime.component import Component

COMPONENT: Final = files(__package__).joinpath("component.wasm").read_bytes()
"""The component as a portable WebAssembly file: the very bytes that every host of lwa-rotate runs."""


@cache
def compiled() -> tuple[Engine, Component]:
    """The component as machine code, once for all."""
    config = Config()
    config.consume_fuel = True
    # In a child of a fork, the threads that compile would be missing.
    config.parallel_compilation = False
    # Small reservations, so that it also runs where address space is limited.
    config.memory_reservation, config.memory_guard_size = 64 << 20, 64 << 10
    engine, path = Engine(config), kept_at()
    with suppress(OSError, WasmtimeError):
        return engine, Component.deserialize(engine, read(path))
    component = Component(engine, COMPONENT)
    with suppress(OSError):
        write(path, bytes(component.serialize()))
    return engine, component


def kept_at() -> Path:
    """A name that another component, version of wasmtime, or processor does not have; in the user's folder for such things."""
    cpu = b""
    with suppress(OSError):
        cpu = next(
            (line for line in Path("/proc/cpuinfo").read_bytes().splitlines() if line.startswith((b"flags", b"Features"))), b""
        )
    of = sha256(COMPONENT + f"\0{version('wasmtime')}\0{os.uname().machine}\0".encode() + cpu)
    above = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(above, "lwa-rotate", f"{of.hexdigest()}.machine-code")


def read(path: Path) -> bytes:
    """What was written. It is run as it is, so it is read only where the user alone can have written it, and if it is whole."""
    folder = os.lstat(path.parent)
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as file:
        for seen, kind in ((folder, stat.S_ISDIR), (os.fstat(file.fileno()), stat.S_ISREG)):
            if not kind(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & 0o077:
                raise PermissionError(f"others may write to {path}")
        digest, code = file.read(32), file.read()
    if sha256(code).digest() != digest:
        raise OSError(f"{path} is damaged")
    return code


def write(path: Path, code: bytes) -> None:
    """Keeps it, whole or not at all."""
    if path.is_absolute():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_suffix(f".{token_hex(8)}")
        try:
            new.touch(mode=0o600, exist_ok=False)
            new.write_bytes(sha256(code).digest() + code)
            new.rename(path)
        finally:
            new.unlink(missing_ok=True)
