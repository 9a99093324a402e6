"""One call of the component: in a fresh instance, within limits, with imports that reach only what the call is about."""

import logging
import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from threading import RLock
from time import monotonic
from traceback import extract_tb
from typing import Any, Final

from wasmtime import Config, Engine, Store, Trap, WasmtimeError
from wasmtime.component import Component, Linker

from . import protocols
from .errors import HostError, Stopped
from .types import Limits
from .values import hints, kebab, lift, lower

COMPONENT: Final = files(__package__).joinpath("component.wasm").read_bytes()
"""The component as a portable WebAssembly file: the very bytes that every host of lwa-rotate runs."""

log = logging.getLogger("lwa_rotate")

# The package wasmtime keeps state of its conversions in variables of its modules, so one thread at a time may be in it. The
# turn is given back while an import waits for the world, which is where a call spends its time.
TURN = RLock()
# A child of a fork has the forking thread alone: nobody else may hold the turn then, for it would never come back.
os.register_at_fork(before=TURN.acquire, after_in_parent=TURN.release, after_in_child=TURN.release)


@cache
def compiled() -> tuple[Engine, Component]:
    """The component as machine code, once for all."""
    config = Config()
    config.consume_fuel = True
    # Small reservations, so that it also runs where address space is limited.
    config.memory_reservation, config.memory_guard_size = 64 << 20, 64 << 10
    engine = Engine(config)
    return engine, Component(engine, COMPONENT)


class Call:
    """One call of one exported function, about one application or one queue, or about a message."""

    def __init__(self, by: Mapping[type, Any], limits: Limits, about: Mapping[str, str | None]) -> None:
        """`about` has the only value that an import's argument of this name may have."""
        self._by, self._limits, self._about = by, limits, about
        self._ends = monotonic() + limits.call.total_seconds()
        self._stopped: BaseException | None = None

    def run(self, function: str, *arguments: Any) -> Any:
        """Calls the function; what comes back has the shape that wasmtime gives it."""
        engine, component = compiled()
        exported: Any = component.get_export_index(function, component.get_export_index("lwa:rotation/rotation@0.1.0"))
        try:
            with TURN, Linker(engine) as linker, Store(engine) as store:
                store.set_fuel(self._limits.fuel)
                store.set_limits(memory_size=self._limits.memory, table_elements=100_000, memories=1)
                with linker.root() as root:
                    for protocol, (interface, family) in protocols.INTERFACES.items():
                        with root.add_instance(interface) as instance:
                            for name in (name for name in vars(protocol) if not name.startswith("_")):
                                instance.add_func(kebab(name), self._function(protocol, family, name))
                called: Any = linker.instantiate(store, component).get_func(store, exported)
                return called(store, *map(lower, arguments))
        except (WasmtimeError, Trap) as error:
            why = str(error).strip().splitlines()[-1].strip()
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            # Its text may quote the value.
            why = f"an argument, or what the host returned, is not of the contract's type ({type(error).__name__})"
        stopped = self._stopped or Stopped(f"the component was stopped at {self._limits}, or failed: {why}")
        # Without the frames below, whose variables hold secrets as plain bytes.
        raise stopped.with_traceback(None) from None

    def _function(self, protocol: type, family: type[HostError] | None, name: str) -> Callable[..., Any]:
        """An import as wasmtime calls it."""
        kinds = [(of, kind) for of, kind in hints(getattr(protocol, name)).items() if of != "return"]

        def called(_: object, *arguments: Any) -> Any:
            try:
                asked = {of: lift(kind, argument) for (of, kind), argument in zip(kinds, arguments, strict=True)}
                self._check(asked)
                TURN.release()
                try:
                    return lower(getattr(self._by[protocol], name)(*asked.values()))
                finally:
                    TURN.acquire()
            except BaseException as error:
                if family and isinstance(error, family):
                    return lower(error)
                if isinstance(error, Stopped) or not isinstance(error, Exception):
                    # wasmtime itself would let only some through.
                    self._stopped = error
                    raise WasmtimeError("stopped by its host") from None
                # The text of an exception that nobody here knows may hold anything.
                at = extract_tb(error.__traceback__)[-1]
                log.error("%s raised %s at %s:%s, which tells nothing", name, type(error).__name__, at.filename, at.lineno)
                return lower(family(f"the host's {name} raised {type(error).__name__}")) if family else None

        return called

    def _check(self, asked: Mapping[str, Any]) -> None:
        """Whether the call may ask for this: in its time, and of no other application and no other queue than it is about."""
        allowed = all(asked.get(of, only) == only for of, only in self._about.items())
        if "target" in asked:
            application = self._by[protocols.Settings].find(asked["credential"].client_id)
            allowed = application is not None and asked["target"] in application.targets
        if not allowed:
            raise Stopped("the component was stopped: it asked for what the call is not about")
        if monotonic() > self._ends:
            raise Stopped(f"the component was stopped: the call took longer than {self._limits.call}")
