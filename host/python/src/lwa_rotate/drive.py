"""Waiting, which the component leaves to its host: until one application is settled, or until all that is due is done."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from math import inf
from time import monotonic, sleep

from .errors import RotationError
from .rotator import Rotator
from .types import QueueFinding, State, Status, record

# States in which nothing is going on by itself, and in which a message is expected.
AT_REST, EXPECTING = (State.SETTLED, State.STALLED), (State.AWAITING, State.VERIFYING)
# The longest wait of a receive that SQS allows; seconds.
LONGEST_POLL = 20


@record
class Visit:
    """What a visit found and did."""

    statuses: Mapping[str, Status]
    """Where each application is in the end, by client id."""
    findings: Mapping[str, tuple[QueueFinding, ...]]
    """How each queue that an application names was judged."""
    failures: Mapping[str, RotationError]
    """What kept an application or a queue from a turn, by client id or name of the queue. Nothing is lost by it."""


def run_until_settled(rotator: Rotator, client_id: str, timeout: timedelta = timedelta(minutes=10)) -> Status:
    """Takes one application as far as it goes within the timeout, waiting for messages and deadlines, and returns its status.

    It returns early when the application is settled or stalled, and when there is nothing to do before the timeout is over.
    It raises what `advance` and `drain` raise; call again then."""
    ends = monotonic() + timeout.total_seconds()
    while True:
        status = rotator.advance(client_id)
        seconds = pause(rotator, [status], ends)
        if seconds is None:
            return status
        if status.state in EXPECTING:
            drain(rotator, rotator.applications[client_id].queue, seconds, ends)
        else:
            sleep(seconds)


def visit(rotator: Rotator, timeout: timedelta = timedelta(minutes=1)) -> Visit:
    """Does all that is due for all applications, in one go: what cron, a timer or a Lambda function calls every few minutes.

    It judges each queue, takes in its messages, and advances each application. Where something is under way after that, it
    goes on until the timeout is over. What fails for one application or queue does not keep the others from their turn."""
    ends = monotonic() + timeout.total_seconds()
    queues = sorted({application.queue for application in rotator.applications.values()})
    statuses, findings, failures = dict[str, Status](), dict[str, tuple[QueueFinding, ...]](), dict[str, RotationError]()
    for queue in queues:
        try:
            findings[queue] = rotator.check_queue(queue)
        except RotationError as error:
            failures[queue] = error
    seconds: float | None = 1
    while seconds is not None:
        for queue in queues:
            expected = any(
                rotator.applications[name].queue == queue and status.state in EXPECTING for name, status in statuses.items()
            )
            try:
                drain(rotator, queue, seconds if expected else 1, ends)
            except RotationError as error:
                failures[queue] = error
        for client_id in rotator.applications:
            try:
                statuses[client_id] = rotator.advance(client_id)
            except RotationError as error:
                failures[client_id] = error
        seconds = pause(rotator, statuses.values(), ends)
        waiting = {rotator.applications[name].queue for name, status in statuses.items() if status.state in EXPECTING}
        if seconds is not None and not waiting - failures.keys():
            sleep(min(seconds, LONGEST_POLL) if waiting else seconds)
    return Visit(statuses, findings, failures)


def pause(rotator: Rotator, statuses: Iterable[Status], ends: float) -> float | None:
    """How many seconds there are until something is to be done; `None` if that is not before the end, or if all are at
    rest."""
    left, under_way = ends - monotonic(), [status for status in statuses if status.state not in AT_REST]
    due = min(((status.next.at - rotator.now()).total_seconds() for status in under_way if status.next), default=inf)
    if left <= 0 or (not any(status.state in EXPECTING for status in under_way) and due > left):
        return None
    return min(max(1.0, due), left)


def drain(rotator: Rotator, queue: str, seconds: float, ends: float) -> None:
    """Takes in messages, waiting so long for the first, until there are no more."""
    more = True
    while more:
        more = rotator.drain(queue, wait=round(min(max(1, seconds), LONGEST_POLL))).more and monotonic() < ends
        seconds = 1
