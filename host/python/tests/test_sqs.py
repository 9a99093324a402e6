"""The queue of boto3, against the emulator and against made-up answers."""

import logging
import os
from collections.abc import Callable
from threading import Lock
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session
from botocore.stub import Stubber
from conftest import Emulator

from lwa_rotate import SqsQueue
from lwa_rotate.errors import QueueAccessDenied, QueueError, QueueNotFound, QueueUnavailable, StaleReceipt

Emulate = Callable[..., Emulator]
URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/lwa"


def test_a_message_is_received_hidden_and_deleted(emulate: Emulate) -> None:
    emulator = emulate()
    queue = SqsQueue({"main": emulator.settings["queue_url"]})
    assert queue.receive("main", 10, 0, 30) == ()
    emulator.tell("messages", {"body": "the bödy"})

    (message,) = queue.receive("main", 10, 5, 30)
    assert (message.body.expose_str(), message.receive_count) == ("the bödy", 1)
    assert message.sent_at is not None and abs(message.sent_at.timestamp() * 1000 - emulator.tell("state")["now"]) < 60_000
    assert queue.receive("main", 10, 0, 30) == ()
    queue.hide("main", message.receipt_handle, 0)
    (again,) = queue.receive("main", 10, 0, 30)
    assert (again.id, again.receive_count) == (message.id, 2)
    queue.delete("main", again.receipt_handle)
    queue.delete("main", again.receipt_handle)
    assert emulator.tell("state")["queues"]["lwa"]["in_flight"] == 0


def test_a_message_is_hidden_no_longer_than_sqs_allows(emulate: Emulate) -> None:
    emulator = emulate()
    queue = SqsQueue({"main": emulator.settings["queue_url"]})
    emulator.tell("messages", {"body": "x"})
    (message,) = queue.receive("main", 1, 0, 43_200)
    emulator.tell("time", {"advance_seconds": 3600})
    queue.hide("main", message.receipt_handle, 43_200)


def test_bodies_are_not_logged_and_other_logs_of_boto3_are_left_alone(
    emulate: Emulate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator = emulate()
    emulator.tell("messages", {"body": "the only copy"})
    queue = SqsQueue({"main": emulator.settings["queue_url"]})

    (message,) = queue.receive("main", 1, 5, 30)

    assert "the only copy" not in caplog.text + repr(message)
    assert "botocore.endpoint" in caplog.text
    logging.getLogger("botocore.parsers").debug("somebody else's")
    assert "somebody else's" in caplog.text


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("receive:refuse=AccessDenied", QueueAccessDenied),
        ("receive:status=503", QueueUnavailable),
        ("receive:lose-answer", QueueUnavailable),
    ],
)
def test_failures_are_told_apart(emulate: Emulate, fault: str, kind: type[QueueError]) -> None:
    emulator = emulate("--fault", fault)
    queue = SqsQueue({"main": emulator.settings["queue_url"]})
    with pytest.raises(kind, match="cannot receive message of the queue 'main'"):
        queue.receive("main", 1, 0, 30)
    assert queue.receive("main", 1, 0, 30) == ()


@pytest.mark.parametrize(
    ("code", "text", "status", "kind"),
    [
        ("AWS.SimpleQueueService.NonExistentQueue", "x", 400, QueueNotFound),
        ("QueueDoesNotExist", "x", 400, QueueNotFound),
        ("ReceiptHandleIsInvalid", "x", 400, StaleReceipt),
        (
            "InvalidParameterValue",
            "Value A for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
            400,
            StaleReceipt,
        ),
        ("AWS.SimpleQueueService.MessageNotInflight", "x", 400, StaleReceipt),
        ("KMS.AccessDeniedException", "x", 400, QueueAccessDenied),
        ("InvalidClientTokenId", "x", 403, QueueAccessDenied),
        ("ThrottlingException", "x", 400, QueueUnavailable),
        ("InternalError", "x", 500, QueueUnavailable),
        ("UnsupportedOperation", "x", 400, QueueUnavailable),
    ],
)
def test_what_sqs_answers_is_told_in_the_contracts_words(
    emulate: Emulate, code: str, text: str, status: int, kind: Any
) -> None:
    queue = SqsQueue({"main": URL})
    clients: dict[Any, Any] = {}
    client = clients["main"] = queue._connect(queue._places["main"][1], clients)
    queue._opened[os.getpid()] = (Lock(), clients)
    with Stubber(client) as stubbed:
        stubbed.add_client_error("delete_message", code, text, status)
        with pytest.raises(kind) as failed:
            queue.delete("main", "r")
    assert type(failed.value) is kind


@pytest.mark.parametrize(
    ("url", "region", "endpoint"),
    [
        (URL, "eu-west-1", "https://sqs.eu-west-1.amazonaws.com"),
        ("https://sqs-fips.us-east-2.amazonaws.com/1/q", "us-east-2", "https://sqs.us-east-2.amazonaws.com"),
        ("https://eu-central-1.queue.amazonaws.com/1/q", "eu-central-1", "https://sqs.eu-central-1.amazonaws.com"),
        ("https://queue.amazonaws.com/1/q", "us-east-1", "https://sqs.us-east-1.amazonaws.com"),
        (
            "https://vpce-0a1.sqs.eu-west-1.vpce.amazonaws.com/1/q",
            "eu-west-1",
            "https://vpce-0a1.sqs.eu-west-1.vpce.amazonaws.com:443",
        ),
        (
            "https://sqs.eu-west-1.amazonaws.com.evil.example/1/q",
            "us-east-1",
            "https://sqs.eu-west-1.amazonaws.com.evil.example:443",
        ),
        ("http://127.0.0.1:9324/0/q", "us-east-1", "http://127.0.0.1:9324"),
    ],
)
def test_a_queues_url_says_where_it_is(emulate: Emulate, url: str, region: str, endpoint: str) -> None:
    queue = SqsQueue({"main": url})
    client = queue._connect(queue._places["main"][1], {})
    assert (client.meta.region_name, client.meta.endpoint_url) == (region, endpoint)


def test_the_endpoint_of_the_aws_settings_is_used(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:4566")
    queue = SqsQueue({"main": URL})
    assert queue._connect(queue._places["main"][1], {}).meta.endpoint_url == "http://127.0.0.1:4566"
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://sqs.example")
    with pytest.raises(QueueUnavailable, match="plain http"):
        queue.delete("main", "r")


def test_no_request_leaves_in_plain_http(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(URLLib3Session, "send", lambda *_: pytest.fail("a request was sent"))
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"):
        with monkeypatch.context() as changed:
            changed.setenv(name, "http://192.0.2.1:4566")
            queue = SqsQueue({"main": URL})
            for ask in (lambda: queue.receive("main", 1, 0, 30), lambda: queue.hide("main", "r", 0)):  # noqa: B023
                with pytest.raises(QueueUnavailable, match="plain http is for loopback"):
                    ask()


def answering(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> SqsQueue:
    """A queue whose every answer is this one."""
    answer = AWSResponse("u", status, {"content-type": "application/x-amz-json-1.0"}, None)
    answer._content = body
    monkeypatch.setattr(URLLib3Session, "send", lambda *_: answer)
    return SqsQueue({"main": URL})


CUT = b'{"Messages": [{"MessageId": "1", "Body": "amzn1.oa2-cs.v1.sec'
PORTAL = b"<html>Please sign in. amzn1.oa2-cs.v1.secret</html>"


@pytest.mark.parametrize(
    "body", [CUT, PORTAL, b"", b"[]", b"null", b"7", b'"x"', b"\xff", b'{"Messages": 7}', b'{"Messages": [7]}']
)
def test_an_answer_that_is_not_sqs_s_is_no_empty_queue(emulate: Emulate, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    with pytest.raises(QueueUnavailable) as failed:
        answering(monkeypatch, 200, body).receive("main", 1, 0, 30)
    assert "oa2-cs" not in str(failed.value)


def test_a_deletion_that_somebody_else_answers_has_failed(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 200, b"").delete("main", "r")
    answering(monkeypatch, 200, b"{}").delete("main", "r")
    with pytest.raises(QueueUnavailable):
        answering(monkeypatch, 200, PORTAL).delete("main", "r")


def test_the_session_token_is_not_in_the_text_of_a_refused_signature(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "The request signature we calculated does not match.\\n\\nThe Canonical String\\nx-amz-security-token:hidden\\n"
    body = f'{{"__type": "com.amazon.coral.service#InvalidSignatureException", "message": "{said}"}}'
    with pytest.raises(QueueAccessDenied, match=r"does not match\.; give AWS_PROFILE") as failed:
        answering(monkeypatch, 403, body.encode()).receive("main", 1, 0, 30)
    assert "hidden" not in str(failed.value)


def test_without_credentials_or_queue_nothing_is_asked(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    queue = SqsQueue({"main": URL})
    with pytest.raises(QueueAccessDenied, match="AWS_PROFILE"):
        queue.delete("main", "r")
    with pytest.raises(QueueNotFound, match="'other'"):
        queue.delete("other", "r")
    with pytest.raises(ValueError, match="plain http"):
        SqsQueue({"main": "http://sqs.eu-west-1.amazonaws.com/1/q"})
