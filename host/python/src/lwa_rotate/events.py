"""What happened, as it happens: the events of `wit/observe.wit`. None of them can hold a secret."""

from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import Self

from .types import Left, Problem, record


class Purpose(StrEnum):
    """What an access token is wanted for."""

    ROTATION = "rotation"
    """The rotate call."""
    VERIFICATION = "verification"
    """The verification of a secret."""


class Reason(StrEnum):
    """Why a rotation begins."""

    DUE = "due"
    """The current secret's expiry time is near."""
    REQUESTED = "requested"
    """The operator asked for it."""
    REQUESTED_AGAIN = "requested-again"
    """The operator decided to ask again after a stall."""


@record
class SecretEnds:
    """A secret's two instants."""

    new_ends_at: datetime | None
    """When the new secret ends; `None` when unknown."""
    old_ends_at: datetime | None
    """When the old secret ends; `None` when there is none or it is unknown."""


@record
class TargetFailure:
    """A publish target with the reason of its failure."""

    target: str
    """The target's name."""
    failure: str
    """The host's words."""
    retry_at: datetime
    """When it is tried again."""


@record
class TargetChange:
    """A publish target whose place holds something else than the current secret."""

    target: str
    """The target's name."""
    found: str
    """What was found there and what follows, in words."""
    written_by: str | None
    """Who seems to have written it, where the place records that."""


@record
class QueueReading:
    """What was found in the queue before a rotate call."""

    messages: int
    """How many messages were received, those of other applications and programs included."""
    to_the_end: bool
    """Whether the queue was read to its end."""
    notes: tuple[str, ...]
    """What could not be checked, and what the call goes ahead in spite of; empty if nothing."""


@record
class HiddenMessage:
    """A message that is hidden until later."""

    id: str
    """SQS's message id."""
    until: datetime
    """Until when."""


@record
class LeftMessage:
    """A message that is left."""

    id: str
    """SQS's message id."""
    why: Left
    """Why."""


@record
class ReceivedMessage:
    """A message that has arrived."""

    id: str
    """SQS's message id."""
    receive_count: int
    """How often it has been received; 0 when unknown."""


class Happening(StrEnum):
    """Something that happened, with the kind of the event's `detail`: none where there is nothing more to say."""

    detail: type
    """What `Event.detail` is."""

    def __new__(cls, case: str, detail: type = NoneType) -> Self:
        """The case in `wit/`, and what comes with it."""
        happening = str.__new__(cls, case)
        happening._value_, happening.detail = case, detail
        return happening

    SUPPLIED = "supplied"
    """The operator supplied a secret, and it is stored."""
    EXPIRY_SET = "expiry-set", datetime
    """The operator said when the current secret ends."""
    ROTATION_WANTED = "rotation-wanted", Reason
    """A rotation is wanted; that is stored."""
    ROTATION_CANCELLED = "rotation-cancelled"
    """A wanted rotation was cancelled, before anything was sent."""
    READING_QUEUE = "reading-queue"
    """The queue is being inspected and read before the rotate call."""
    QUEUE_READ = "queue-read", QueueReading
    """The queue was inspected and read, and nothing keeps the rotate call from being made."""
    ASKING_FOR_TOKEN = "asking-for-token", Purpose
    """LWA is being asked for an access token."""
    TOKEN_ISSUED = "token-issued", Purpose
    """LWA has issued an access token."""
    CALLING_ROTATE = "calling-rotate"
    """The rotate call is being sent; the intent is stored."""
    ROTATE_ACCEPTED = "rotate-accepted"
    """SP-API accepted the rotate call."""
    ROTATE_OUTCOME_UNKNOWN = "rotate-outcome-unknown", Problem
    """The rotate call may have had its effect; its answer is missing or not SP-API's."""
    ROTATE_REFUSED = "rotate-refused", Problem
    """The rotate call, or its preparation, was refused, blocked or not sent: nothing has changed at Amazon."""
    MESSAGE_RECEIVED = "message-received", ReceivedMessage
    """A message was received."""
    SECRET_KEPT = "secret-kept", SecretEnds
    """A new secret is stored as a candidate."""
    MESSAGE_OLD = "message-old", str
    """A message said nothing new; why."""
    EXPIRY_NOTICED = "expiry-noticed", datetime
    """An expiry notice is recorded: when that secret ends."""
    VERIFYING = "verifying"
    """A secret is being verified with SP-API."""
    VERIFIED = "verified"
    """SP-API accepts the secret."""
    NOT_VERIFIED = "not-verified", Problem
    """SP-API does not accept the secret, or could not be asked."""
    PROMOTED = "promoted", SecretEnds
    """The new secret is current; the retired one is kept until it ends."""
    CANDIDATE_DROPPED = "candidate-dropped", str
    """A candidate is given up; why."""
    PUBLISHED = "published", str
    """The target of this name holds the current secret."""
    NOT_PUBLISHED = "not-published", TargetFailure
    """A target could not be written or read."""
    TARGET_CHANGED = "target-changed", TargetChange
    """A target's place holds something else than the current secret."""
    ACKNOWLEDGED = "acknowledged", str
    """The message with this id is finished and was deleted."""
    HIDDEN = "hidden", HiddenMessage
    """A message is hidden until the next try."""
    LEFT = "left", LeftMessage
    """A message stays in the queue."""
    NOT_ACKNOWLEDGED = "not-acknowledged", str
    """A finished message could not be deleted, or one not hidden; it will come again. Why."""
    RETIRED_PURGED = "retired-purged"
    """A retired secret has ended and is erased."""
    STALLED = "stalled", Problem
    """A person has to decide."""
    NEEDS_PERSON = "needs-person", Problem
    """Something needs a person. It is reported when it begins and daily until it is done."""
    RESUMED = "resumed"
    """A person has decided."""
    FORGOTTEN = "forgotten"
    """The record is removed."""


Detail = (
    Reason
    | Purpose
    | Problem
    | ReceivedMessage
    | SecretEnds
    | TargetFailure
    | TargetChange
    | QueueReading
    | HiddenMessage
    | LeftMessage
    | str
    | datetime
    | None
)
"""What more there is to say of a happening; its kind is given with each."""


@record
class Event:
    """One event."""

    client_id: str | None
    """The application; `None` where a message names none that can be read."""
    at: datetime
    """When, by the component's clock."""
    what: Happening
    """What."""
    detail: Detail
    """More about it; see `what`."""
