"""What the component takes and answers. The same records as in `wit/`, with Python's own kinds of values.

Instants are `datetime`s with a time zone, to the millisecond; durations are `timedelta`s.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.metadata import version
from typing import TypeVar, dataclass_transform

from .secret import Secret

Kind = TypeVar("Kind")


@dataclass_transform(frozen_default=True)
def record(kind: type[Kind]) -> type[Kind]:
    """A record of the contract: its members in their order, each with its annotation and what it means. It does not change."""
    return dataclass(frozen=True, slots=True)(kind)


TOKEN_ENDPOINT = "https://api.amazon.com/auth/o2/token"
"""LWA's token endpoint."""

# A secret lives 180 days and the one before it for the first 7 of them, in which nothing is to be rotated again.
BOUNDS = (
    ("rotate_before", timedelta(seconds=1), timedelta(days=173)),
    ("patience", timedelta(seconds=1), timedelta(days=6)),
)


@record
class UserAgent:
    """Who calls, as Amazon wants it in every request: `application/version (Language=language)`."""

    application: str = "lwa-rotate"
    """Name of the calling application."""
    version: str = version("lwa-rotate")
    """Its version."""
    language: str = "Python"
    """The language or platform it runs on."""


@record
class Application:
    """The settings of one application."""

    client_id: str
    """The application."""
    api_endpoint: str
    """SP-API's endpoint without a path, such as `https://sellingpartnerapi-eu.amazon.com`."""
    token_endpoint: str = TOKEN_ENDPOINT
    """LWA's token endpoint."""
    rotate_before: timedelta = timedelta(days=30)
    """How long before its expiry time a secret is rotated."""
    patience: timedelta = timedelta(hours=1)
    """How long the message is awaited after a rotate call before a person is called."""
    targets: tuple[str, ...] = ()
    """The names of the publish targets; `Publish.put` is called with them."""
    user_agent: UserAgent = UserAgent()
    """Who calls."""

    def __post_init__(self) -> None:
        """A mistake is told now, and not when a secret has ended. Raises `ValueError`."""
        for name, least, most in BOUNDS:
            span = getattr(self, name)
            if not isinstance(span, timedelta) or not least <= span <= most or span % least:
                raise ValueError(f"{name} of '{self.client_id}' is a timedelta of whole seconds, from {least} to {most}")
        given: object = self.targets
        if not isinstance(given, tuple | list) or not all(isinstance(target, str) for target in given):
            raise ValueError(f"targets of '{self.client_id}' is a tuple of strings")
        object.__setattr__(self, "targets", tuple(given))


class State(StrEnum):
    """Where an application stands. `docs/rotation.md` draws them."""

    SETTLED = "settled"
    """The current secret is in use and nothing is going on."""
    REQUESTING = "requesting"
    """A rotation is wanted, and the rotate call is being prepared, under way, or backing off after a refusal."""
    AWAITING = "awaiting"
    """The rotate call was accepted, or may have been: the message with the new secret is awaited."""
    VERIFYING = "verifying"
    """A new secret is kept and is being tried against Amazon."""
    PUBLISHING = "publishing"
    """A proven secret is current and some publish target has not taken it yet."""
    STALLED = "stalled"
    """A person has to decide; see `problem`. New secrets that arrive are still taken up."""


class Cause(StrEnum):
    """What kind of thing went wrong."""

    SECRET_REFUSED = "secret-refused"
    """LWA does not accept client id and client secret."""
    SECRET_EXPIRED = "secret-expired"
    """SP-API says that the secret behind an access token has expired."""
    SCOPE_REFUSED = "scope-refused"
    """LWA does not grant the scope that the step needs."""
    ACCESS_DENIED = "access-denied"
    """SP-API refuses an access token of the right scope."""
    NOT_SUBSCRIBED = "not-subscribed"
    """The application is not enrolled for rotation notifications in Amazon's Developer Console."""
    THROTTLED = "throttled"
    """Amazon asks to slow down."""
    UNAVAILABLE = "unavailable"
    """Amazon cannot serve at present."""
    NOT_CONNECTED = "not-connected"
    """Nothing left this machine."""
    ANSWER_LOST = "answer-lost"
    """A request was sent and its answer never came; it may have had its effect."""
    ORIGIN_REFUSED = "origin-refused"
    """The host does not allow the origin of a configured endpoint."""
    UNEXPECTED_ANSWER = "unexpected-answer"
    """An answer that is none of those which Amazon documents."""
    MESSAGE_MISSING = "message-missing"
    """No notification with a new secret has come within the patience after a rotate call."""
    NEW_SECRET_REFUSED = "new-secret-refused"
    """A new secret has come and Amazon does not accept it, while the old secret is about to end."""
    TARGET_FAILED = "target-failed"
    """A publish target did not take the credential."""


class RemedyBy(StrEnum):
    """Who can move things on."""

    TIME = "time"
    """It is tried again by itself at the next deadline."""
    PERSON = "person"
    """It is tried again too, seldom, but is not expected to succeed before somebody acts."""


@record
class AmazonError:
    """An error answer of Amazon's, kept apart from our own words so that a person can quote it to Amazon's support."""

    status: int
    """HTTP status."""
    code: str
    """`error` of LWA or `code` of SP-API; empty when the body held none."""
    message: str
    """`error_description` of LWA or `message` of SP-API; empty when the body held none."""
    details: str
    """`details` of SP-API; often empty."""
    request_id: str
    """The header `x-amzn-RequestId`; empty when absent."""


@record
class Problem:
    """A failure in words that a person can act on, with the facts for programs beside them."""

    cause: Cause
    """The kind of failure."""
    remedy_by: RemedyBy
    """Who can move things on."""
    happened: str
    """What happened, one clause without full stop."""
    still_works: str
    """What still works, and until when if that is known."""
    remedy: str
    """What to do."""
    act_by: datetime | None
    """The instant by which it should be done; `None` when nothing ends."""
    amazon: AmazonError | None
    """Amazon's own words where the failure is an answer of theirs."""
    retry_at: datetime | None
    """When it is tried again; `None` when only a person's decision starts it again."""


class DeadlineKind(StrEnum):
    """What happens at a deadline."""

    ROTATION_DUE = "rotation-due"
    """The rotation is due: expiry time less the margin, with jitter."""
    CALL_PERMITTED = "call-permitted"
    """The next attempt of a rotate call is permitted."""
    CALL_OVERDUE = "call-overdue"
    """The caller of a rotate call has had its time; whoever comes then takes over."""
    PATIENCE_END = "patience-end"
    """The patience for the message after a rotate call ends."""
    VERIFICATION = "verification"
    """The new secret is tried again."""
    PROOF_OF_CURRENT = "proof-of-current"
    """The current secret, which nobody has proven yet, is tried again."""
    PUBLICATION = "publication"
    """A publish target is tried again."""
    OLD_SECRET_END = "old-secret-end"
    """Amazon ends the old secret, and it is purged here."""


@record
class Deadline:
    """The next instant at which something has to happen."""

    at: datetime
    """When. It may lie in the past: then there is work now."""
    kind: DeadlineKind
    """What."""


@record
class TargetStatus:
    """One publish target of an application."""

    name: str
    """Its name in the settings."""
    holds_current: bool
    """Whether it holds the current secret."""
    failure: str | None
    """Why it last failed, in the host's words; `None` if it has not failed since the current secret was proven."""
    retry_at: datetime | None
    """When it is tried again; `None` if nothing is outstanding."""


@record
class Status:
    """Where an application stands, without any secret."""

    client_id: str
    """The application."""
    state: State
    """Its state."""
    expires_at: datetime | None
    """When the current secret ends; `None` when nobody has said so yet."""
    current_since: datetime
    """When the current secret was taken up."""
    proven: bool
    """Whether SP-API has accepted a token minted with the current secret since it was taken up."""
    generation: int
    """How many secrets have been current so far. It grows by one with each promotion."""
    pending_expires_at: datetime | None
    """When the secret that waits for its proof ends; `None` when none waits or its end is unknown."""
    old_ends_at: datetime | None
    """When the old secret ends; `None` when there is none."""
    rotation_due_at: datetime | None
    """When the next rotation is due; `None` when the expiry time is unknown or a rotation is under way."""
    called_at: datetime | None
    """When the last rotate call was made; `None` before the first."""
    awaited_until: datetime | None
    """Until when the message is awaited before a person is called; only in the state `AWAITING`."""
    next: Deadline | None
    """When `advance` should be called again at the latest; `None` when only a message or a person can change anything."""
    problem: Problem | None
    """Why it does not go on by itself; `None` when all is well."""
    targets: tuple[TargetStatus, ...]
    """The publish targets of the settings, in their order."""


class Decision(StrEnum):
    """The operator's decision on a stalled rotation."""

    WAIT = "wait"
    """Wait for the message once more, for the patience of the settings."""
    REQUEST_AGAIN = "request-again"
    """Make another rotate call. What a second rotation within the overlap does to the secret in use is not documented by
    Amazon."""


class Stage(StrEnum):
    """Which secret of a record."""

    CURRENT = "current"
    """The one in use."""
    PENDING = "pending"
    """The one that waits for its proof."""
    OLD = "old"
    """The one that was current before; it works until Amazon ends it."""


class LeftBecause(StrEnum):
    """Why a message is left in the queue untouched."""

    UNREADABLE = "unreadable"
    """The body is not a notification that can be read. The text names the member that is wrong, never a value."""
    NOT_ENROLLED = "not-enrolled"
    """The client id in it is not looked after by this host, or has not been enrolled."""
    NOT_KEPT = "not-kept"
    """The store could not keep what the message brought; the text is the store's."""


@record
class Left:
    """Why a message is left in the queue untouched, with the reason's text where it has one."""

    why: LeftBecause
    """Why."""
    text: str | None = None
    """More about it."""


@record
class Delete:
    """The message is finished: delete it."""


@record
class HideUntil:
    """Hide the message until this instant, then have it delivered again."""

    at: datetime
    """Until when."""


@record
class Leave:
    """Leave the message alone; it is not ours, or it cannot be read, or it could not be kept."""

    left: Left
    """Why."""


Answer = Delete | HideUntil | Leave
"""What to do with a message."""


@record
class Message:
    """A message as SQS hands it out."""

    id: str
    """SQS's message id; no secret."""
    receipt_handle: str
    """The receipt handle of this receipt; needed to delete or hide."""
    body: Secret
    """The body, unchanged."""
    receive_count: int = 0
    """How often it has been received, this time included; 0 when unknown."""
    sent_at: datetime | None = None
    """When it was sent to the queue; `None` when unknown."""


@record
class Delivery:
    """What became of one message."""

    message_id: str
    """SQS's message id, as delivered."""
    client_id: str | None
    """The application it is for; `None` when the body cannot be read."""
    answer: Answer
    """What to do with it. `drain` has tried to do so already."""
    status: Status | None
    """The application's status after it; `None` when the message is left."""


class Method(StrEnum):
    """The methods that a rotation needs."""

    GET = "get"
    POST = "post"


@record
class Header:
    """One header field."""

    name: str
    """Its name, in lower case."""
    value: Secret
    """Its value: visible ASCII. One of them is an access token."""


@record
class Request:
    """A request."""

    method: Method
    """The method."""
    url: str
    """An absolute URL with scheme `https`, or `http` for a loopback address."""
    headers: tuple[Header, ...]
    """The header fields, `user-agent` among them. The host adds `host` and `content-length`."""
    body: Secret
    """The body; empty for none."""
    time_limit: timedelta
    """The longest time until the whole answer is there."""
    body_limit: int
    """The longest body of an answer, in bytes."""


@record
class Response:
    """An answer with whatever status."""

    status: int
    """The status code."""
    headers: tuple[Header, ...]
    """The header fields."""
    body: Secret
    """The whole body, decoded from any transfer coding."""


@record
class Entry:
    """A document and its revision."""

    revision: str
    """The revision, for the next save."""
    document: Secret
    """The document. It holds client secrets."""


@record
class Limits:
    """How much one call may use."""

    memory: int = 32 << 20
    """The component's memory in bytes."""
    fuel: int = 1_000_000_000
    """How much the component itself computes: about so many instructions, which take a second or two. A call takes a thousandth
    of it."""
    call: timedelta = timedelta(minutes=5)
    """Time of the whole call. It is looked at whenever the component asks for something; what it asks for is bounded by
    itself."""


@record
class Instant:
    """An instant as `wasi:clocks` has it: since 1970-01-01T00:00:00Z."""

    seconds: int
    nanoseconds: int
