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
    PROOF = "proof"
    """The proof of a secret."""


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
    """Something that happened, with the kind of the event's `detail`: none where nothing stands."""

    detail: type
    """What `Event.detail` is."""

    def __new__(cls, case: str, detail: type = NoneType) -> Self:
        """The case in `wit/`, and what comes with it."""
        happening = str.__new__(cls, case)
        happening._value_, happening.detail = case, detail
        return happening

    ENROLLED = "enrolled"
    """A secret was handed over by the operator and is stored."""
    ROTATION_BEGUN = "rotation-begun", Reason
    """A rotation begins; the intent is stored."""
    ASKING_FOR_TOKEN = "asking-for-token", Purpose
    """LWA is being asked for an access token."""
    TOKEN_ISSUED = "token-issued", Purpose
    """LWA has issued an access token."""
    CALLING_ROTATE = "calling-rotate"
    """The rotate call is being sent."""
    ROTATE_ACCEPTED = "rotate-accepted"
    """SP-API accepted the rotate call."""
    ROTATE_OUTCOME_UNKNOWN = "rotate-outcome-unknown", Problem
    """The rotate call may have had its effect; its answer is missing."""
    ROTATE_REFUSED = "rotate-refused", Problem
    """The rotate call, or its preparation, was refused or not sent: nothing has changed at Amazon."""
    MESSAGE_RECEIVED = "message-received", ReceivedMessage
    """A message was received."""
    SECRET_KEPT = "secret-kept", SecretEnds
    """A new secret is stored as pending."""
    MESSAGE_OLD = "message-old", str
    """A message said nothing new; why."""
    EXPIRY_NOTICED = "expiry-noticed", datetime
    """An expiry notice is recorded: when that secret ends."""
    PROVING = "proving"
    """A secret is being tried against SP-API."""
    PROVEN = "proven"
    """SP-API accepts the secret."""
    NOT_PROVEN = "not-proven", Problem
    """SP-API does not accept the secret, or could not be asked."""
    PROMOTED = "promoted", SecretEnds
    """The new secret is current; the old one is kept until it ends."""
    PUBLISHED = "published", str
    """The target of this name holds the current secret."""
    NOT_PUBLISHED = "not-published", TargetFailure
    """A target does not hold it."""
    ACKNOWLEDGED = "acknowledged", str
    """The message with this id is finished and was deleted."""
    HIDDEN = "hidden", HiddenMessage
    """A message is hidden until the next try."""
    LEFT = "left", LeftMessage
    """A message stays in the queue."""
    NOT_ACKNOWLEDGED = "not-acknowledged", str
    """A finished message could not be deleted, or one not hidden; it will come again. Why."""
    OLD_SECRET_PURGED = "old-secret-purged"
    """The old secret has ended and is erased."""
    STALLED = "stalled", Problem
    """A person has to decide."""
    RESUMED = "resumed"
    """A person has decided."""


Detail = (
    Reason
    | Purpose
    | Problem
    | ReceivedMessage
    | SecretEnds
    | TargetFailure
    | HiddenMessage
    | LeftMessage
    | str
    | datetime
    | None
)
"""What more there is to say of a happening; its kind stands with each."""


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
