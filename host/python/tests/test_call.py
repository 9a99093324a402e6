"""Calls within limits, failures of imports, and what a call may reach."""

import gc
import threading
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from wasmtime.component import Component

from lwa_rotate import Application, Credential, Limits, Message, Method, Response, Rotator, Secret, call, protocols
from lwa_rotate.errors import QueueFailed, Stopped, StoreFailed, StoreUnavailable
from lwa_rotate.testing import MemoryStore
from lwa_rotate.types import Entry, Leave, LeftBecause
from lwa_rotate.values import hints

ID = "amzn1.application-oa2-client.0123"
APPLICATION = Application(ID, "https://sellingpartnerapi-eu.amazon.com", targets=("one", "two"))

NOTIFICATION = """{"notificationVersion": "1.0", "notificationType": "APPLICATION_OAUTH_CLIENT_NEW_SECRET",
 "payloadVersion": "2023-11-30", "eventTime": "2026-01-19T22:00:00.000Z", "payload": {"applicationOAuthClientNewSecret":
 {"clientId": "%s", "newClientSecret": "amzn1.oa2-cs.v1.new", "newClientSecretExpiryTime": "2099-07-18T22:00:00.000Z",
 "oldClientSecretExpiryTime": "2099-01-26T22:00:00.000Z"}}, "notificationMetadata": {"applicationId": "a",
 "subscriptionId": "b", "publishTime": "2026-01-19T22:00:01.000Z", "notificationId": "c"}}"""


class Failing(MemoryStore):
    """Raises in place of loading."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def load(self, client_id: str) -> Entry | None:
        raise self.error


def guest(body: str) -> str:
    """A component whose `status` has this body; of another make than the real one, but with the name of its export."""
    return f"""
    (component
      (core module $m (memory (export "memory") 1) (func (export "status") {body}))
      (core instance $i (instantiate $m))
      (func $status (canon lift (core func $i "status")))
      (instance $rotation (export "status" (func $status)))
      (export "lwa:rotation/rotation@0.1.0" (instance $rotation)))"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs the `status` of such a guest."""

    def run(body: str, limits: Limits) -> Any:
        engine, _ = call.compiled()
        component = Component(engine, guest(body))
        monkeypatch.setattr(call, "compiled", lambda: (engine, component))
        return call.Call({}, limits, {}).run(type(None), "status")

    return run


def test_a_guest_that_computes_without_end_is_stopped(run: Callable[..., Any]) -> None:
    begun = monotonic()
    with pytest.raises(Stopped, match="fuel"):
        run("(loop $l br $l)", Limits())
    assert monotonic() - begun < 60


def test_a_guest_gets_no_more_memory_than_the_limit(run: Callable[..., Any]) -> None:
    # Traps at once if it gets 64 KiB more than there are, and else returns.
    asks = "(if (i32.ne (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))"
    run(asks, Limits(memory=1 << 20))
    with pytest.raises(Stopped, match="unreachable"):
        run(asks, Limits(memory=2 << 20))


def test_a_call_ends_at_its_limit() -> None:
    host = Rotator(applications=[APPLICATION], store=MemoryStore(), limits=Limits(call=timedelta(0)))
    with pytest.raises(Stopped, match="took longer"):
        host.status(ID)


def test_the_failure_of_a_store_reaches_the_caller_with_its_words() -> None:
    host = Rotator(applications=[APPLICATION], store=Failing(StoreUnavailable("the disk is away")))
    with pytest.raises(StoreFailed, match="the disk is away") as failed:
        host.status(ID)
    assert isinstance(failed.value.__cause__, StoreUnavailable)


def test_a_failure_nobody_knows_is_told_by_its_class_alone(caplog: pytest.LogCaptureFixture) -> None:
    host = Rotator(applications=[APPLICATION], store=Failing(ValueError("amzn1.oa2-cs.v1.secret")))
    with pytest.raises(StoreFailed, match="ValueError") as failed:
        host.status(ID)
    assert "load raised ValueError at" in caplog.text
    assert "oa2-cs" not in caplog.text + str(failed.value) + repr(failed.value.__cause__)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_an_interrupt_in_an_import_ends_the_call_and_the_next_one_works(error: BaseException) -> None:
    store = Failing(error)
    host = Rotator(applications=[APPLICATION], store=store)
    with pytest.raises(type(error)):
        host.status(ID)
    store.error = StoreUnavailable("x")
    with pytest.raises(StoreFailed):
        host.status(ID)


def test_an_observer_that_raises_loses_its_event_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    class Raising:
        def emit(self, event: Any) -> None:
            raise ValueError("amzn1.oa2-cs.v1.secret")

    host = Rotator(applications=[APPLICATION], store=MemoryStore(), observe=Raising())
    assert not host.enroll(ID, Secret("amzn1.oa2-cs.v1.secret")).proven
    assert "emit raised ValueError" in caplog.text and "oa2-cs" not in caplog.text


class Accepting:
    """An Amazon that accepts every secret."""

    def send(self, request: Any) -> Response:
        text = '{"access_token": "Atc|1"}' if request.method is Method.POST else '{"payload": []}'
        return Response(200, (), Secret(text))


def test_a_target_that_raises_does_not_stop_the_others() -> None:
    reached = []

    class Raising:
        def put(self, target: str, credential: Credential) -> None:
            reached.append(target)
            raise ValueError

    host = Rotator(applications=[APPLICATION], store=MemoryStore(), publish=Raising(), http=Accepting())
    host.enroll(ID, Secret("amzn1.oa2-cs.v1.secret"))
    status = host.advance(ID)
    assert reached == ["one", "two"]
    assert [target.failure for target in status.targets] == ["the host's put raised ValueError"] * 2


async def coroutine(*_: Any) -> None: ...


def generator(*_: Any) -> Any:
    yield


@pytest.mark.parametrize("loose", [coroutine, generator, lambda *_: True])
@pytest.mark.parametrize("name", ["Publish.put", "Observe.emit"])
@pytest.mark.filterwarnings("ignore:coroutine")
def test_a_callback_that_returns_what_nobody_reads_is_named(name: str, loose: Any) -> None:
    host = Rotator(applications=[APPLICATION], store=MemoryStore(), http=Accepting())
    host.enroll(ID, Secret("amzn1.oa2-cs.v1.secret"))
    by = {name.partition(".")[0].lower(): SimpleNamespace(**{name.partition(".")[2]: loose})}
    loosely = Rotator(applications=[APPLICATION], store=host._by[protocols.Store], http=Accepting(), **by)
    with pytest.raises(Stopped, match=f"{name} returned .* plain function") as stopped:
        loosely.advance(ID)
    assert_no_frame_holds_a_secret(stopped.value)


@pytest.mark.parametrize("loose", [coroutine, generator, lambda *_: 7])
@pytest.mark.filterwarnings("ignore:coroutine")
def test_a_callback_that_returns_something_else_is_named(loose: Any) -> None:
    for name, ask in (("load", lambda host: host.status(ID)), ("save", lambda host: host.enroll(ID, Secret("secret")))):
        store: Any = MemoryStore()
        setattr(store, name, loose)
        with pytest.raises(Stopped, match=f"what Store.{name} returned") as stopped:
            ask(Rotator(applications=[APPLICATION], store=store))
        assert_no_frame_holds_a_secret(stopped.value)


def test_without_a_queue_draining_fails_and_delivering_works() -> None:
    host = Rotator(applications=[APPLICATION], store=MemoryStore())
    with pytest.raises(QueueFailed, match="no queue 'main'"):
        host.drain("main")
    delivery = host.deliver(Message("1", "r", Secret(NOTIFICATION % ID)))
    assert isinstance(delivery.answer, Leave) and delivery.answer.left.why is LeftBecause.NOT_ENROLLED
    delivery = host.deliver(Message("1", "r", Secret("{}")))
    assert isinstance(delivery.answer, Leave) and delivery.answer.left.why is LeftBecause.UNREADABLE
    assert delivery.answer.left.text


def test_a_failing_store_leaves_a_message_where_it_is() -> None:
    host = Rotator(applications=[APPLICATION], store=Failing(StoreUnavailable("the disk is away")))
    delivery = host.deliver(Message("1", "r", Secret(NOTIFICATION % ID)))
    assert isinstance(delivery.answer, Leave) and delivery.answer.left.why is LeftBecause.NOT_KEPT
    assert "the disk is away" in (delivery.answer.left.text or "")


@pytest.mark.parametrize(
    "asked",
    [
        {"queue": "other", "receipt_handle": "receipt"},
        {"client_id": "other"},
        {"target": "three", "credential": Credential(ID, Secret(""), None)},
        {"target": "one", "credential": Credential("other", Secret(""), None)},
    ],
)
def test_a_call_reaches_nothing_that_it_is_not_about(asked: dict[str, Any]) -> None:
    settings = {protocols.Settings: SimpleNamespace(find={ID: APPLICATION}.get)}
    for about in ({"queue": None, "client_id": ID}, {"queue": "main", "client_id": ID}):
        with pytest.raises(Stopped, match="not about"):
            call.Call(settings, Limits(), about)._check(asked)


def test_what_a_call_is_about_has_these_names_in_every_import() -> None:
    named = {
        (protocol.__name__, next(iter(hints(function))))
        for protocol in (protocols.Settings, protocols.Store, protocols.Queue, protocols.Publish)
        for name, function in vars(protocol).items()
        if not name.startswith("_")
    }
    assert named == {("Settings", "client_id"), ("Store", "client_id"), ("Queue", "queue"), ("Publish", "target")}


def test_settings_that_cannot_work_are_refused_at_once() -> None:
    for applications in (
        [APPLICATION, APPLICATION],
        [Application(ID, "http://sellingpartnerapi-eu.amazon.com")],
        [Application(ID, "sellingpartnerapi-eu.amazon.com")],
        [Application(ID, "https://user@sellingpartnerapi-eu.amazon.com")],
    ):
        with pytest.raises(ValueError):
            Rotator(applications=applications, store=MemoryStore())


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotate_before": 2_592_000},
        {"rotate_before": "30d"},
        {"rotate_before": timedelta(0)},
        {"rotate_before": timedelta(days=173, seconds=1)},
        {"patience": timedelta(days=7)},
        {"patience": timedelta(milliseconds=1500)},
        {"patience": None},
        {"targets": "env"},
        {"targets": [1]},
    ],
)
def test_settings_of_another_kind_are_refused_where_they_are_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Application(ID, "https://sellingpartnerapi-eu.amazon.com", **wrong)


def test_targets_stay_as_they_were_given() -> None:
    given: Any = ["one"]
    application = Application(ID, "https://sellingpartnerapi-eu.amazon.com", targets=given)
    given.append("two")
    assert application.targets == ("one",)


@pytest.mark.parametrize("entry", [Entry(7, Secret("x")), Entry("1", "amzn1.oa2-cs.v1.secret"), "amzn1.oa2-cs.v1.secret"])  # type: ignore[arg-type]
def test_a_value_that_is_none_of_the_contract_stops_the_call_and_is_not_shown(entry: Any) -> None:
    class Answering(MemoryStore):
        def load(self, client_id: str) -> Entry | None:
            return entry

    with pytest.raises(Stopped) as stopped:
        Rotator(applications=[APPLICATION], store=Answering()).status(ID)
    assert "oa2-cs" not in str(stopped.value)
    with pytest.raises(Stopped):
        Rotator(applications=[APPLICATION], store=MemoryStore()).enroll(ID, 7)  # type: ignore[arg-type]


def assert_no_frame_holds_a_secret(error: BaseException) -> None:
    seen = 0
    assert error.__context__ is None
    at = error.__traceback__
    while at is not None:
        if "lwa_rotate" in at.tb_frame.f_code.co_filename:
            seen += 1
            assert "oa2-cs" not in repr(at.tb_frame.f_locals)
        at = at.tb_next
    assert seen


def test_no_frame_that_escapes_holds_a_secret() -> None:
    class Interrupted(MemoryStore):
        def save(self, client_id: str, document: Secret, expected: str | None) -> str:
            raise KeyboardInterrupt

    secret = Secret("amzn1.oa2-cs.v1.secret")
    for store, limits in ((Interrupted(), Limits()), (MemoryStore(), Limits(call=timedelta(0)))):
        with pytest.raises((KeyboardInterrupt, Stopped)) as escaped:
            Rotator(applications=[APPLICATION], store=store, limits=limits).enroll(ID, secret)
        assert_no_frame_holds_a_secret(escaped.value)


def test_calls_leave_nothing_behind() -> None:
    def kept() -> int:
        gc.collect()
        return sum(isinstance(each, call.Call) for each in gc.get_objects())

    host = Rotator(applications=[APPLICATION], store=MemoryStore())
    host.enroll(ID, Secret("amzn1.oa2-cs.v1.secret"))
    before, threads = kept(), threading.active_count()
    for _ in range(20):
        host.status(ID)
    assert kept() == before
    assert threading.active_count() == threads
