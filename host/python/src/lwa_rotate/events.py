"""What happened, as it happens: the events of `wit/observe.wit`. None of them can hold a secret."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from .types import Left, Problem


class Purpose(Enum):
    """What an access token is wanted for."""

    ROTATION = "rotation"
    """The rotate call."""
    PROOF = "proof"
    """The proof of a secret."""


class Reason(Enum):
    """Why a rotation begins."""

    DUE = "due"
    """The current secret's expiry time is near."""
    REQUESTED = "requested"
    """The operator asked for it."""
    REQUESTED_AGAIN = "requested-again"
    """The operator decided to ask again after a stall."""


@dataclass(frozen=True, slots=True)
class SecretEnds:
    """A secret's two instants."""

    new_ends_at: datetime | None
    """When the new secret ends; `None` when unknown."""
    old_ends_at: datetime | None
    """When the old secret ends; `None` when there is none or it is unknown."""


@dataclass(frozen=True, slots=True)
class TargetFailure:
    """A publish target with the reason of its failure."""

    target: str
    """The target's name."""
    failure: str
    """The host's words."""
    retry_at: datetime
    """When it is tried again."""


@dataclass(frozen=True, slots=True)
class HiddenMessage:
    """A message that is hidden until later."""

    id: str
    """SQS's message id."""
    until: datetime
    """Until when."""


@dataclass(frozen=True, slots=True)
class LeftMessage:
    """A message that is left."""

    id: str
    """SQS's message id."""
    why: Left
    """Why."""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message that has arrived."""

    id: str
    """SQS's message id."""
    receive_count: int
    """How often it has been received; 0 when unknown."""


class Happening(Enum):
    """Something that happened. Each says what `Event.detail` is; `None` where nothing is said."""

    ENROLLED = "enrolled"
    """A secret was handed over by the operator and is stored."""
    ROTATION_BEGUN = "rotation-begun"
    """A rotation begins; the intent is stored. Detail: `Reason`."""
    ASKING_FOR_TOKEN = "asking-for-token"
    """LWA is being asked for an access token. Detail: `Purpose`."""
    TOKEN_ISSUED = "token-issued"
    """LWA has issued an access token. Detail: `Purpose`."""
    CALLING_ROTATE = "calling-rotate"
    """The rotate call is being sent."""
    ROTATE_ACCEPTED = "rotate-accepted"
    """SP-API accepted the rotate call."""
    ROTATE_OUTCOME_UNKNOWN = "rotate-outcome-unknown"
    """The rotate call may have had its effect; its answer is missing. Detail: `Problem`."""
    ROTATE_REFUSED = "rotate-refused"
    """The rotate call, or its preparation, was refused or not sent: nothing has changed at Amazon. Detail: `Problem`."""
    MESSAGE_RECEIVED = "message-received"
    """A message was received. Detail: `ReceivedMessage`."""
    SECRET_KEPT = "secret-kept"
    """A new secret is stored as pending. Detail: `SecretEnds`."""
    MESSAGE_OLD = "message-old"
    """A message said nothing new. Detail: why, a `str`."""
    EXPIRY_NOTICED = "expiry-noticed"
    """An expiry notice is recorded. Detail: when that secret ends, a `datetime`."""
    PROVING = "proving"
    """A secret is being tried against SP-API."""
    PROVEN = "proven"
    """SP-API accepts the secret."""
    NOT_PROVEN = "not-proven"
    """SP-API does not accept the secret, or could not be asked. Detail: `Problem`."""
    PROMOTED = "promoted"
    """The new secret is current; the old one is kept until it ends. Detail: `SecretEnds`."""
    PUBLISHED = "published"
    """A target holds the current secret. Detail: its name, a `str`."""
    NOT_PUBLISHED = "not-published"
    """A target does not hold it. Detail: `TargetFailure`."""
    ACKNOWLEDGED = "acknowledged"
    """A message is finished and was deleted. Detail: its id, a `str`."""
    HIDDEN = "hidden"
    """A message is hidden until the next try. Detail: `HiddenMessage`."""
    LEFT = "left"
    """A message stays in the queue. Detail: `LeftMessage`."""
    NOT_ACKNOWLEDGED = "not-acknowledged"
    """A finished message could not be deleted, or one not hidden; it will come again. Detail: why, a `str`."""
    OLD_SECRET_PURGED = "old-secret-purged"
    """The old secret has ended and is erased."""
    STALLED = "stalled"
    """A person has to decide. Detail: `Problem`."""
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


@dataclass(frozen=True, slots=True)
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


DETAILS: dict[Happening, Any] = {
    Happening.ROTATION_BEGUN: Reason,
    Happening.ASKING_FOR_TOKEN: Purpose,
    Happening.TOKEN_ISSUED: Purpose,
    Happening.ROTATE_OUTCOME_UNKNOWN: Problem,
    Happening.ROTATE_REFUSED: Problem,
    Happening.MESSAGE_RECEIVED: ReceivedMessage,
    Happening.SECRET_KEPT: SecretEnds,
    Happening.EXPIRY_NOTICED: datetime,
    Happening.NOT_PROVEN: Problem,
    Happening.PROMOTED: SecretEnds,
    Happening.NOT_PUBLISHED: TargetFailure,
    Happening.HIDDEN: HiddenMessage,
    Happening.LEFT: LeftMessage,
    Happening.STALLED: Problem,
}
"""The kinds of details that are neither a `str` nor `None`."""
