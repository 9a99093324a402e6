"""What happens to the process in the middle of a call: interrupts, forks, greenlets; and ten thousand calls."""

import gc
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from test_call import APPLICATION, ID
from wasmtime.component import Component

from lwa_rotate import FileStore, Rotator, Secret, SqsQueue, call, machine
from lwa_rotate.errors import NotSent, Stopped, StoreUnavailable
from lwa_rotate.http import HttpClient
from lwa_rotate.testing import MemoryStore
from lwa_rotate.types import Entry, Method, Request


class Quiet:
    """Logs nothing: `logging` keeps what is raised in the middle of it."""

    def emit(self, event: Any) -> None: ...


def enrolled(store: Any) -> Rotator:
    host = Rotator(applications=[APPLICATION], store=store, observe=Quiet())
    host.enroll(ID, Secret("amzn1.oa2-cs.v1.secret"))
    return host


class Alarm(Exception):
    """What a program's own handler raises."""


@contextmanager
def alarms(kind: type[BaseException]) -> Iterator[None]:
    """An alarm raises this meanwhile."""

    def ring(*_: object) -> None:
        raise kind("the bell")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def calling(host: Rotator) -> Iterator[None]:
    """Another thread calls all the time."""
    enough = threading.Event()

    def call_on() -> None:
        while not enough.is_set():
            host.status(ID)

    thread = threading.Thread(target=call_on)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def child_ends(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_a_child(what: Any, *arguments: Any) -> int:
    """The exit code of a child that does it: 0 when it is done."""
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(60)
            what(*arguments)
            code = 0
        finally:
            os._exit(code)
    return child_ends(child)


@pytest.mark.parametrize(
    ("kind", "count", "beside"), [(KeyboardInterrupt, 600, False), (Alarm, 300, False), (Alarm, 100, True)]
)
def test_an_interrupt_at_any_instant_comes_out_as_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException], count: int, beside: bool
) -> None:
    lost: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)
    host, chance = enrolled(FileStore(tmp_path)), random.Random(7)
    begun = time.monotonic()
    for _ in range(10):
        host.status(ID)
    one = (time.monotonic() - begun) / 10

    def until_interrupted() -> type | None:
        try:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 2 * one))
            for _ in range(10_000):
                host.status(ID)
        except BaseException as error:
            return type(error)
        return None

    with alarms(kind):
        if beside:
            with calling(host):
                ended = {until_interrupted() for _ in range(count)}
        else:
            ended = {until_interrupted() for _ in range(count)}
    assert (ended, lost) == ({kind}, [])
    host.status(ID)


def test_an_interrupt_ends_an_import_that_waits_and_nothing_more_is_asked() -> None:
    class Waiting(MemoryStore):
        asked = 0

        def load(self, client_id: str) -> Entry | None:
            self.asked += 1
            os.kill(os.getpid(), signal.SIGALRM)
            threading.Event().wait(60)
            raise AssertionError("it was not interrupted")

        def save(self, *_: Any) -> str:
            raise AssertionError("it went on")

    store = Waiting()
    host = Rotator(applications=[APPLICATION], store=store)
    with alarms(KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        host.enroll(ID, Secret("amzn1.oa2-cs.v1.secret"))
    assert store.asked == 1


@pytest.mark.parametrize("kind", [Alarm, TimeoutError, RuntimeError])
def test_what_a_handler_raises_is_not_taken_for_a_failure_of_the_import(kind: type[Exception]) -> None:
    class Translating(MemoryStore):
        def load(self, client_id: str) -> Entry | None:
            try:
                signal.raise_signal(signal.SIGALRM)
            except Exception as error:
                raise StoreUnavailable(f"cannot read: {error}") from None
            return None

    host = Rotator(applications=[APPLICATION], store=Translating())
    with alarms(kind), pytest.raises(kind, match="the bell"):
        host.status(ID)


def test_a_child_of_a_fork_at_any_instant_can_call() -> None:
    host, chance = enrolled(MemoryStore()), random.Random(7)

    def child_calls() -> None:
        # A thread of the child that happens to have the number of one that is gone would get through.
        assert call.TURN.acquire(blocking=False), "the turn is free"
        call.TURN.release()
        host.status(ID)

    with calling(host):
        for _ in range(100):
            time.sleep(chance.uniform(0, 0.01))
            assert in_a_child(child_calls) == 0


def test_a_child_of_a_fork_during_the_first_call_can_call(monkeypatch: pytest.MonkeyPatch) -> None:
    host, compiling = enrolled(MemoryStore()), threading.Event()

    class Compiling(Component):
        def __init__(self, *given: Any) -> None:
            compiling.set()
            super().__init__(*given)

    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    monkeypatch.setattr(machine, "Component", Compiling)
    machine.compiled.cache_clear()
    first = threading.Thread(target=host.status, args=(ID,))
    first.start()
    compiling.wait()
    assert in_a_child(host.status, ID) == 0
    first.join()


def test_a_child_of_a_fork_in_the_middle_of_a_call_leaves_that_call() -> None:
    class Forking(MemoryStore):
        child: int | None = None

        def load(self, client_id: str) -> Entry | None:
            if self.child is None:
                self.child = os.fork()
                signal.alarm(0 if self.child else 60)
            return super().load(client_id)

    store = Forking()
    store.child = 0
    host = enrolled(store)
    store.child = None
    code = 1
    try:
        host.status(ID)
        code = 2
        if store.child:
            code = child_ends(store.child)
    except Stopped as stopped:
        code = 0 if "fork" in str(stopped) else 3
    finally:
        if store.child == 0:
            os._exit(code)
    assert code == 0


def test_a_child_of_a_fork_has_connections_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    by: list[int] = []

    class Empty(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            by.append(self.client_address[1])
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
        try:
            queue = SqsQueue({"main": f"http://127.0.0.1:{server.server_port}/1/q"})
            queue.receive("main", 1, 0, 30)
            assert in_a_child(queue.receive, "main", 1, 0, 30) == 0
            queue.receive("main", 1, 0, 30)
        finally:
            server.shutdown()
    parent, child, again = by
    assert parent == again != child


GREENLETS = """
import sys
patch = "import gevent.monkey; gevent.monkey.patch_all()"
if sys.argv[1] == "first":
    exec(patch)
import lwa_rotate.testing
if sys.argv[1] == "last":
    exec(patch)
import gevent

class Store(lwa_rotate.testing.MemoryStore):
    def load(self, client_id):
        gevent.sleep(0.001)
        return super().load(client_id)

names = [f"application-{number}" for number in range(10)]
at = "http://127.0.0.1:1"
applications = [lwa_rotate.Application(name, at, token_endpoint=at) for name in names]
host = lwa_rotate.Rotator(applications=applications, store=Store())

def work(name):
    host.enroll(name, lwa_rotate.Secret("amzn1.oa2-cs.v1.secret"))
    for _ in range(5):
        host.status(name)
    return host.advance(name).problem.cause

jobs = [gevent.spawn(work, name) for name in names]
gevent.joinall(jobs, raise_error=True)
print({job.value.value for job in jobs})
"""


@pytest.mark.parametrize("patched", ["first", "last", "never"])
def test_greenlets_may_call_at_the_same_time(patched: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", GREENLETS, patched]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=120)
    assert ran.stdout.strip() == "{'not-connected'}"


def test_memory_descriptors_and_threads_stay_as_they_are() -> None:
    host = enrolled(MemoryStore())

    def used() -> tuple[int, int]:
        gc.collect()
        return len(os.listdir("/dev/fd")), threading.active_count()

    def calls(count: int) -> int:
        for _ in range(count):
            host.status(ID)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    most, before = calls(500), used()
    assert calls(1500) - most < 2 << 20
    assert used() == before


def test_where_no_thread_can_start_the_call_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("can't start new thread")

    host = enrolled(MemoryStore())
    monkeypatch.setattr(call.native, "start_new_thread", refuse)
    with pytest.raises(Stopped, match="can't start new thread"):
        host.status(ID)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    request = Request(Method.GET, "http://127.0.0.1:9/", (), Secret(""), timedelta(seconds=1), 1)
    with pytest.raises(NotSent, match="can't start new thread"):
        HttpClient(["http://127.0.0.1:9"]).send(request)
