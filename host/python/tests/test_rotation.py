"""Whole rotations: the emulator of Amazon, real HTTP, boto3, files."""

import json
import logging
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import PROGRAM, Emulator

from lwa_rotate import (
    Application,
    Cause,
    Credential,
    Delete,
    FileStore,
    Rotator,
    Secret,
    SqsQueue,
    Stage,
    State,
    events,
)
from lwa_rotate.errors import NotAllowed, NotEnrolled, UnknownApplication
from lwa_rotate.testing import MemoryStore

Emulate = Callable[..., Emulator]


class Targets:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.put_there: dict[str, str] = {}

    def put(self, target: str, credential: Credential) -> None:
        self.put_there[target] = credential.client_secret.expose_str()


class Collector:
    """Keeps events."""

    def __init__(self) -> None:
        self.events: list[events.Event] = []

    def emit(self, event: events.Event) -> None:
        self.events.append(event)


def rotator(emulator: Emulator, store: Any, publish: Any = None, observe: Any = None) -> Rotator:
    application = Application(
        emulator.client_id,
        api_endpoint=emulator.settings["api_endpoint"],
        token_endpoint=emulator.settings["token_endpoint"],
        targets=("env",),
    )
    queue = SqsQueue({"main": emulator.settings["queue_url"]})
    return Rotator(applications=[application], store=store, queue=queue, publish=publish, observe=observe)


def test_a_whole_rotation_ends_with_the_new_secret_published_and_the_message_gone(
    emulate: Emulate, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator, targets, collector = emulate(), Targets(), Collector()
    host = rotator(emulator, FileStore(tmp_path / "state"), targets, collector)
    client_id, ends = emulator.client_id, datetime.now(UTC).replace(microsecond=7000) + timedelta(days=100)

    enrolled = host.enroll(client_id, Secret(emulator.client_secret), ends)
    assert (enrolled.state, enrolled.verified, enrolled.expires_at) == (State.VERIFYING, False, ends)
    verified = host.advance(client_id)
    assert verified.verified and targets.put_there == {"env": emulator.client_secret}
    host.request(client_id)
    assert host.advance(client_id).state is State.AWAITING
    drained = host.drain("main", wait=20)
    (delivery,) = drained.deliveries

    assert drained.more and not host.drain("main", wait=1).more
    assert delivery.answer == Delete() and delivery.status == host.status(client_id)
    assert (delivery.status.state, delivery.status.generation) == (State.SETTLED, 2)
    current, old = host.reveal(client_id), host.reveal(client_id, Stage.RETIRED)
    assert current and old and targets.put_there == {"env": current.client_secret.expose_str()}
    assert old.client_secret.expose_str() == emulator.client_secret
    assert host.verify(client_id) is None
    assert emulator.calls("rotate") == 1
    assert emulator.tell("state")["queues"]["lwa"] == {"delayed": 0, "in_flight": 0, "visible": 0}
    told = [event.what for event in collector.events]
    assert (
        told.index(events.Happening.SECRET_KEPT)
        < told.index(events.Happening.PROMOTED)
        < told.index(events.Happening.ACKNOWLEDGED)
    )

    # Rule 9: with every log at its loudest, botocore's included, no secret is in any output.
    secrets = [emulator.client_secret, current.client_secret.expose_str()]
    printed = caplog.text + repr(collector.events) + repr([enrolled, delivery, current, old, host])
    assert "botocore" in caplog.text, "the logs of boto3 are there to be searched"
    assert not any(secret in printed for secret in secrets)


def test_after_a_lost_answer_the_message_is_waited_for_and_not_asked_for_again(emulate: Emulate, tmp_path: Path) -> None:
    emulator, targets = emulate("--fault", "rotate:lose-answer", "--rotate-interval", "1ms"), Targets()
    host = rotator(emulator, FileStore(tmp_path), targets)
    host.enroll(emulator.client_id, Secret(emulator.client_secret))
    host.request(emulator.client_id)

    lost = host.advance(emulator.client_id)
    again = host.advance(emulator.client_id)
    host.drain("main", wait=20)

    assert (lost.state, again.state) == (State.AWAITING, State.AWAITING)
    assert lost.problem and lost.problem.cause is Cause.ANSWER_LOST
    assert emulator.calls("rotate") == 1
    status = host.status(emulator.client_id)
    current = host.reveal(emulator.client_id)
    assert status.state is State.SETTLED and status.generation == 2
    assert current and targets.put_there == {"env": current.client_secret.expose_str()}


def test_a_call_that_was_not_sent_is_tried_again(emulate: Emulate) -> None:
    emulator = emulate()
    host = rotator(emulator, MemoryStore(), Targets())
    host.enroll(emulator.client_id, Secret(emulator.client_secret))
    emulator.process.terminate()
    emulator.process.wait()

    status = host.advance(emulator.client_id)

    assert status.problem and status.problem.cause is Cause.NOT_CONNECTED
    assert status.next and status.next.at > datetime.now(UTC) - timedelta(minutes=1)


def test_what_a_call_cannot_do_is_told_by_its_exception(emulate: Emulate) -> None:
    emulator = emulate()
    host = rotator(emulator, MemoryStore())

    with pytest.raises(NotEnrolled):
        host.advance(emulator.client_id)
    with pytest.raises(UnknownApplication):
        host.advance("amzn1.another")
    with pytest.raises(NotAllowed, match="visible ASCII"):
        host.enroll(emulator.client_id, Secret(b""))


def test_threads_may_call_at_the_same_time(emulate: Emulate, tmp_path: Path) -> None:
    emulator = emulate("--rotate-interval", "1ms")
    host = rotator(emulator, FileStore(tmp_path), Targets())
    host.enroll(emulator.client_id, Secret(emulator.client_secret))
    host.advance(emulator.client_id)
    host.request(emulator.client_id)

    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(host.advance, emulator.client_id) for _ in range(16)]
        calls += [threads.submit(host.status, emulator.client_id) for _ in range(16)]
        states = [call.result().state for call in calls]

    assert states and emulator.calls("rotate") == 1, "one caller (rule 3)"


def test_the_program_and_this_host_share_one_folder(emulate: Emulate, tmp_path: Path) -> None:
    emulator = emulate("--rotate-interval", "1ms")
    config = tmp_path / "lwa-rotate.toml"
    config.write_text(
        f"""
        [store]
        path = "{tmp_path / "state"}"
        [queues.main]
        url = "{emulator.settings["queue_url"]}"
        [apps.shop]
        client-id = "{emulator.client_id}"
        api-endpoint = "{emulator.settings["api_endpoint"]}"
        token-endpoint = "{emulator.settings["token_endpoint"]}"
        queue = "main"
        """
    )

    def program(*arguments: str, given: str = "") -> Any:
        command = [PROGRAM, "--config", config, "--json", *arguments]
        ran = subprocess.run(
            command, check=False, input=given, capture_output=True, text=True, env=os.environ | {"AWS_REGION": "us-east-1"}
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    host = rotator(emulator, FileStore(tmp_path / "state"), Targets())
    program("enroll", "shop", given=emulator.client_secret)
    assert host.status(emulator.client_id).verified
    host.request(emulator.client_id)
    assert host.advance(emulator.client_id).state is State.AWAITING
    program("rotate", "shop")

    # The program has no target; that of this host is its own to write.
    before, status = host.status(emulator.client_id), host.advance(emulator.client_id)
    current = host.reveal(emulator.client_id)
    assert (before.state, before.generation, status.state) == (State.PUBLISHING, 2, State.SETTLED)
    revealed = subprocess.run([PROGRAM, "--config", config, "get", "shop"], check=True, capture_output=True, text=True)
    assert current and revealed.stdout.strip() == current.client_secret.expose_str()
    later = host.enroll(emulator.client_id, current.client_secret, current.expires_at)
    assert program("status", "shop")["apps"][0]["client_id"] == later.client_id
    host.forget(emulator.client_id)
    with pytest.raises(NotEnrolled):
        host.status(emulator.client_id)
    program("enroll", "shop", given=current.client_secret.expose_str())
    assert host.status(emulator.client_id).generation == 1
