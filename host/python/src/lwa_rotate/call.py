"""One call of the component: in a fresh instance, within limits, with imports that reach only what the call is about.

The component runs in a thread of its own, and its imports run in the thread of the caller. So no machine code lies below them:
an interrupt, which Python raises at any instant of the main thread, a fork, and a switch of greenlets meet Python alone.
"""

import logging
import os
import signal
from _queue import SimpleQueue
from collections.abc import Callable, Mapping
from importlib.machinery import BuiltinImporter, ModuleSpec
from time import monotonic
from traceback import extract_tb, walk_tb
from types import NoneType
from typing import Any

from wasmtime import Store, Trap, WasmtimeError
from wasmtime.component import Linker, Variant

from . import protocols
from .errors import HostError, RotationError, Stopped
from .machine import compiled
from .types import Limits
from .values import failure, hints, kebab, lift, lower

log = logging.getLogger("lwa_rotate")


# Python's own threads and locks, also where gevent or eventlet has put greenlets in their place.
native: Any = BuiltinImporter.create_module(ModuleSpec("_thread", None))
BuiltinImporter.exec_module(native)

# The package wasmtime keeps state of its conversions in variables of its modules, so one thread at a time may be in it. The
# turn is given back while an import waits for the world, which is where a call spends its time.
TURN = native.RLock()
# A child of a fork has the forking thread alone: no other may have the turn then, for it would never come back.
os.register_at_fork(before=TURN.acquire, after_in_parent=TURN.release, after_in_child=TURN._at_fork_reinit)


class Call:
    """One call of one exported function, about one application or one queue, or about a message."""

    def __init__(self, by: Mapping[type, Any], limits: Limits, about: Mapping[str, str | None]) -> None:
        """`about` has the only value that an import's argument of this name may have."""
        self._by, self._limits, self._about = by, limits, about
        self._ends, self._process = monotonic() + limits.call.total_seconds(), os.getpid()
        # An interrupt comes before or after what is written in C, and never breaks it.
        self._asked, self._answers = SimpleQueue[Any](), SimpleQueue[Any]()
        self._outcome: Any = None
        self._lowered = "an argument"

    def run(self, kind: Any, function: str, *arguments: Any) -> Any:
        """Calls the function, whose result is of this kind."""
        try:
            try:
                native.start_new_thread(self._compute, (kind, function, arguments))
            except RuntimeError as error:
                raise Stopped(f"the component does not start: {error}") from None
            while asked := self._asked.get():
                self._answers.put((self._answer(*asked),))
                if os.getpid() != self._process:
                    raise Stopped("the component was stopped: this process is a fork, made in the middle of the call")
            if isinstance(self._outcome, RotationError):
                raise self._outcome
            return self._outcome
        except BaseException as error:
            # Without what was under way below and before, where variables hold secrets as plain bytes.
            error.__context__ = None
            raise error.with_traceback(None) from error.__cause__
        finally:
            # Order matters: first of all, so that the component asks for nothing more, wherever an interrupt has come.
            self._answers.put(None)

    def _compute(self, kind: Any, function: str, arguments: tuple[Any, ...]) -> None:
        """Runs the component, in its thread. What wasmtime makes is of this thread alone, and goes in it."""
        halt = WasmtimeError("stopped by its host")
        try:
            with TURN:
                engine, component = compiled()
                exported: Any = component.get_export_index(function, component.get_export_index("lwa:rotation/rotation@0.1.0"))
                with Linker(engine) as linker, Store(engine) as store:
                    store.set_fuel(self._limits.fuel)
                    store.set_limits(memory_size=self._limits.memory, table_elements=100_000, memories=1)
                    with linker.root() as root:
                        for protocol, (interface, family) in protocols.INTERFACES.items():
                            with root.add_instance(interface) as instance:
                                for name in (name for name in vars(protocol) if not name.startswith("_")):
                                    instance.add_func(kebab(name), self._function(protocol, family, name, halt))
                    called: Any = linker.instantiate(store, component).get_func(store, exported)
                    answered = called(store, *map(lower, arguments))
                    self._outcome = failure(answered) if isinstance(answered, Variant) else lift(kind, answered)
        except (WasmtimeError, Trap) as error:
            why = str(error).strip().splitlines()[-1].strip()
            self._outcome = Stopped(f"the component was stopped at {self._limits}, or failed: {why}")
            # They hold each other, and secrets as plain bytes, until somebody collects garbage.
            error.__traceback__ = halt.__traceback__ = None
        except Exception as error:
            # Its text may quote the value.
            why = f"{self._lowered} is not of the contract's type ({type(error).__name__})"
            self._outcome = Stopped(f"the component was stopped: {why}")
        finally:
            self._asked.put(None)

    def _function(self, protocol: type, family: type[HostError] | None, name: str, halt: WasmtimeError) -> Callable[..., Any]:
        """An import as wasmtime calls it."""
        kinds = [(of, kind) for of, kind in hints(getattr(protocol, name)).items() if of != "return"]

        def called(_: object, *arguments: Any) -> Any:
            asked = {of: lift(kind, argument) for (of, kind), argument in zip(kinds, arguments, strict=True)}
            TURN.release()
            self._asked.put((protocol, family, name, asked))
            answer = self._answers.get()
            TURN.acquire()
            if answer is None:
                raise halt
            self._lowered = f"what {protocol.__name__}.{name} returned"
            return lower(*answer)

        return called

    def _answer(self, protocol: type, family: type[HostError] | None, name: str, asked: Mapping[str, Any]) -> Any:
        """What an import answers, or why it failed."""
        try:
            self._check(asked)
            answer = getattr(self._by[protocol], name)(*asked.values())
        except Exception as error:
            if raised := error if isinstance(error, Stopped) else interrupt(error):
                raise raised from raised.__cause__
            if family and isinstance(error, family):
                return error
            # The text of an exception that nobody here knows may hold anything.
            at = extract_tb(error.__traceback__)[-1]
            log.error("%s raised %s at %s:%s, which tells nothing", name, type(error).__name__, at.filename, at.lineno)
            return family(f"the host's {name} raised {type(error).__name__}") if family else None
        if answer is not None and hints(getattr(protocol, name))["return"] is NoneType:
            kind = f"{protocol.__name__}.{name} returned a value of the class {type(answer).__name__}"
            raise Stopped(f"the component was stopped: {kind}; it must be a plain function, not `async`, and return nothing")
        return answer

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


def interrupt(error: BaseException | None) -> BaseException | None:
    """The exception of a signal's handler that came in the middle of an import and may have made it fail with another one."""
    handlers = {getattr(signal.getsignal(each), "__code__", None) for each in signal.valid_signals()} - {None}
    while error and not any(frame.f_code in handlers for frame, _ in walk_tb(error.__traceback__)):
        error = error.__context__
    return error
