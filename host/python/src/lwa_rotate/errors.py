"""Why something failed. No text of these holds a secret.

Two families: what a call of the `Rotator` raises (`RotationError`), and what a store, a queue, a target or an HTTP client
raises so that the component knows what went wrong (`HostError`).
"""

from typing import ClassVar, Self


class _Failed(Exception):
    case: ClassVar[str] = "other"
    """The name of the case in `wit/`."""
    says: ClassVar[str] = "it failed"
    """What is said where no text is given."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.says)

    @classmethod
    def of(cls, case: str) -> type[Self]:
        """The exception of this case; `other` is the family itself."""
        return next((kind for kind in cls.__subclasses__() if kind.case == case), cls)


class HostError(_Failed):
    """What an import of the component can fail with. The text is for people and must not hold a secret."""


class StoreError(HostError):
    """A store operation failed. A save or a removal may or may not have taken place; `load` tells."""


class StoreConflict(StoreError):
    """The revision named is not the one stored. Nothing was changed."""

    case = "conflict"
    says = "the record was changed by another host meanwhile"


class StoreAccessDenied(StoreError):
    """The caller may not do this. Nothing was changed."""

    case = "access-denied"


class StoreFull(StoreError):
    """There is no room. Nothing was changed."""

    case = "full"


class StoreUnavailable(StoreError):
    """Not reachable or failing at present. A save or a removal may or may not have taken place; `load` tells."""

    case = "unavailable"


class QueueError(HostError):
    """A queue operation failed. Whether it had its effect is unknown; repeating is safe."""


class QueueNotFound(QueueError):
    """This host has no queue of that name, or the queue does not exist."""

    case = "not-found"


class QueueAccessDenied(QueueError):
    """The caller may not do this, or has no valid AWS credentials."""

    case = "access-denied"


class StaleReceipt(QueueError):
    """The receipt handle is no longer valid: the message has been received again or is gone. Nothing is lost."""

    case = "stale-receipt"
    says = "the receipt of the message is no longer valid; it will come again"


class QueueUnavailable(QueueError):
    """Not reachable, throttled or failing at present. Whether the operation had its effect is unknown; repeating is safe."""

    case = "unavailable"


class PublishError(HostError):
    """A target did not take the credential, or could not be read."""


class UnknownTarget(PublishError):
    """The settings name a target that this host does not have."""

    case = "unknown-target"
    says = "this host has no publish target of that name"


class PublishAccessDenied(PublishError):
    """The caller may not write, or not read, there."""

    case = "access-denied"


class PublishUnavailable(PublishError):
    """Not reachable or failing at present."""

    case = "unavailable"


class HttpError(HostError):
    """There is no answer. Something of the request may have left this machine."""


class NotSent(HttpError):
    """Nothing of the request left this machine: no address, no connection, no trust in the certificate. Safe to repeat."""

    case = "not-sent"


class Forbidden(HttpError):
    """The origin is not allowed; nothing left this machine. The text names the origin."""

    case = "forbidden"


class OutcomeUnknown(HttpError):
    """Something of the request may have left: the connection broke, time ran out, or the answer was cut."""

    case = "outcome-unknown"


class TooLarge(HttpError):
    """The answer began and its body was longer than the limit. The request had its effect."""

    case = "too-large"
    says = "the answer was longer than the limit"


class RotationError(_Failed):
    """A call could not be carried out. Nothing is lost: what was saved decides, and any call may be repeated."""


class UnknownApplication(RotationError):
    """The settings know no application with this client id."""

    case = "unknown-application"
    says = "the settings know no application with this client id"


class NotEnrolled(RotationError):
    """The store has no record of this application: `enroll` it first."""

    case = "not-enrolled"
    says = "the application is not enrolled yet; supply its current secret with enroll"


class UnreadableRecord(RotationError):
    """There is a record and it cannot be read: damaged, or written by a later version. It is left as it is."""

    case = "unreadable-record"


class StoreFailed(RotationError):
    """The store failed; `__cause__` is the `StoreError`. Nothing was sent to Amazon after that."""

    case = "store"


class Busy(RotationError):
    """Other hosts kept changing the record. Call again."""

    case = "busy"
    says = "other hosts kept changing the record; call again"


class NotAllowed(RotationError):
    """The call makes no sense in the present state, or an argument is wrong; the text says which and what to do instead."""

    case = "not-allowed"


class NeedsConfirmation(RotationError):
    """The call would have a consequence that you may not intend, which the text says. Nothing was changed. Call again with
    `confirmed` (`request`: with `force`) if it is intended."""

    case = "needs-confirmation"


class QueueFailed(RotationError):
    """The queue could not be read; `__cause__` is the `QueueError`."""

    case = "queue"


class Stopped(RotationError):
    """The component was stopped in the middle of a call: it used more than its `Limits`, asked for something that the call is
    not about, or failed. What it had saved by then stands."""

    case = "stopped"
