"""The component with its host: what programs call."""

import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from secrets import randbits
from types import MappingProxyType, NoneType, SimpleNamespace
from typing import Any, NoReturn

from . import errors, protocols
from .call import Call, log
from .events import Event, LeftMessage, TargetChange, TargetFailure
from .http import HttpClient, origin
from .secret import Credential, Secret
from .types import (
    Application,
    Decision,
    Delivery,
    Drained,
    Flow,
    Gap,
    GapBecause,
    Inspection,
    Instant,
    Limits,
    Message,
    Problem,
    QueueFinding,
    Stage,
    Status,
    Target,
    Unreadable,
)
from .values import EPOCH, SECOND


class NoTargets:
    """No publish target at all."""

    def put(self, *_: object) -> NoReturn:
        """There is none."""
        raise errors.UnknownTarget

    read = put


class Unread:
    """Places that cannot be read."""

    def __init__(self, publish: protocols.Put) -> None:
        self.put = publish.put

    def read(self, *_: object) -> Unreadable:
        """Not this one."""
        return Unreadable()


class NoQueue:
    """No queue: messages come through `Rotator.deliver`."""

    def receive(self, queue: str, *_: object) -> NoReturn:
        """There is none."""
        raise errors.QueueNotFound(f"this host reads no queue, so not '{queue}' either")

    delete = hide = receive

    def inspect(self, queue: str) -> Inspection:
        """Nothing is known of it, but that its messages are passed on."""
        denied = f"this host has no access to queues, so it cannot inspect '{queue}'"
        return Inspection(Gap(GapBecause.DENIED, denied), None, Flow.PUSHED)


class LogObserver:
    """Writes each event to the logger `lwa_rotate`, failures as warnings; as a whole it is the log record's `event`."""

    def emit(self, event: Event) -> None:
        """Writes one event."""
        level = (
            logging.WARNING if isinstance(event.detail, Problem | TargetFailure | TargetChange | LeftMessage) else logging.INFO
        )
        log.log(level, "%s %s %s", event.client_id or "-", event.what, event.detail or "", extra={"event": event})


class Rotator:
    """Rotates client secrets. May be called from many threads; while one call waits for the world, others go on.

    1. `enroll` once for each application.
    2. For as long as the application lives: `advance` when the last status's `next` comes, and `drain` (or `deliver`) for each
       queue: often while the state is `AWAITING` or `VERIFYING`, every few minutes otherwise. Go on at once while it answers
       `more`.
    3. `check_queue` for each queue at the start and daily; report what it finds.

    `run_until_settled` and `visit` do this. Each call runs in a fresh instance of the component within `Limits`, and any call
    may be cut off or repeated: what was saved decides. Every call raises a `RotationError`, whose subclasses say what to do;
    failures of Amazon's and of targets are none: they are in the status's `problem`.
    """

    def __init__(
        self,
        *,
        applications: Iterable[Application],
        store: protocols.Store,
        queue: protocols.Queue | None = None,
        publish: protocols.Publish | protocols.Put | None = None,
        observe: protocols.Observe | None = None,
        http: protocols.Http | None = None,
        machine: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Callable[[], int] = lambda: randbits(64),
        limits: Limits = Limits(),
    ) -> None:
        """Touches neither network nor store. Without `queue`, messages come through `deliver`; without `observe`, events go
        to the logger `lwa_rotate`; without `http`, requests go to the origins of the applications' endpoints and no other.
        `machine` is in the places of targets that name none, the host's name by default. `now`, and `random` with 64 bits,
        are for tests.

        Raises `ValueError` for two applications with one client id, and for an endpoint that no request may be sent to.
        """
        at = f"function://{machine or socket.gethostname() or 'localhost'}/"
        listed = [
            replace(each, targets=tuple(Target(target.name, target.place or at + target.name) for target in each.targets))
            for each in applications
        ]
        known, self._limits, self.now = {each.client_id: each for each in listed}, limits, now
        if len(known) != len(listed):
            raise ValueError("two applications have the same client id")
        self.applications: Mapping[str, Application] = MappingProxyType(known)
        origins = {origin(url) for each in listed for url in (each.token_endpoint, each.api_endpoint)}
        self._by: dict[type, Any] = {
            protocols.Settings: SimpleNamespace(find=known.get),
            protocols.Http: http or HttpClient(origins, now),
            protocols.Queue: queue or NoQueue(),
            protocols.Store: store,
            protocols.Publish: publish if hasattr(publish, "read") else Unread(publish) if publish else NoTargets(),
            protocols.Observe: observe or LogObserver(),
            protocols.WallClock: SimpleNamespace(now=lambda: instant(now())),
            protocols.Random: SimpleNamespace(get_random_u64=random),
        }

    def enroll(self, client_id: str, secret: Secret, expires_at: datetime | None = None, *, confirmed: bool = False) -> Status:
        """Takes an application's current secret into the store, with the instant at which Amazon ends it if that is known.

        The first time, the secret becomes current at once, marked as not verified; the next `advance` verifies it by use and
        then publishes it. If the application is enrolled already: the current secret again adds the expiry time, and takes back
        another one that was supplied by mistake; another secret becomes a candidate, which becomes current when it is verified,
        or replaces a first one that was never verified. Calls only the store. Repeating it changes nothing. It never leads to a
        rotate call by itself: a rotation that is due begins 15 minutes later at the earliest.

        Raises `NotAllowed` for a secret that is not 1 to 1024 visible ASCII characters, a retired one, or an expiry time more
        than 181 days ahead; `NeedsConfirmation` for an expiry time with which a rotation would be due, unless `confirmed`.
        """
        return self._call(Status, "enroll", client_id, secret, expires_at, confirmed, client_id=client_id)

    def set_expiry(self, client_id: str, expires_at: datetime, *, confirmed: bool = False) -> Status:
        """Says when the current secret ends, without supplying it again. Changes nothing where Amazon has said it in a
        notification. Repeating it changes nothing. A rotation that is due with it begins 15 minutes later at the earliest.

        Raises `NotAllowed` for an instant more than 181 days ahead, or where Amazon's own date differs; `NeedsConfirmation`
        for one with which a rotation would be due, unless `confirmed`.
        """
        return self._call(Status, "set-expiry", client_id, expires_at, confirmed, client_id=client_id)

    def advance(self, client_id: str) -> Status:
        """Takes the application as far as it can go now without waiting, and says when to call again. May be repeated at any
        time. It receives at most 10 times from the application's queue, with a wait of 1 s each, and only before a rotate
        call."""
        application = self.applications.get(client_id)
        return self._call(Status, "advance", client_id, queue=application.queue if application else None)

    def deliver(self, message: Message) -> Delivery:
        """Takes in one message that another program received, and says what to do with it. A new secret is kept, verified, made
        current and published before `Delete` is answered. May be repeated with the same message.

        Raises `Stopped` alone; leave the message then.
        """
        return self._call(Delivery, "deliver", message)

    def drain(self, queue: str, max: int = 10, wait: int = 20) -> Drained:
        """Receives up to `max` (1 to 10) messages from a queue, waiting up to `wait` seconds (0 to 20) for the first, delivers
        each, and carries out the answers. Go on at once while it answers `more`.

        A message that could not be deleted or hidden is no error: it comes again, and is reported as an event.
        """
        return self._call(Drained, "drain", queue, max, wait, queue=queue)

    def request(self, client_id: str, *, force: bool = False) -> Status:
        """Records that the operator wants a rotation now; the next `advance` goes on with it. Already under way: changes
        nothing, except that a call that backs off or is blocked is tried at once, though never sooner than Amazon's rate
        allows, and that `force` is added. With `force` the rotate call is made in spite of what the queue looks like, and
        within 7 days of the last call; it holds until the call.

        Raises `NotAllowed` when the rotation is stalled (use `resume`) or a new secret is still being verified;
        `NeedsConfirmation` within 7 days of the last rotation, while its old secret may still be in use, unless `force`.
        """
        return self._call(Status, "request", client_id, force, client_id=client_id)

    def cancel(self, client_id: str, not_before: datetime | None = None) -> Status:
        """Takes back a wanted rotation while no rotate call has been sent. One that is due by its date begins again at
        `not_before`; `None` means 24 hours from now. Where nothing is wanted, it puts off the next one.

        Raises `NotAllowed` when a rotate call was or may have been sent.
        """
        return self._call(Status, "cancel", client_id, not_before, client_id=client_id)

    def resume(self, client_id: str, decision: Decision) -> Status:
        """The operator's decision on a stalled rotation. Raises `NotAllowed` when it is not stalled."""
        return self._call(Status, "resume", client_id, decision, client_id=client_id)

    def republish(self, client_id: str, target: str | None = None) -> Status:
        """Has the current secret written again to the target of this name, or to all of them, by the next `advance`, whatever
        their places hold. Raises `NotAllowed` for an unknown target, or while the current secret is not verified."""
        return self._call(Status, "republish", client_id, target, client_id=client_id)

    def forget(self, client_id: str) -> None:
        """Removes the record of an application that is settled, with all its secrets. Places keep what they hold. Raises
        `NotAllowed` when it is not settled."""
        self._call(NoneType, "forget", client_id, client_id=client_id)

    def check_queue(self, queue: str) -> tuple[QueueFinding, ...]:
        """Inspects a queue and judges whether a new secret would arrive there and stay. Changes nothing and receives nothing.
        What could not be checked is a finding of its own. Raises `Stopped` alone."""
        # No application, and of the queue no more than its inspection.
        nothing = dict.fromkeys(("client_id", "max", "receipt_handle"))
        return self._call(tuple[QueueFinding, ...], "check-queue", queue, **nothing, queue=queue)

    def status(self, client_id: str) -> Status:
        """Where the application stands. Reads the store and changes nothing."""
        return self._call(Status, "status", client_id, client_id=client_id)

    def verify(self, client_id: str) -> Problem | None:
        """Verifies the current secret with Amazon, with three calls that change nothing; does not touch the store. `None` when
        all is well."""
        return self._call(Problem | None, "verify", client_id, client_id=client_id)

    def reveal(self, client_id: str, stage: Stage = Stage.CURRENT) -> Credential | None:
        """One of the secrets of the record; `None` if there is none at that stage. The only call that returns a secret."""
        return self._call(Credential | None, "reveal", client_id, stage, client_id=client_id)

    def _call(self, kind: Any, function: str, *arguments: Any, **about: str | None) -> Any:
        return Call(self._by, self._limits, {"queue": None, **about}).run(kind, function, *arguments)


def instant(at: datetime) -> Instant:
    """The time as `wasi:clocks` has it."""
    seconds, rest = divmod(at - EPOCH, SECOND)
    return Instant(seconds, rest.microseconds * 1000)
