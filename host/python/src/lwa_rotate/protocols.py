"""What the component needs from its host: one class for each interface that it imports, with the promises of `wit/`.

Failures are told by the exceptions named here. Any other exception is taken for the most careful of them, and its class alone
is told, because its text might hold a secret. `KeyboardInterrupt` and its like end the call.

The functions are called from the threads that call the `Rotator`, several at the same time if it is called so. They are plain
functions: one that is `async` or a generator, or returns something where nothing is wanted, ends the call with `Stopped`.
"""

from typing import Protocol

from .errors import HostError, HttpError, PublishError, QueueError, StoreError
from .events import Event
from .secret import Credential, Secret
from .types import Application, Entry, Instant, Message, Request, Response


class Settings(Protocol):
    """Which applications there are. The answer comes from memory."""

    def find(self, client_id: str) -> Application | None:
        """The settings of the application with this client id; `None` if this host does not look after it."""
        ...


class Http(Protocol):
    """Sends requests to Amazon.

    - A request is sent at most once. There is no automatic repetition of any kind, not on a new connection either.
    - The error tells whether anything can have left this machine: after `NotSent` and `Forbidden` a repetition is safe, after
      every other error the request may have had its effect.
    - No redirect is followed; a 3xx is an answer like any other.
    - A URL whose origin (scheme, host, port) is not among the origins allowed is refused before a byte leaves, name
      resolution included. Plain `http` is allowed for loopback addresses only.
    - TLS is verified. A proxy, if one is configured, sees only the tunnel.
    - The call returns within `time_limit`, and an answer's body is never longer than `body_limit`.
    - Bodies and header values are not logged; they hold secrets and tokens.
    """

    def send(self, request: Request) -> Response:
        """Sends one request and waits for its whole answer.

        Raises `NotSent`, `Forbidden`, `OutcomeUnknown`, `TooLarge`, `HttpError`.
        """
        ...


class Queue(Protocol):
    """The Amazon SQS queues that Amazon sends the notifications to. `queue` is a name of the operator's, not a URL.

    - A message that is not deleted comes back after its visibility timeout, again and again, until the queue's retention
      ends. The host never deletes a message by itself, whatever its body.
    - Messages may come twice, late and in any order; the component copes.
    - Every call returns within a bounded time, `receive` within `wait` and a few seconds.
    - Bodies are not logged; they may hold the only copy of a new secret.

    All functions raise `QueueNotFound`, `QueueAccessDenied`, `StaleReceipt`, `QueueUnavailable`, `QueueError`.
    """

    def receive(self, queue: str, max: int, wait: int, visibility: int) -> tuple[Message, ...]:
        """Receives up to `max` (1 to 10) messages, waiting up to `wait` seconds (0 to 20) for the first; none if none came.
        They stay hidden from everybody else for `visibility` seconds (0 to 43200). A repetition may return the same messages
        or others."""
        ...

    def delete(self, queue: str, receipt_handle: str) -> None:
        """Deletes a message for good. Deleting what is gone already is a success."""
        ...

    def hide(self, queue: str, receipt_handle: str, visibility: int) -> None:
        """Hides a received message for another `visibility` seconds from now (0 to 43200; 0 shows it at once). SQS hides no
        message for longer than 12 hours after its receipt; a host may shorten to that."""
        ...


class Store(Protocol):
    """Keeps one document per client id, written by the component and opaque to the store. It holds client secrets.

    - Compare-and-swap: `save` replaces exactly the revision that the caller names, or nothing at all. Of any number of
      concurrent savers of one revision, in whatever process, at most one succeeds; all others get `StoreConflict`.
    - Durable: when `save` has returned a revision, the document survives the loss of the process and of power.
    - Read-your-writes: a `load` that starts after a successful `save` has returned sees it, or something newer, wherever it
      runs.
    - Whole or not at all: `load` never returns part of a document or a mixture of two.
    - A document of at least 64 KiB fits.
    - Documents are readable by the owner only, and never logged.
    - Every call returns within a bounded time.

    Both functions raise `StoreAccessDenied`, `StoreUnavailable`, `StoreError`.
    """

    def load(self, client_id: str) -> Entry | None:
        """The document of this client id with its revision; `None` if there is none. May be repeated."""
        ...

    def save(self, client_id: str, document: Secret, expected: str | None) -> str:
        """Replaces the document whose revision is `expected`, or creates it when `expected` is `None` and there is none, and
        returns the new revision, which is compared for equality only. Repeating a save that took place raises
        `StoreConflict`; `StoreFull` is raised where there is no room."""
        ...


class Publish(Protocol):
    """The places where applications read their credential.

    - When `put` returns, whoever reads that place from then on reads this credential.
    - It may be repeated with the same credential any number of times, to the same end.
    - Readers never see half of a credential.
    - Nothing else in that place changes.
    - The call returns within 100 seconds: a host that takes two minutes is taken for dead. The credential is not logged.
    """

    def put(self, target: str, credential: Credential) -> None:
        """Hands a proven credential to the target of this name of its application.

        Raises `UnknownTarget`, `PublishAccessDenied`, `PublishUnavailable`, `PublishError`.
        """
        ...


class Observe(Protocol):
    """Is told what happens: for progress on a terminal, logs, an audit trail, metrics.

    - `emit` returns at once and does not fail; what it raises is logged and otherwise ignored.
    - Events are kept in their order.
    """

    def emit(self, event: Event) -> None:
        """Takes one event."""
        ...


class WallClock(Protocol):
    """`wasi:clocks/wall-clock`."""

    def now(self) -> Instant:
        """The time."""
        ...


class Random(Protocol):
    """`wasi:random/random`."""

    def get_random_u64(self) -> int:
        """A number that nobody can foretell."""
        ...


INTERFACES: dict[type, tuple[str, type[HostError] | None]] = {
    Settings: ("lwa:rotation/settings@0.1.0", None),
    Http: ("lwa:rotation/http@0.1.0", HttpError),
    Queue: ("lwa:rotation/queue@0.1.0", QueueError),
    Store: ("lwa:rotation/store@0.1.0", StoreError),
    Publish: ("lwa:rotation/publish@0.1.0", PublishError),
    Observe: ("lwa:rotation/observe@0.1.0", None),
    WallClock: ("wasi:clocks/wall-clock@0.2.12", None),
    Random: ("wasi:random/random@0.2.12", None),
}
"""The name of each in the component, and the exceptions that it fails with."""
