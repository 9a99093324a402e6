"""What the component needs from its host: one class for each interface that it imports, with the promises of `wit/`.

Failures are the exceptions named here. Any other exception is taken for the most careful of them, and its class alone
is reported, because its text might hold a secret. `KeyboardInterrupt` and its like end the call.

The functions are called from the threads that call the `Rotator`, several at the same time if it is called so. They are plain
functions: one that is `async` or a generator, or returns something where nothing is wanted, ends the call with `Stopped`.
A `read` of a target may be left out: then the place cannot be read.
"""

from typing import Protocol

from .errors import HostError, HttpError, PublishError, QueueError, StoreError
from .events import Event
from .secret import Credential, Secret
from .types import Application, Entry, Inspection, Instant, Message, Reading, Request, Response


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
    - A request with `not_after` does not begin to be sent after that instant, by the host's own clock, read again after every
      wait for a name, a connection, or a handshake. Too late is `NotSent`.
    - A POST always carries `content-length`, with `0` for an empty body: SP-API answers 411 without one.
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
    - A `receive` with a `wait` of 1 or more is a long poll: it asks all servers of SQS, so that an empty answer means that no
      message is visible. An empty answer to a `wait` of 0 means nothing.
    - `inspect` changes nothing, receives nothing, and judges nothing.
    - Bodies are not logged; they may hold the only copy of a new secret.

    All functions but `inspect` raise `QueueNotFound`, `QueueAccessDenied`, `StaleReceipt`, `QueueUnavailable`, `QueueError`.
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

    def inspect(self, queue: str) -> Inspection:
        """The facts about a queue, as they are now: one call to SQS, and two to KMS where the queue has a key of its own. It
        does not fail: each part that could not be had is a `Gap`."""
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
    - `remove` obeys the same comparison as `save`.
    - Documents are readable by the owner only, and never logged.
    - Every call returns within a bounded time.

    All functions raise `StoreAccessDenied`, `StoreUnavailable`, `StoreError`.
    """

    def load(self, client_id: str) -> Entry | None:
        """The document of this client id with its revision; `None` if there is none. May be repeated."""
        ...

    def save(self, client_id: str, document: Secret, expected: str | None) -> str:
        """Replaces the document whose revision is `expected`, or creates it when `expected` is `None` and there is none, and
        returns the new revision, which is compared for equality only. Repeating a save that took place raises
        `StoreConflict`; `StoreFull` is raised where there is no room."""
        ...

    def remove(self, client_id: str, expected: str) -> None:
        """Removes the document whose revision is `expected`. Afterwards `load` returns `None`, or, from a store that cannot
        remove at once, the document `{"removed":true}`, which the component takes for none and which `save` replaces by its
        revision. Repeating a removal that took place raises `StoreConflict`, or removes nothing."""
        ...


class Put(Protocol):
    """Places that can be written and not read: `Publish` without its `read`."""

    def put(self, target: str, credential: Credential) -> None:
        """Gives a verified credential to the target of this name of its application."""
        ...


class Publish(Put, Protocol):
    """The places where applications read their credential.

    - When `put` returns, every reader of that place gets this credential from then on.
    - `put` may be repeated with the same credential any number of times, to the same end.
    - Readers never see half of a credential.
    - Nothing else in that place changes.
    - `read` changes nothing and returns what a reader of that place would get at this moment.
    - Each call returns within 100 seconds: after two minutes the component takes a host for dead. The credential is not logged.

    Both functions raise `UnknownTarget`, `PublishAccessDenied`, `PublishUnavailable`, `PublishError`.
    """

    def put(self, target: str, credential: Credential) -> None:
        """Gives a verified credential to the target of this name of its application."""
        ...

    def read(self, target: str, client_id: str) -> Reading:
        """What the place of the target of this name of that application holds now."""
        ...


class Observe(Protocol):
    """Gets what happens: for progress on a terminal, logs, an audit trail, metrics.

    - `emit` returns at once and does not fail; what it raises is logged and otherwise ignored.
    - Events are kept in their order. An observer that cannot keep up drops events and counts them.
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
