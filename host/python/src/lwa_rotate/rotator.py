"""The component with its host: what programs call."""

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from secrets import randbits
from types import SimpleNamespace
from typing import Any, NoReturn

from . import errors, protocols
from .call import Call, log
from .events import Event, LeftMessage, TargetFailure
from .http import HttpClient, origin
from .secret import Credential, Secret
from .sqs import SqsQueue
from .types import Application, Decision, Delivery, Instant, Limits, Message, Problem, Stage, Status
from .values import EPOCH, SECOND


class NoTargets:
    """No publish target at all."""

    def put(self, *_: object) -> NoReturn:
        """There is none."""
        raise errors.UnknownTarget


class LogObserver:
    """Writes each event to the logger `lwa_rotate`, failures as warnings; as a whole it is the log record's `event`."""

    def emit(self, event: Event) -> None:
        """Writes one event."""
        level = logging.WARNING if isinstance(event.detail, Problem | TargetFailure | LeftMessage) else logging.INFO
        log.log(level, "%s %s %s", event.client_id or "-", event.what, event.detail or "", extra={"event": event})


class Rotator:
    """Rotates client secrets. May be called from many threads; while one call waits for the world, others go on.

    1. `enroll` once for each application.
    2. For as long as the application lives: `advance` when the last status's `next` comes, and `drain` (or `deliver`) for each
       queue: often while the state is `AWAITING` or `VERIFYING`, now and then otherwise.

    Each call runs in a fresh instance of the component within `Limits`, and any call may be cut off or repeated: what was saved
    decides. Every call raises a `RotationError`, whose subclasses say what to do; failures of Amazon's and of targets are
    none: they stand in the status's `problem`.
    """

    def __init__(
        self,
        *,
        applications: Iterable[Application],
        store: protocols.Store,
        queue: protocols.Queue | None = None,
        publish: protocols.Publish | None = None,
        observe: protocols.Observe | None = None,
        http: protocols.Http | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Callable[[], int] = lambda: randbits(64),
        limits: Limits = Limits(),
    ) -> None:
        """Touches neither network nor store. Without `observe`, events go to the logger `lwa_rotate`; without `http`, requests
        go to the origins of the applications' endpoints and no other. `now`, and `random` with 64 bits, are for tests.

        Raises `ValueError` for two applications with one client id, and for an endpoint that no request may be sent to.
        """
        listed = list(applications)
        known, self._limits = {each.client_id: each for each in listed}, limits
        if len(known) != len(listed):
            raise ValueError("two applications have the same client id")
        origins = {origin(url) for each in listed for url in (each.token_endpoint, each.api_endpoint)}
        self._by: dict[type, Any] = {
            protocols.Settings: SimpleNamespace(find=known.get),
            protocols.Http: http or HttpClient(origins),
            protocols.Queue: queue or SqsQueue({}),
            protocols.Store: store,
            protocols.Publish: publish or NoTargets(),
            protocols.Observe: observe or LogObserver(),
            protocols.WallClock: SimpleNamespace(now=lambda: instant(now())),
            protocols.Random: SimpleNamespace(get_random_u64=random),
        }

    def enroll(self, client_id: str, secret: Secret, expires_at: datetime | None = None) -> Status:
        """Takes an application's present secret into the store, with the instant at which Amazon ends it if that is known.

        The first time, the secret becomes current at once, unproven; the next `advance` proves it by use and publishes it. If
        the application is enrolled already, the same secret again only adds the expiry time; another one is kept as pending
        and becomes current when it is proven. Calls nobody but the store. Repeating it changes nothing.

        Raises `NotAllowed` for a secret that is not 1 to 1024 visible ASCII characters, for one that the present secret has
        replaced, and while several new secrets wait for their proof.
        """
        return self._call(Status, "enroll", client_id, secret, expires_at, client_id=client_id)

    def advance(self, client_id: str) -> Status:
        """Takes the application as far as it can go now without waiting, and says when to call again. May be repeated at any
        time."""
        return self._call(Status, "advance", client_id, client_id=client_id)

    def deliver(self, message: Message) -> Delivery:
        """Takes in one message that somebody else received, and says what to do with it. A new secret is kept, tried, made
        current and published before `Delete` is answered. May be repeated with the same message.

        Raises `Stopped` alone; leave the message then.
        """
        return self._call(Delivery, "deliver", message)

    def drain(self, queue: str, max: int = 10, wait: int = 20) -> tuple[Delivery, ...]:
        """Receives up to `max` (1 to 10) messages from a queue, waiting up to `wait` seconds (0 to 20) for the first, delivers
        each, and carries out the answers. None if no message came.

        A message that could not be deleted or hidden is no error: it comes again, and is told as an event.
        """
        return self._call(tuple[Delivery, ...], "drain", queue, max, wait, queue=queue)

    def request(self, client_id: str) -> Status:
        """Records that the operator wants a rotation now; the next `advance` makes the call. Already under way: changes
        nothing, except that a call that backs off after a refusal is tried at once.

        Raises `NotAllowed` when the rotation is stalled (use `resume`) or a new secret still waits for its proof.
        """
        return self._call(Status, "request", client_id, client_id=client_id)

    def resume(self, client_id: str, decision: Decision) -> Status:
        """The operator's decision on a stalled rotation. Raises `NotAllowed` when it is not stalled."""
        return self._call(Status, "resume", client_id, decision, client_id=client_id)

    def status(self, client_id: str) -> Status:
        """Where the application stands. Reads the store and changes nothing."""
        return self._call(Status, "status", client_id, client_id=client_id)

    def prove(self, client_id: str) -> Problem | None:
        """Tries the current secret against Amazon, with three calls that change nothing; does not touch the store. `None` when
        all is well."""
        return self._call(Problem | None, "prove", client_id, client_id=client_id)

    def reveal(self, client_id: str, stage: Stage = Stage.CURRENT) -> Credential | None:
        """One of the secrets of the record; `None` if there is none at that stage. The only call that returns a secret."""
        return self._call(Credential | None, "reveal", client_id, stage, client_id=client_id)

    def _call(self, kind: Any, function: str, *arguments: Any, **about: str) -> Any:
        return Call(self._by, self._limits, {"queue": None, **about}).run(kind, function, *arguments)


def instant(at: datetime) -> Instant:
    """The time as `wasi:clocks` has it."""
    seconds, rest = divmod(at - EPOCH, SECOND)
    return Instant(seconds, rest.microseconds * 1000)
