"""One call of the component: in a fresh instance, within limits, with imports that reach only what the call is about."""

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from wasmtime import Config, Engine, Store, Trap, WasmtimeError
from wasmtime.component import Component, Linker

from . import protocols
from .errors import HostError, Stopped
from .types import Application, Limits
from .values import hints, kebab, lift, lower

COMPONENT: Final = files(__package__).joinpath("component.wasm").read_bytes()
"""The component as a portable WebAssembly file: the very bytes that every host of lwa-rotate runs."""

log = logging.getLogger("lwa_rotate")

# More than any call asks its host for, the clock included; and how often the epoch moves, in seconds.
MOST_IMPORTS, TICK = 20_000, 0.1

# The package wasmtime keeps state of its conversions in variables of its modules, so one thread at a time may be in it. The
# turn is given back while an import waits for the world, which is where a call spends its time.
TURN = threading.RLock()
# A child of a fork has the forking thread alone: nobody else may hold the turn then, for it would never come back.
os.register_at_fork(before=TURN.acquire, after_in_parent=TURN.release, after_in_child=TURN.release)


class Import(NamedTuple):
    """An interface that the component imports."""

    protocol: type
    by: Any
    failure: type[HostError] | None = None


@cache
def compiled() -> tuple[Engine, Component]:
    """The component as machine code, once for all, and a thread that moves the epoch by which it is interrupted."""
    config = Config()
    config.epoch_interruption = True
    # Small reservations, so that it also runs where address space is limited.
    config.memory_reservation, config.memory_guard_size = 64 << 20, 64 << 10
    engine = Engine(config)

    def tick() -> None:
        while True:
            time.sleep(TICK)
            engine.increment_epoch()

    def start() -> None:
        threading.Thread(target=tick, daemon=True, name="lwa-rotate epoch").start()

    os.register_at_fork(after_in_child=start)
    start()
    return engine, Component(engine, COMPONENT)


class Call:
    """One call of one exported function, about one application or one queue, or about a message."""

    def __init__(
        self,
        imports: dict[str, Import],
        applications: dict[str, Application],
        limits: Limits,
        about: str | None,
        queue: str | None,
    ) -> None:
        self._imports, self._applications, self._limits = imports, applications, limits
        self._about, self._queue, self._count = about, queue, 0
        self._ends = time.monotonic() + limits.call.total_seconds()
        self._stopped: BaseException | None = None

    def run(self, function: str, arguments: Sequence[Any]) -> Any:
        """Calls the function; what comes back has the shape that wasmtime gives it."""
        engine, component = compiled()
        rotation = component.get_export_index("lwa:rotation/rotation@0.1.0")
        exported = component.get_export_index(function, rotation)
        assert exported is not None, "the component exports what its contract lists"
        try:
            with TURN, Linker(engine) as linker, Store(engine) as self._store:
                self._store.set_limits(memory_size=self._limits.memory, table_elements=100_000, memories=1)
                self._compute()
                with linker.root() as root:
                    for name, each in self._imports.items():
                        with root.add_instance(name) as instance:
                            for body in (body for body in vars(each.protocol) if not body.startswith("_")):
                                instance.add_func(kebab(body), self._function(each, body))
                called = linker.instantiate(self._store, component).get_func(self._store, exported)
                assert called is not None, "the component exports what its contract lists"
                return called(self._store, *map(lower, arguments))
        except (WasmtimeError, Trap) as error:
            why = str(error).strip().splitlines()[-1].strip()
            stopped = self._stopped or Stopped(f"the component was stopped at the limits of {self._limits}, or failed: {why}")
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            # Its text may quote the value.
            wrong = "an argument, or what the host returned, is not of the type that the contract says"
            stopped = Stopped(f"the component was stopped: {wrong} ({type(error).__name__})")
        # Without the frames below, whose variables hold secrets as plain bytes.
        raise stopped.with_traceback(None) from None

    def _function(self, each: Import, name: str) -> Callable[..., Any]:
        """An import as wasmtime calls it."""
        function, kinds = getattr(each.by, name), hints(getattr(each.protocol, name)).copy()
        kinds.pop("return")

        def called(_: object, *arguments: Any) -> Any:
            try:
                lifted = [lift(kind, argument) for kind, argument in zip(kinds.values(), arguments, strict=True)]
                self._check(each.protocol, lifted)
                with self._away():
                    return lower(function(*lifted))
            except BaseException as error:
                if each.failure is not None and isinstance(error, each.failure):
                    return lower(error)
                if not isinstance(error, Exception) or isinstance(error, Stopped):
                    # wasmtime itself would let only some through.
                    self._stopped = error
                    raise WasmtimeError("stopped by its host") from None
                # The text of an exception that nobody here knows may hold anything.
                at = traceback.extract_tb(error.__traceback__)[-1]
                log.error("%s raised %s at %s:%s, which tells nothing", name, type(error).__name__, at.filename, at.lineno)
                return lower(each.failure(f"the host's {name} raised {type(error).__name__}")) if each.failure else None

        return called

    def _check(self, protocol: type, arguments: list[Any]) -> None:
        """Whether the call may ask for this: no other application and no other queue than it is about, and not without end."""
        self._count += 1
        if self._count > MOST_IMPORTS or time.monotonic() > self._ends:
            raise Stopped(f"the component was stopped: the call took longer than {self._limits.call}, or asked for too much")
        allowed = True
        if protocol is protocols.Queue:
            allowed = arguments[0] == self._queue
        elif protocol in (protocols.Settings, protocols.Store):
            allowed = self._about in (None, arguments[0])
        elif protocol is protocols.Publish:
            application = self._applications.get(arguments[1].client_id)
            allowed = application is not None and arguments[0] in application.targets
        if not allowed:
            raise Stopped("the component was stopped: it asked for what the call is not about")

    @contextmanager
    def _away(self) -> Iterator[None]:
        """Around what an import does: others may compute meanwhile, and its time is not counted as the component's."""
        TURN.release()
        try:
            yield
        finally:
            TURN.acquire()
            self._compute()

    def _compute(self) -> None:
        self._store.set_epoch_deadline(int(self._limits.computing.total_seconds() / TICK) + 1)
