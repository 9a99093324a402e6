"""The driving loop, with a clock that moves by waiting alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Emulator

from lwa_rotate import (
    Application,
    Deadline,
    DeadlineKind,
    Drained,
    Rotator,
    Secret,
    SqsQueue,
    State,
    Status,
    drive,
    run_until_settled,
    visit,
)
from lwa_rotate.errors import QueueFailed, StoreFailed
from lwa_rotate.testing import MemoryStore

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STATUS = Status(
    client_id="one",
    state=State.SETTLED,
    expires_at=None,
    current_since=BEGIN,
    verified=True,
    generation=1,
    candidate_expires_at=None,
    retired_ends_at=None,
    rotation_due_at=None,
    called_at=None,
    awaited_until=None,
    next=None,
    problem=None,
    targets=(),
)


class Scripted:
    """A rotator whose answers are listed; `done` has what was asked of it, with the time that has passed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, advances: dict[str, list[Any]], more: Any = ()) -> None:
        self.applications = {name: Application(name, "https://a", queue=f"queue of {name}") for name in advances}
        self.advances, self.more, self.seconds = advances, list(more), 0.0
        self.done: list[Any] = []
        monkeypatch.setattr(drive, "monotonic", lambda: self.seconds)
        monkeypatch.setattr(drive, "sleep", self.sleep)

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.done.append(f"sleep {seconds:g}")
        self.seconds += seconds

    def advance(self, client_id: str) -> Status:
        self.done.append(f"advance {client_id}")
        answer = self.advances[client_id].pop(0)
        if isinstance(answer, Exception):
            raise answer
        state, seconds = answer
        due = None if seconds is None else Deadline(BEGIN + timedelta(seconds=seconds), DeadlineKind.CALL_PERMITTED)
        return replace(STATUS, client_id=client_id, state=state, next=due)

    def drain(self, queue: str, wait: int) -> Drained:
        self.done.append(f"drain {queue} {wait}")
        answer = self.more.pop(0) if self.more else False
        if isinstance(answer, Exception):
            raise answer
        self.seconds += 0 if answer else wait
        return Drained((), answer)

    def check_queue(self, queue: str) -> Any:
        self.done.append(f"check {queue}")
        return ()


Script = Callable[..., Any]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Script:
    return lambda *given, **named: Scripted(monkeypatch, *given, **named)


@pytest.mark.parametrize("state", [State.SETTLED, State.STALLED])
def test_what_is_at_rest_is_not_waited_for(scripted: Script, state: State) -> None:
    host = scripted({"one": [(state, 5)]})
    assert run_until_settled(host, "one").state is state
    assert host.done == ["advance one"]


def test_it_sleeps_until_the_next_deadline_and_no_longer(scripted: Script) -> None:
    host = scripted({"one": [(State.REQUESTING, 180), (State.REQUESTING, 0), (State.SETTLED, None)]})
    assert run_until_settled(host, "one").state is State.SETTLED
    assert host.done == ["advance one", "sleep 180", "advance one", "sleep 1", "advance one"]


def test_what_is_not_due_before_the_end_is_not_waited_for(scripted: Script) -> None:
    for due in (601, None):
        host = scripted({"one": [(State.REQUESTING, due)]})
        assert run_until_settled(host, "one").state is State.REQUESTING
        assert host.done == ["advance one"]


def test_a_message_is_waited_for_by_long_polls_until_the_end(scripted: Script) -> None:
    host = scripted({"one": [(State.AWAITING, 3600)] * 4}, more=[True, False])
    assert run_until_settled(host, "one", timedelta(seconds=30)).state is State.AWAITING
    assert host.done == [
        "advance one",
        "drain queue of one 20",
        "drain queue of one 1",
        "advance one",
        "drain queue of one 20",
        "advance one",
        "drain queue of one 9",
        "advance one",
    ]


def test_what_fails_is_raised_and_the_next_try_is_the_caller_s(scripted: Script) -> None:
    for advances, more, kind in (
        ([StoreFailed()], (), StoreFailed),
        ([(State.AWAITING, None)], [QueueFailed()], QueueFailed),
    ):
        with pytest.raises(kind):
            run_until_settled(scripted({"one": advances}, more), "one")


def test_a_visit_goes_once_around_where_nothing_is_under_way(scripted: Script) -> None:
    host = scripted({"one": [(State.SETTLED, 5)], "two": [(State.REQUESTING, 3600)]})
    visited = visit(host)
    assert {name: status.state for name, status in visited.statuses.items()} == {
        "one": State.SETTLED,
        "two": State.REQUESTING,
    }
    assert (visited.findings, visited.failures) == ({"queue of one": (), "queue of two": ()}, {})
    assert host.done == [
        "check queue of one",
        "check queue of two",
        "drain queue of one 1",
        "drain queue of two 1",
        "advance one",
        "advance two",
    ]


def test_a_visit_waits_at_the_queue_whose_message_is_expected(scripted: Script) -> None:
    host = scripted({"one": [(State.SETTLED, None)] * 2, "two": [(State.AWAITING, 3600), (State.SETTLED, None)]})
    assert visit(host).statuses["two"].state is State.SETTLED
    assert host.done[6:] == ["drain queue of one 1", "drain queue of two 20", "advance one", "advance two"]


def test_a_failure_does_not_keep_the_others_from_their_turn(scripted: Script) -> None:
    host = scripted({"one": [StoreFailed("away")], "two": [(State.SETTLED, None)]}, more=[QueueFailed("away")])
    visited = visit(host)
    assert {name: type(error) for name, error in visited.failures.items()} == {"queue of one": QueueFailed, "one": StoreFailed}
    assert visited.statuses.keys() == {"two"} and "drain queue of two 1" in host.done


def test_a_queue_that_fails_is_not_asked_without_a_pause(scripted: Script) -> None:
    host = scripted({"one": [(State.AWAITING, 3600)] * 9}, more=[QueueFailed("away")] * 9)
    assert visit(host).failures.keys() == {"queue of one"}
    assert [step for step in host.done if "sleep" in step] == ["sleep 20"] * 3


def test_a_whole_rotation_takes_one_call(emulate: Callable[..., Emulator]) -> None:
    emulator = emulate()
    application = Application(
        emulator.client_id,
        api_endpoint=emulator.settings["api_endpoint"],
        token_endpoint=emulator.settings["token_endpoint"],
    )
    host = Rotator(applications=[application], store=MemoryStore(), queue=SqsQueue({"main": emulator.settings["queue_url"]}))
    host.enroll(emulator.client_id, Secret(emulator.client_secret))
    assert run_until_settled(host, emulator.client_id).verified
    host.request(emulator.client_id)
    visited = visit(host)
    status = visited.statuses[emulator.client_id]
    assert (status.state, status.generation, visited.failures) == (State.SETTLED, 2, {})
    assert emulator.calls("rotate") == 1
