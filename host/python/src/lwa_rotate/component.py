"""The component, and one call of it: in a fresh instance, within limits, with the imports of that call alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from time import monotonic
from typing import Any, Final

from wasmtime import Config, Engine, Store, Trap, WasmtimeError
from wasmtime.component import Component, ExportIndex, Linker

from .errors import Stopped
from .types import Limits

COMPONENT: Final = files(__package__).joinpath("component.wasm").read_bytes()
"""The component as a portable WebAssembly file: the very bytes that every host of lwa-rotate runs."""

ROTATION = "lwa:rotation/rotation@0.1.0"
TICK = 0.01

# The package wasmtime keeps state of its conversions in variables of its modules, so one thread at a time may be in it. It is
# given back while an import waits for the world, which is where a call spends its time.
_TURN = threading.Lock()

Imports = dict[str, dict[str, Callable[..., Any]]]


@cache
def _compiled() -> tuple[Engine, Component]:
    config = Config()
    config.epoch_interruption = True
    # Small reservations, so that it also runs where address space is limited.
    config.memory_reservation = 64 << 20
    config.memory_reservation_for_growth = 16 << 20
    config.memory_guard_size = 64 << 10
    engine = Engine(config)
    return engine, Component(engine, COMPONENT)


class Call:
    """One call of one exported function."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.raised: BaseException | None = None
        self._ends = monotonic() + limits.call.total_seconds()
        self._ticks = 0
        self._computing = False
        self._over = threading.Event()

    def run(self, imports: Imports, function: str, *arguments: Any) -> Any:
        """Calls the function; what comes back has the shape that wasmtime gives it."""
        ticker = threading.Thread(target=self._tick, daemon=True)
        try:
            self._take_turn()
            ticker.start()
            return self._run(imports, function, arguments)
        except (WasmtimeError, Trap) as error:
            if self.raised is not None:
                raise self.raised from None
            raise Stopped(f"the component was stopped: {self._why(error)}") from None
        finally:
            self._over.set()
            if self._computing:
                self._give_turn()

    def _run(self, imports: Imports, function: str, arguments: tuple[Any, ...]) -> Any:
        engine, component = _compiled()
        # Closed in this order and before the turn goes to somebody else.
        with Linker(engine) as linker, Store(engine) as self._store:
            self._store.set_limits(memory_size=self.limits.memory, table_elements=100_000, instances=10, tables=10, memories=1)
            self._store.set_epoch_deadline(self._ticks_left())
            with linker.root() as root:
                for name, functions in imports.items():
                    with root.add_instance(name) as instance:
                        for each, body in functions.items():
                            instance.add_func(each, body)
            called = linker.instantiate(self._store, component).get_func(self._store, _export(component, function))
            assert called is not None, "the component exports what its contract lists"
            return called(self._store, *arguments)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Around what an import does: others may compute meanwhile, and its time is not counted as the component's."""
        if monotonic() > self._ends:
            raise Stopped(f"the component was stopped: the call took longer than {self.limits.call}")
        self._give_turn()
        try:
            yield
        finally:
            self._take_turn()
            self._store.set_epoch_deadline(self._ticks_left())

    def stop(self, error: BaseException) -> WasmtimeError:
        """Ends the call with this error, whatever it is; wasmtime itself would let only some through."""
        self.raised = error
        return WasmtimeError("stopped by its host")

    def _take_turn(self) -> None:
        _TURN.acquire()
        self._computing = True

    def _give_turn(self) -> None:
        self._computing = False
        _TURN.release()

    def _ticks_left(self) -> int:
        return max(1, int(self.limits.computing.total_seconds() / TICK) - self._ticks)

    def _tick(self) -> None:
        # Only the call that has its turn moves the epoch, so that it moves at the pace of the clock.
        while not self._over.wait(TICK):
            if self._computing:
                self._ticks += 1
                _compiled()[0].increment_epoch()

    def _why(self, error: Exception) -> str:
        text = str(error).strip().splitlines()[-1].strip()
        if "interrupt" in text:
            return f"it computed for longer than {self.limits.computing}"
        return f"it failed, which is a defect of it or comes of the limit of {self.limits.memory} bytes of memory: {text}"


@cache
def _export(component: Component, function: str) -> ExportIndex:
    interface = component.get_export_index(ROTATION)
    index = component.get_export_index(function, interface)
    assert index is not None, "the component exports what its contract lists"
    return index
