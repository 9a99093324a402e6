"""Amazon SQS, through boto3."""

import logging
import os
import re
from collections.abc import Collection, Mapping
from contextvars import ContextVar, copy_context
from json import loads
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .errors import QueueAccessDenied, QueueError, QueueNotFound, QueueUnavailable, StaleReceipt
from .http import origin
from .secret import Secret
from .types import Flow, Gap, GapBecause, Inspection, Key, KeyDescription, Message

# SQS hides no message for longer than this after its receipt; seconds.
HIDDEN_AT_MOST = 12 * 60 * 60

# `sqs.REGION.amazonaws.com` and its relatives: other partitions, FIPS, dual stack, VPC endpoints, and the old forms.
AMAZON = re.compile(
    r"https://(?:(?:.*\.)?(?:sqs|kms)(?:-fips)?\.(?P<new>[\w-]+)|(?:(?P<old>[\w-]+)\.)?queue)(?P<vpc>\.vpce)?"
    r"\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn):443"
)
# What SQS and boto3 say, as `STATUS CODE: TEXT`; anything else is unavailable.
STALE = r"\d+ (ReceiptHandleIsInvalid|\S*MessageNotInflight|InvalidParameterValue: .*receipt ?handle)"
NO_KEY = r"\d+ NotFoundException"
NO_QUEUE = r"\d+ (QueueDoesNotExist|\S*NonExistentQueue|InvalidAddress)"
REFUSED = r"AccessDenied|KMS(?!Internal|.?Throttl)|\S*(Token|Signature|AccessKey|Credential|NotAuthorized|OptInRequired)"
DENIED = rf"40[13] |\d+ ({REFUSED})"
CASES = (
    (STALE, StaleReceipt, ""),
    (NO_QUEUE, QueueNotFound, "; compare its URL with the one that SQS shows, region and account included"),
    (NO_KEY, QueueNotFound, ""),
    (DENIED, QueueAccessDenied, "; give AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, of one who may use it"),
)

asking: ContextVar[bool] = ContextVar("asking", default=False)

# At the level DEBUG this logger writes the bodies of answers, and with them new secrets.
logging.getLogger("botocore.parsers").addFilter(lambda _: not asking.get())


class SqsQueue:
    """Amazon SQS, with the promises of `Queue`.

    Credentials, profile and endpoint come from the usual AWS variables and files (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`,
    `AWS_ENDPOINT_URL_SQS`, SSO, roles), or from the session given. The region is that of the queue's URL; where the URL names
    none, that of the session, and else `us-east-1`. A URL that is not one of Amazon's is its own endpoint, unless the AWS
    settings name one. Nothing is read or opened before the first call. Nothing is repeated: what failed comes again by itself.
    """

    def __init__(
        self, queues: Mapping[str, str], session: boto3.Session | None = None, *, pushed: Collection[str] = ()
    ) -> None:
        """These queues, by names of yours, with their URLs as SQS gives them. `pushed` has the names of those whose messages a
        service passes to `Rotator.deliver`, such as an event source mapping of AWS Lambda.

        Raises `ValueError` for a URL that cannot be used, and for a name in `pushed` that is none of the queues'.
        """
        self._places = {name: (url, origin(url)) for name, url in queues.items()}
        self._session, self._pushed = session, frozenset(pushed)
        if unknown := self._pushed - queues.keys():
            raise ValueError(f"pushed has names that are none of the queues': {sorted(unknown)}")
        # By process.
        self._opened: dict[int, tuple[Lock, dict[Any, Any]]] = {}

    def receive(self, queue: str, max: int, wait: int, visibility: int) -> tuple[Message, ...]:
        """Receives messages."""
        how: Any = {"MaxNumberOfMessages": max, "WaitTimeSeconds": wait, "VisibilityTimeout": min(visibility, HIDDEN_AT_MOST)}
        how["MessageSystemAttributeNames"] = ["ApproximateReceiveCount"]
        return tuple(map(message, self._ask("receive_message", queue, **how).get("Messages", [])))

    def delete(self, queue: str, receipt_handle: str) -> None:
        """Deletes a message."""
        self._ask("delete_message", queue, ReceiptHandle=receipt_handle)

    def hide(self, queue: str, receipt_handle: str, visibility: int) -> None:
        """Hides a message."""
        seconds = min(visibility, HIDDEN_AT_MOST)
        try:
            self._ask("change_message_visibility", queue, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)
        except QueueError as error:
            # The 12 hours count from the receipt, whose time is not kept here: come nearer by halves.
            if "Total VisibilityTimeout" not in str(error) or seconds <= 60:
                raise
            self.hide(queue, receipt_handle, seconds // 2)

    def inspect(self, queue: str) -> Inspection:
        """The facts about a queue."""
        flow = Flow.PUSHED if queue in self._pushed else Flow.PULLED
        try:
            attributes = self._ask("get_queue_attributes", queue, AttributeNames=["All"])["Attributes"]
            named = attributes.get("KmsMasterKeyId", "")
            # A key of AWS's own is known by its alias.
            key = None if not named or re.match(r"(.*:)?alias/aws/", named) else self._key(queue, named)
            return Inspection(attributes, key, flow)
        except QueueError as error:
            return Inspection(gap(error), None, flow)
        except KeyError:
            return Inspection(Gap(GapBecause.UNREACHABLE, f"SQS tells no attributes of the queue '{queue}'"), None, flow)

    def _key(self, queue: str, named: str) -> Key:
        """The key of this id, ARN or alias. KMS gives the policy of a key by its id or ARN, and not by an alias."""
        try:
            known = self._ask("describe_key", queue, "kms", KeyId=named)["KeyMetadata"]
            description: Any = KeyDescription(
                known.get("Arn", named), known.get("KeyState", ""), known.get("KeyManager") == "AWS"
            )
            named = description.arn
        except QueueError as error:
            description = gap(error)
            if "alias/" in named:
                return Key(description, description)
        except KeyError:
            description = Gap(GapBecause.UNREACHABLE, "KMS describes no key")
        try:
            policy: Any = self._ask("get_key_policy", queue, "kms", KeyId=named, PolicyName="default")["Policy"]
        except QueueError as error:
            policy = gap(error)
        except KeyError:
            policy = Gap(GapBecause.UNREACHABLE, "KMS tells no policy of the key")
        return Key(description, policy)

    def _ask(self, operation: str, queue: str, service: str = "sqs", **parameters: Any) -> Any:
        if queue not in self._places:
            raise QueueNotFound(f"the settings have no queue '{queue}'")
        url, at = self._places[queue]
        doing, ours = f"cannot {operation.replace('_', ' ')} of the queue '{queue}' at {url}", copy_context()
        ours.run(asking.set, True)
        # A child of a fork begins anew: with connections, and locks, of its own.
        lock, clients = self._opened.setdefault(os.getpid(), (Lock(), {}))
        try:
            with lock:
                of = (service, queue)
                client = clients[of] = clients.get(of) or self._connect(at, clients, service)
            if service == "sqs":
                parameters["QueueUrl"] = url
            return ours.run(getattr(client, operation), **parameters)
        except ClientError as error:
            answer, said = error.response, error.response["Error"]
            # Behind the first line, what is said of a wrong signature repeats the headers, and with them the session token.
            told = f"{answer['ResponseMetadata']['HTTPStatusCode']} {said.get('Code', '')}: {said.get('Message', '')}\n"
            raise failure(doing, told[: told.index("\n")][:300]) from None
        except Exception as error:
            # Where boto3 stumbles over an answer, its text may quote it.
            text = error if isinstance(error, BotoCoreError | ValueError) else f"the answer is not one of {service.upper()}"
            raise failure(doing, f"0 {type(error).__name__}: {text}") from None

    def _connect(self, at: str, clients: dict[Any, Any], service: str = "sqs") -> Any:
        session = clients[None] = clients.get(None) or self._session or boto3.Session()
        amazon = AMAZON.fullmatch(at)
        region = (amazon and (amazon["new"] or amazon["old"])) or (None if amazon else session.region_name) or "us-east-1"
        config = Config(connect_timeout=4, read_timeout=28, retries={"total_max_attempts": 1})
        client = session.client(service, region_name=region, config=config)
        if (amazon is None or (amazon["vpc"] and service == "sqs")) and AMAZON.fullmatch(origin(client.meta.endpoint_url)):
            if service != "sqs":
                raise ValueError("where the queue's key is kept is not known: set AWS_ENDPOINT_URL_KMS")
            client = session.client(service, region_name=region, config=config, endpoint_url=at)
        origin(client.meta.endpoint_url)
        client.meta.events.register(f"after-call.{service}", whole)
        return client


def whole(http_response: Any, model: Any, **_: Any) -> None:
    """Fails where the answer is cut, or not Amazon's: boto3 takes a body that is not JSON for an empty object."""
    if http_response.status_code < 300:
        body = http_response.content or (b"" if model.output_shape else b"{}")
        if not isinstance(loads(body), dict):
            raise ValueError("the answer is not a JSON object")


def gap(error: QueueError) -> Gap:
    """The same failure in place of a part of an inspection."""
    known = {QueueNotFound: GapBecause.NOT_FOUND, QueueAccessDenied: GapBecause.DENIED}
    return Gap(known.get(type(error), GapBecause.UNREACHABLE), str(error))


def failure(doing: str, told: str) -> QueueError:
    """What was answered, in the words of the contract."""
    for pattern, kind, hint in CASES:
        if re.match(pattern, told, re.IGNORECASE):
            return kind(f"{doing}: {told}{hint}")
    return QueueUnavailable(f"{doing}: {told}")


def message(given: Any) -> Message:
    """A message in the words of the contract."""
    count = int(given.get("Attributes", {}).get("ApproximateReceiveCount", 0))
    return Message(given["MessageId"], given["ReceiptHandle"], Secret(given["Body"]), count)
