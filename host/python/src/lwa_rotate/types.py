"""What the component takes and answers. The same records as in `wit/`, with Python's own kinds of values.

Instants are `datetime`s with a time zone, to the millisecond; durations are `timedelta`s.
"""

from collections.abc import Mapping
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
class Target:
    """A publish target."""

    name: str
    """Its name; `Publish.put` and `Publish.read` are called with it."""
    place: str = ""
    """Where it writes, as a text such that two places never share one and one place never has two, because hosts share records.
    `wit/settings.wit` has the forms. Where it is empty, `Rotator` makes it `function://MACHINE/NAME`."""


class Rotate(StrEnum):
    """When a rotation begins."""

    AUTOMATIC = "automatic"
    """By itself when the current secret is near its end, and on request."""
    ON_REQUEST = "on-request"
    """On request only."""


@record
class Application:
    """The settings of one application."""

    client_id: str
    """The application."""
    api_endpoint: str
    """SP-API's endpoint without a path, such as `https://sellingpartnerapi-eu.amazon.com`."""
    token_endpoint: str = TOKEN_ENDPOINT
    """LWA's token endpoint."""
    queue: str = "main"
    """The name of the queue that Amazon sends its notifications to; `Queue.receive` and `Queue.inspect` are called with it."""
    rotate: Rotate = Rotate.AUTOMATIC
    """When a rotation begins."""
    rotate_before: timedelta = timedelta(days=30)
    """How long before its expiry time a secret is rotated."""
    patience: timedelta = timedelta(hours=1)
    """How long the message is awaited after a rotate call before a person has to decide."""
    targets: tuple[Target, ...] = ()
    """The publish targets, each with a name and a place of its own; a name alone will do."""
    user_agent: UserAgent = UserAgent()
    """Who calls."""

    def __post_init__(self) -> None:
        """A mistake is reported now, and not when a secret has ended. Raises `ValueError`."""
        for name, least, most in BOUNDS:
            span = getattr(self, name)
            if not isinstance(span, timedelta) or not least <= span <= most or span % least:
                raise ValueError(f"{name} of '{self.client_id}' is a timedelta of whole seconds, from {least} to {most}")
        given: object = self.targets
        if not isinstance(given, tuple | list) or not all(isinstance(target, Target | str) for target in given):
            raise ValueError(f"targets of '{self.client_id}' is a tuple of `Target`s or of their names")
        targets = tuple(target if isinstance(target, Target) else Target(target) for target in given)
        for values in ([target.name for target in targets], [target.place for target in targets if target.place]):
            if twice := {value for value in values if values.count(value) > 1 or not isinstance(value, str) or not value}:
                raise ValueError(
                    f"targets of '{self.client_id}' have names and places of their own, unlike {sorted(map(str, twice))}"
                )
        object.__setattr__(self, "targets", targets)
        if not isinstance(self.rotate, Rotate):
            raise ValueError(f"rotate of '{self.client_id}' is `Rotate.AUTOMATIC` or `Rotate.ON_REQUEST`")


class State(StrEnum):
    """Where an application stands: the first that applies, in the order stalled, requesting, awaiting, verifying, publishing,
    settled. `docs/rotation.md` draws them."""

    SETTLED = "settled"
    """The current secret is in use and nothing is going on."""
    REQUESTING = "requesting"
    """A rotation is wanted, and the rotate call is being prepared, under way, or backing off."""
    AWAITING = "awaiting"
    """The rotate call was accepted, or may have been: the message with the new secret is awaited."""
    VERIFYING = "verifying"
    """A new secret is kept and is being verified, or the current secret has not been verified yet."""
    PUBLISHING = "publishing"
    """A verified secret is current and some publish target does not hold it yet."""
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
    """An answer that is none of those which Amazon documents. It may come from a proxy in between."""
    QUEUE_BLOCKED = "queue-blocked"
    """A new secret would not arrive in the queue, or not stay there long enough. No rotate call is made."""
    MESSAGE_MISSING = "message-missing"
    """No notification with a new secret has come within the patience after a rotate call."""
    NEW_SECRET_REFUSED = "new-secret-refused"
    """A new secret has come and Amazon does not accept it, while the secret in use is about to end."""
    TARGET_FAILED = "target-failed"
    """A publish target did not take the credential, or could not be read."""
    PLACE_CHANGED = "place-changed"
    """A place where applications read the credential keeps being changed by others, or holds a secret of unknown origin."""
    NOTICE_UNMATCHED = "notice-unmatched"
    """Amazon announced the end of a secret that this record does not know."""
    OTHER = "other"
    """Anything else."""


class Action(StrEnum):
    """What has to be done, for programs."""

    WAIT = "wait"
    """Nothing: it is tried again by itself."""
    SUPPLY_SECRET = "supply-secret"
    """Supply the application's current client secret with `enroll`."""
    ROTATE_IN_CONSOLE = "rotate-in-console"
    """Rotate in Amazon's Developer Console, and supply the new secret with `enroll`."""
    SUBSCRIBE = "subscribe"
    """Subscribe the application to the notifications in Amazon's Developer Console."""
    FIX_QUEUE = "fix-queue"
    """Change the queue, its policy, or its key, as `remedy` says."""
    FIX_TARGET = "fix-target"
    """Change the target, or the rights of this program there."""
    FIX_PLACE = "fix-place"
    """Find out who else writes the place, and stop one of the two."""
    FIX_ENDPOINTS = "fix-endpoints"
    """Correct the endpoints in the settings."""
    FIX_NETWORK = "fix-network"
    """Repair network, name service, proxy, or trusted certificates."""
    CHECK_APPLICATION = "check-application"
    """Check in the Developer Console that the application is active, registered in this region, and has the access it needs."""
    DECIDE = "decide"
    """Look in the Developer Console whether a new secret is there, and supply it with `enroll`; or decide with `resume`."""
    CHECK_EXPIRY = "check-expiry"
    """Look up in the Developer Console when the current secret ends, and say so with `set_expiry`."""
    OTHER = "other"
    """Anything else; see `remedy`."""


class RemedyBy(StrEnum):
    """Who can move things on."""

    TIME = "time"
    """It is tried again by itself at the next deadline."""
    PERSON = "person"
    """It is tried again too, hourly at most, but is not expected to succeed before a person acts."""


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
    action: Action
    """What is to be done."""
    remedy: str
    """The same in words."""
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
    """The next attempt of a rotate call is permitted, or the reading of the queue before it goes on."""
    CALL_OVERDUE = "call-overdue"
    """The caller of a rotate call has had its time; the next `advance` takes over."""
    PATIENCE_END = "patience-end"
    """The patience for the message after a rotate call ends."""
    VERIFICATION = "verification"
    """A new secret is verified again."""
    VERIFICATION_OF_CURRENT = "verification-of-current"
    """The current secret, which has not been verified yet, is verified again."""
    PUBLICATION = "publication"
    """A publish target is tried again."""
    READING = "reading"
    """A publish target's place is read again."""
    RETIRED_END = "retired-end"
    """Amazon ends a retired secret, and it is purged here."""
    REMINDER = "reminder"
    """What needs a person is reported again."""


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

    name: str | None
    """Its name in the settings; `None` for a place that only hosts with other settings write."""
    place: str
    """Its place."""
    holds_current: bool
    """Whether it holds the current secret: it was written with it, and was not read with anything else since."""
    read_at: datetime | None
    """When it was last read and held the current secret; `None` if not since the current secret was written."""
    failure: str | None
    """Why it could last not be written or read, or what was found there, in words; `None` if all is well."""
    retry_at: datetime | None
    """When it is tried or read again; `None` if nothing is outstanding."""


@record
class Status:
    """Where an application stands, without any secret."""

    client_id: str
    """The application."""
    state: State
    """Its state."""
    expires_at: datetime | None
    """When the secret in use ends, as far as known; `None` when unknown. After a rotate call that was or may have been
    accepted, the earlier of its own end and 7 days after the call."""
    current_since: datetime
    """When the current secret was taken up."""
    verified: bool
    """Whether SP-API has accepted a token minted with the current secret since it was taken up."""
    generation: int
    """How many secrets have been current so far. It grows by one with each promotion."""
    candidate_expires_at: datetime | None
    """When the newest candidate ends; `None` when there is none or its end is unknown."""
    retired_ends_at: datetime | None
    """When the secret that was retired last ends; `None` when there is none."""
    rotation_due_at: datetime | None
    """When the next rotation is due; `None` when the expiry time is unknown, a rotation is under way, or rotations begin on
    request only."""
    called_at: datetime | None
    """When the last rotate call was made; `None` before the first."""
    awaited_until: datetime | None
    """Until when the message is awaited before a person has to decide; only in the state `AWAITING`."""
    next: Deadline | None
    """When `advance` should be called again at the latest; `None` when only a message or a person can change anything."""
    problem: Problem | None
    """Why it does not go on by itself, the gravest reason first where there are several; `None` when all is well."""
    targets: tuple[TargetStatus, ...]
    """The publish targets of the settings, in their order, then the places that other hosts write."""


class Decision(StrEnum):
    """The operator's decision on a stalled rotation."""

    WAIT = "wait"
    """Wait for the message once more, for the patience of the settings."""
    REQUEST_AGAIN = "request-again"
    """Make another rotate call. What a second rotation within 7 days does to the secret in use is not documented by
    Amazon."""


class Stage(StrEnum):
    """Which secret of a record."""

    CURRENT = "current"
    """The one in use."""
    CANDIDATE = "candidate"
    """The newest one that waits for its verification."""
    RETIRED = "retired"
    """The one that was retired last; it works until Amazon ends it."""


class LeftBecause(StrEnum):
    """Why a message is left in the queue untouched."""

    UNREADABLE = "unreadable"
    """The body is not a notification that can be read. The text names the member that is wrong, never a value."""
    WRAPPED = "wrapped"
    """The body is an envelope of another service, which the text names. Amazon sends its notifications without one."""
    NOT_ENROLLED = "not-enrolled"
    """This host does not look after the client id in it, or it has not been enrolled."""
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


@record
class Drained:
    """What a `drain` did."""

    deliveries: tuple[Delivery, ...]
    """What became of each message, in the order in which they came."""
    more: bool
    """Whether there may be more messages: `False` only after an empty long poll."""


class Severity(StrEnum):
    """What a part of a queue's settings means for a rotation."""

    FINE = "fine"
    """As it should be."""
    NOT_CHECKED = "not-checked"
    """It could not be checked. The rotate call is made, and says so."""
    WARNING = "warning"
    """It costs something, or will, and loses no secret by itself."""
    DOUBTFUL = "doubtful"
    """A new secret may not arrive, or not stay. No rotate call until 7 days before the current secret's end."""
    BLOCKING = "blocking"
    """A new secret cannot arrive, or cannot be received. No rotate call."""


@record
class QueueFinding:
    """One part of a queue's settings, judged. The texts are for people."""

    check: str
    """What was judged, as a name for programs, such as `policy`; `wit/rotation.wit` has them all."""
    severity: Severity
    """What it means."""
    evidence: str
    """What was seen."""
    consequence: str
    """The consequence; empty where all is well."""
    remedy: str
    """What to do; empty where all is well."""


class GapBecause(StrEnum):
    """Why a part of an inspection is missing."""

    NOT_FOUND = "not-found"
    """It does not exist."""
    DENIED = "denied"
    """The host may not ask for it."""
    UNREACHABLE = "unreachable"
    """Not reachable or failing at present, or anything else."""


@record
class Gap:
    """In place of a part of an inspection that could not be had. The text is for people and holds no secret."""

    why: GapBecause
    """Why."""
    text: str
    """More about it."""


@record
class Attribute:
    """One attribute of a queue."""

    name: str
    """Its name as SQS spells it, such as `MessageRetentionPeriod`."""
    value: str
    """Its value as SQS gives it."""


@record
class KeyDescription:
    """What AWS KMS says of a key."""

    arn: str
    """The key's ARN."""
    state: str
    """Its state as KMS spells it, such as `Enabled`."""
    managed_by_aws: bool
    """Whether AWS manages it."""


@record
class Key:
    """A queue's own KMS key."""

    description: KeyDescription | Gap
    """What `DescribeKey` answers."""
    policy: str | Gap
    """The key policy, as `GetKeyPolicy` answers it."""


class Flow(StrEnum):
    """How messages of a queue reach this host."""

    PULLED = "pulled"
    """The host receives them with `receive`."""
    PUSHED = "pushed"
    """A service receives them and passes them to `deliver`, such as an event source mapping of AWS Lambda."""


@record
class Inspection:
    """The facts about a queue."""

    attributes: Mapping[str, str] | Gap
    """All its attributes by the names that SQS gives them, the approximate counts of messages among them."""
    key: Key | None = None
    """Its key; `None` where `KmsMasterKeyId` is absent, empty, an alias of AWS's own, or unknown."""
    flow: Flow = Flow.PULLED
    """How its messages reach this host."""


@record
class Held:
    """A place holds this credential."""

    client_id: str | None
    """The client id beside the secret; `None` where the place holds the secret alone."""
    client_secret: Secret
    """The client secret."""
    written_by: str | None = None
    """Who seems to have written it last, where the place records that. For people."""


@record
class Absent:
    """A place holds no credential: it is absent, or has none in it."""


@record
class Unreadable:
    """This kind of place cannot be read at all."""


Reading = Held | Absent | Unreadable
"""What reading a place gave."""


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
    """The header fields, `user-agent` among them. The host adds `host` and `content-length`, which a POST always has."""
    body: Secret
    """The body; empty for none."""
    time_limit: timedelta
    """The longest time until the whole answer is there."""
    body_limit: int
    """The longest body of an answer, in bytes."""
    not_after: datetime | None = None
    """The request must not begin to be sent after this instant; `None` for no such limit."""


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
    """Time of the whole call. It is checked whenever the component asks for something; what it asks for is bounded by
    itself."""


@record
class Instant:
    """An instant as `wasi:clocks` has it: since 1970-01-01T00:00:00Z."""

    seconds: int
    nanoseconds: int
