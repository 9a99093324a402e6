"""Answers the component's imports: between its values and the classes of `protocols`, within the bounds of one call."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .component import Call, Imports
from .errors import HostError, HttpError, PublishError, QueueError, QueueNotFound, Stopped, StoreError, UnknownTarget
from .events import Event
from .protocols import Http, Observe, Publish, Queue, Store
from .secret import Credential, Secret
from .types import Application, Entry, Message, Request, Response
from .values import EPOCH, MILLISECOND, hints, lift, lower

log = logging.getLogger("lwa_rotate")

# More than any call needs, clock included: ten messages for a hundred targets need a third of it.
MOST_IMPORTS = 20_000
MOST_RANDOM = 64 << 10


@dataclass(frozen=True)
class Effects:
    """Everything that the component can reach."""

    applications: dict[str, Application]
    http: Http
    queue: Queue | None
    store: Store
    publish: Publish | None
    observe: Observe
    now: Callable[[], datetime]
    random: Callable[[int], bytes]


@dataclass(frozen=True)
class Instant:
    """`wasi:clocks` has its own."""

    seconds: int
    nanoseconds: int


class Host:
    """What one call may reach: the application or the queue that it is about, and for a message any application here."""

    def __init__(self, effects: Effects, call: Call, client_id: str | None, queue: str | None) -> None:
        self._effects, self._call, self._client_id, self._queue, self._count = effects, call, client_id, queue, 0

    def imports(self) -> Imports:
        """The functions by the names of the contract."""
        each = self._import
        return {
            "lwa:rotation/settings@0.1.0": {"find": each("find")},
            "lwa:rotation/http@0.1.0": {"send": each("send", HttpError)},
            "lwa:rotation/queue@0.1.0": {name: each(name, QueueError) for name in ("receive", "delete", "hide")},
            "lwa:rotation/store@0.1.0": {name: each(name, StoreError) for name in ("load", "save")},
            "lwa:rotation/publish@0.1.0": {"put": each("put", PublishError)},
            "lwa:rotation/observe@0.1.0": {"emit": each("emit")},
            "wasi:clocks/wall-clock@0.2.12": {name: each(name) for name in ("now", "resolution")},
            "wasi:random/random@0.2.12": {name: each(name) for name in ("get-random-bytes", "get-random-u64")},
        }

    def _import(self, name: str, failure: type[HostError] | None = None) -> Callable[..., Any]:
        """One function as wasmtime calls it; `failure` is what it may tell the component of."""
        name = name.replace("-", "_")
        function, kinds = getattr(self, name), hints(getattr(Host, name))
        parameters = [kind for parameter, kind in kinds.items() if parameter != "return"]

        def called(_: object, *arguments: Any) -> Any:
            try:
                self._count += 1
                if self._count > MOST_IMPORTS:
                    raise Stopped(f"the component asked its host for more than {MOST_IMPORTS} things in one call")
                lifted = [lift(kind, argument) for kind, argument in zip(parameters, arguments, strict=True)]
                with self._call.away():
                    return lower(function(*lifted))
            except failure or () as error:
                return lower(error)
            except Exception as error:
                if failure is None or isinstance(error, Stopped):
                    raise self._call.stop(error) from None
                # The text of an exception that nobody here knows may hold anything.
                log.error("%s raised %s, which tells the component nothing", name, told(error))
                return lower(failure(f"the host's {name} raised {type(error).__name__}"))
            except BaseException as error:
                raise self._call.stop(error) from None

        return called

    def find(self, client_id: str) -> Application | None:
        self._about(client_id)
        return self._effects.applications.get(client_id)

    def send(self, request: Request) -> Response:
        return self._effects.http.send(request)

    def receive(self, queue: str, max: int, wait: int, visibility: int) -> tuple[Message, ...]:
        return self._of(queue).receive(queue, max, wait, visibility)

    def delete(self, queue: str, receipt_handle: str) -> None:
        self._of(queue).delete(queue, receipt_handle)

    def hide(self, queue: str, receipt_handle: str, visibility: int) -> None:
        self._of(queue).hide(queue, receipt_handle, visibility)

    def load(self, client_id: str) -> Entry | None:
        self._application(client_id)
        return self._effects.store.load(client_id)

    def save(self, client_id: str, document: Secret, expected: str | None) -> str:
        self._application(client_id)
        return self._effects.store.save(client_id, document, expected)

    def put(self, target: str, credential: Credential) -> None:
        if target not in self._application(credential.client_id).targets:
            raise Stopped("the component asked for a publish target that is not of the application")
        if self._effects.publish is None:
            raise UnknownTarget
        self._effects.publish.put(target, credential)

    def emit(self, event: Event) -> None:
        try:
            self._effects.observe.emit(event)
        except Exception as error:
            log.error("an event was lost: the observer raised %s", told(error))

    def now(self) -> Instant:
        milliseconds = (self._effects.now() - EPOCH) // MILLISECOND
        return Instant(milliseconds // 1000, milliseconds % 1000 * 1_000_000)

    def resolution(self) -> Instant:
        return Instant(0, 1_000_000)

    def get_random_bytes(self, length: int) -> bytes:
        if length > MOST_RANDOM:
            raise Stopped("the component asked for more random bytes than any call needs")
        return self._effects.random(length)

    def get_random_u64(self) -> int:
        return int.from_bytes(self._effects.random(8), "little")

    def _about(self, client_id: str) -> None:
        if self._client_id not in (None, client_id):
            raise Stopped("the component asked for another application than the call is about")

    def _application(self, client_id: str) -> Application:
        application = self.find(client_id)
        if application is None:
            raise Stopped("the component asked for an application that is not of this host")
        return application

    def _of(self, queue: str) -> Queue:
        if queue != self._queue:
            raise Stopped("the component asked for a queue that the call is not about")
        if self._effects.queue is None:
            raise QueueNotFound(f"this host reads no queue, so not '{queue}' either")
        return self._effects.queue


def told(error: Exception) -> str:
    """The class of an exception and where it was raised, without its text."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return type(error).__name__ + "".join(f" in {frame.filename}:{frame.lineno}" for frame in last)
