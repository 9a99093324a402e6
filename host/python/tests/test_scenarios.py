"""Runs `tests/scenarios`, which every host runs; see the README there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

import pytest

from lwa_rotate import errors, events, protocols, rotator, types
from lwa_rotate.secret import Secret
from lwa_rotate.values import EPOCH, MILLISECOND, kebab

FOLDER = Path(__file__).parents[3] / "tests" / "scenarios"
FILES = {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
BY_LIST = [name for name, file in FILES.items() if "world" not in file]
STOPPED = [name for name, file in FILES.items() if "world" in file]
WITHOUT_TEXT = {"conflict", "stale-receipt", "unknown-target", "too-large", "unknown-application", "not-enrolled", "busy"}


class Differs(BaseException):
    """What the component did is not what the scenario says. No `Exception`, so that no host takes it for a failed import."""


class Killed(BaseException):
    """The host dies here."""


def members(value: dict[str, Any], needed: str, optional: str = "") -> None:
    """Fails where a value has other members than these."""
    missing = set(needed.split()) - value.keys()
    unknown = value.keys() - set(needed.split()) - set(optional.split())
    if missing or unknown:
        raise Differs(f"members are missing: {sorted(missing)}, or unknown: {sorted(unknown)}")


def misfit(expected: Any, actual: Any, whole: bool) -> str | None:
    """Why what happened does not fit what the file says; `None` if it does. See "When a value fits" in the README."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in expected if not whole else {**expected, **actual}:
            if why := misfit(expected.get(name), actual.get(name), whole):
                return f".{name}{why}"
        return None
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        found = [misfit(*pair, whole) for pair in zip(expected, actual, strict=True)]
        return next((f"[{at}]{why}" for at, why in enumerate(found) if why), None)
    if isinstance(expected, str) and isinstance(actual, dict) and not whole and [*actual] == [expected]:
        return None
    # `True` is no number here.
    if type(expected) is type(actual) and expected == actual:
        return None
    return f": {actual!r} in place of {expected!r}"


def check(file: dict[str, Any]) -> None:
    """Fails on a member that the README does not have: what it says would be left out."""
    stopped = "world" in file
    optional = "whole inspection records" if stopped else "whole inspection records records-after"
    members(file, "what rules applications random steps" + (" world ends" if stopped else ""), optional)
    if not file["rules"] or file.get("whole", True) is not True:
        raise Differs("rules are missing, or whole is not true")
    for step in file["steps"]:
        members(step, "at call with" if stopped else "at call with imports returns", "what")
        for listed in step.get("imports", []):
            members(listed, next(name for name in listed if "." in name), "answer kept meanwhile takes")
            if "meanwhile" in listed:
                members(listed["meanwhile"], "client-id document")
    if stopped:
        members(file["world"], "http", "messages")
        for known in file["world"]["http"]:
            members(known, "request holds answer", "brings")
        brought = [known["brings"] for known in file["world"]["http"] if "brings" in known]
        for message in [*file["world"].get("messages", []), *brought]:
            members(message, "id body")
        for end in file["ends"]:
            members(end, "stopped-after rotate-calls targets messages status")


def shown(value: Any) -> Any:
    """A value in the form of the scenarios."""
    match value:
        case Secret():
            try:
                return value.expose_str()
            except UnicodeDecodeError:
                return {"hex": value.expose().hex()}
        case Enum():
            return value.value
        case datetime():
            return (value - EPOCH) // MILLISECOND
        case timedelta():
            return value // timedelta(seconds=1)
        case tuple():
            return [shown(item) for item in value]
        case types.Header():
            return [value.name, shown(value.value)]
        case types.Absent():
            return "none"
        case types.Delete():
            return "delete"
        case types.HideUntil():
            return {"hide-until": shown(value.at)}
        case types.Leave():
            return {"leave": shown(value.left)}
        case types.Left():
            return value.why.value if value.text is None else {value.why.value: value.text}
        case events.Event():
            what = value.what.value if value.detail is None else {value.what.value: shown(value.detail)}
            client_id = {} if value.client_id is None else {"client-id": value.client_id}
            return client_id | {"at": shown(value.at), "what": what}
        case BaseException():
            return failed(value)
    if is_dataclass(value):
        members = {kebab(field.name): getattr(value, field.name) for field in fields(value)}
        return {name: shown(member) for name, member in members.items() if member is not None}
    return value


def failed(error: Any) -> Any:
    if error.case in WITHOUT_TEXT:
        return error.case
    return {error.case: failed(error.__cause__) if isinstance(error.__cause__, errors.HostError) else str(error)}


def read(kind: Any, value: Any) -> Any:
    """A value of the scenarios as the annotation of its place wants it."""
    if value is None:
        return None
    if kind == types.Reading:
        if isinstance(value, dict):
            members(value, "credential")
            return read(types.Held, value["credential"])
        return {"none": types.Absent(), "unreadable": types.Unreadable()}[value]
    if isinstance(kind, UnionType):
        arm = next(arm for arm in get_args(kind) if arm not in (NoneType, types.Gap))
        if types.Gap not in get_args(kind):
            return read(arm, value)
        members(value, "ok" if "ok" in value else "err")
        return read(arm, value["ok"]) if "ok" in value else types.Gap(*map(str, *value["err"].items()))  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        return tuple(read(get_args(kind)[0], item) for item in value)
    if get_origin(kind) is Mapping:
        return dict(value)
    if kind is Secret:
        return Secret(bytes.fromhex(value["hex"]) if isinstance(value, dict) else value)
    if kind is datetime:
        return EPOCH + value * MILLISECOND
    if kind is timedelta:
        return timedelta(seconds=value)
    if kind is types.Header:
        return types.Header(value[0], read(Secret, value[1]))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        members(value, "", " ".join(map(kebab, hints)))
        return kind(**{name: read(each, value.get(kebab(name))) for name, each in hints.items()})
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value


def answered(kind: Any, family: type[errors.HostError], answer: dict[str, Any]) -> Any:
    """The result of an import."""
    members(answer, "ok" if "ok" in answer else "err")
    if "ok" in answer:
        return read(kind, answer["ok"])
    case, text = next(iter(answer["err"].items())) if isinstance(answer["err"], dict) else (answer["err"], "")
    raise family.of(case)(text)


class Store:
    """A map with compare-and-swap: a record's first revision is 1, each save adds one."""

    def __init__(self, records: dict[str, Any]) -> None:
        self.records = {client_id: (1, read(Secret, document)) for client_id, document in records.items()}

    def load(self, client_id: str) -> types.Entry | None:
        revision, document = self.records.get(client_id, (0, Secret("")))
        return types.Entry(str(revision), document) if revision else None

    def save(self, client_id: str, document: Secret, expected: str | None) -> str:
        revision, _ = self.records.get(client_id, (0, None))
        if (str(revision) if revision else None) != expected:
            raise errors.StoreConflict
        self.records[client_id] = (revision + 1, document)
        return str(revision + 1)

    def remove(self, client_id: str, expected: str) -> None:
        if (entry := self.load(client_id)) is None or entry.revision != expected:
            raise errors.StoreConflict
        del self.records[client_id]

    def shown(self) -> dict[str, Any]:
        return {client_id: shown(document) for client_id, (_, document) in self.records.items()}


class Imports:
    """The imports of one host: each is handed to `reached` by its name, with its arguments."""

    FAMILIES: ClassVar[dict[str, type[errors.HostError]]] = {
        "http": errors.HttpError,
        "queue": errors.QueueError,
        "store": errors.StoreError,
        "publish": errors.PublishError,
        "observe": errors.HostError,
    }

    def __init__(self, reached: Callable[..., Any]) -> None:
        for interface in self.FAMILIES:
            protocol = getattr(protocols, interface.capitalize())
            for name in (name for name in vars(protocol) if not name.startswith("_")):
                setattr(self, name, partial(self._reach, reached, interface, name, getattr(protocol, name)))

    def _reach(self, reached: Callable[..., Any], interface: str, name: str, function: Any, *arguments: Any) -> Any:
        hints = get_type_hints(function)
        kind = hints.pop("return")
        return reached(interface, name, kind, dict(zip(hints, arguments, strict=True)))


def call(file: dict[str, Any], step: dict[str, Any], now: Callable[[], int], reached: Callable[..., Any]) -> Any:
    """Makes a step's call on a fresh host."""
    imports: Any = Imports(reached)
    host = rotator.Rotator(
        applications=read(tuple[types.Application, ...], file["applications"]),
        store=imports,
        queue=imports,
        publish=imports,
        observe=imports,
        http=imports,
        now=lambda: EPOCH + now() * MILLISECOND,
        random=lambda: int(file["random"]),
    )
    function = getattr(host, step["call"].replace("-", "_"))
    hints = get_type_hints(function)
    arguments = {name.replace("-", "_"): value for name, value in step["with"].items()}
    members(arguments, "", " ".join(hints.keys() - {"return"}))
    arguments = {name: read(hints[name], value) for name, value in arguments.items()}
    try:
        result = function(**arguments)
    except errors.RotationError as error:
        return {"err": failed(error)}
    return shown(result) if step["call"] in ("deliver", "check-queue") else {"ok": shown(result)}


class Listed:
    """Answers the imports of a step that the scenario lists, in their order, and no other."""

    def __init__(self, file: dict[str, Any], store: Store, step: dict[str, Any]) -> None:
        self.file, self.store, self.now, self.left = file, store, step["at"], list(step["imports"])

    def reached(self, interface: str, function: str, kind: Any, arguments: dict[str, Any]) -> Any:
        full = f"{interface}.{function}"
        given: Any = {kebab(key): shown(value) for key, value in arguments.items() if value is not None}
        given = next(iter(given.values())) if interface in ("http", "observe") else given
        expected = self.left.pop(0) if self.left else {}
        if full not in expected:
            raise Differs(f"{full} {given} in place of {expected}")
        if why := misfit(expected[full], given, self.file.get("whole", False)):
            raise Differs(f"{full}{why}")
        self.now += expected.get("takes", 0)
        if meanwhile := expected.get("meanwhile"):
            revision, _ = self.store.records.get(meanwhile["client-id"], (0, None))
            self.store.records[meanwhile["client-id"]] = (revision + 1, read(Secret, meanwhile["document"]))
        if interface == "store" and ("answer" not in expected or expected.get("kept")):
            result = getattr(self.store, function)(*arguments.values())
            if "answer" not in expected:
                return result
        if full == "queue.inspect":
            return read(kind, expected.get("answer", self.file.get("inspection")))
        if "answer" not in expected and full in ("http.send", "queue.receive", "publish.read"):
            raise Differs(f"{full} has no answer")
        return answered(kind, Imports.FAMILIES[interface], expected.get("answer", {"ok": None}))


@pytest.mark.parametrize("name", BY_LIST)
def test_the_component_asks_for_what_the_scenario_lists_and_nothing_else(name: str) -> None:
    file = FILES[name]
    check(file)
    store = Store(file.get("records", {}))
    for step in file["steps"]:
        listed = Listed(file, store, step)

        returned = call(file, step, lambda listed=listed: listed.now, listed.reached)

        assert not listed.left, "nothing is left that it should have asked for"
        assert misfit(step["returns"], returned, file.get("whole", False)) is None
    assert store.shown() == file.get("records-after", store.shown())


class World:
    """What outlives a host."""

    def __init__(self, file: dict[str, Any], stop_after: int) -> None:
        self.file, self.stop_after = file, stop_after
        self.kept = Store(file.get("records", {}))
        self.messages = [{"count": 0, "hidden": 0} | message for message in file["world"].get("messages", [])]
        self.targets: dict[str, types.Held] = {}
        self.effects = self.rotate_calls = self.now = 0

    def reached(self, interface: str, function: str, kind: Any, arguments: dict[str, Any]) -> Any:
        if interface == "observe":
            return None
        try:
            return getattr(self, interface)(function, kind, *arguments.values())
        finally:
            self.effects += 1
            if self.effects == self.stop_after:
                raise Killed

    def http(self, _: str, kind: Any, request: types.Request) -> Any:
        self.rotate_calls += request.url.endswith("/applications/2023-11-30/clientSecret")
        secret = [shown(request.body), *(shown(header.value) for header in request.headers)]
        for known in self.file["world"]["http"]:
            if known["request"] == f"{request.method.value} {request.url}" and any(known["holds"] in each for each in secret):
                if "brings" in known:
                    self.messages.append({"count": 0, "hidden": 0} | known["brings"])
                return answered(kind, errors.HttpError, known["answer"])
        raise Differs(f"nothing answers {request.method.value} {request.url}")

    def queue(self, function: str, kind: Any, queue: str, *arguments: Any) -> Any:
        if function == "inspect":
            return read(kind, self.file["inspection"])
        if function == "receive":
            most, _wait, visibility = arguments
            visible = [message for message in self.messages if message["hidden"] <= self.now][:most]
            for message in visible:
                message["count"] += 1
                message["hidden"] = self.now + visibility * 1000
            return tuple(
                types.Message(each["id"], f"{each['id']}#{each['count']}", read(Secret, each["body"]), each["count"])
                for each in visible
            )
        named = arguments[0].split("#")[0]
        if function == "delete":
            self.messages = [message for message in self.messages if message["id"] != named]
        for message in self.messages:
            if message["id"] == named:
                message["hidden"] = self.now + arguments[1] * 1000
        return None

    def store(self, function: str, _: Any, *arguments: Any) -> Any:
        return getattr(self.kept, function)(*arguments)

    def publish(self, function: str, _: Any, target: str, given: Any) -> Any:
        if function == "read":
            return self.targets.get(target, types.Absent())
        self.targets[target] = types.Held(given.client_id, given.client_secret)
        return None

    def run(self) -> "World":
        for step in self.file["steps"]:
            self.now = step["at"]
            try:
                call(self.file, step, lambda: self.now, self.reached)
            except Killed:
                call(self.file, step, lambda: self.now, self.reached)
        return self

    def ends(self) -> dict[str, Any]:
        """What there is in the end. The effects of `status` no longer count."""
        self.stop_after = 0
        steps = {
            each["client-id"]: {"call": "status", "with": {"client-id": each["client-id"]}}
            for each in self.file["applications"]
        }
        return {
            "rotate-calls": self.rotate_calls,
            "targets": {name: shown(held.client_secret) for name, held in self.targets.items()},
            "messages": [message["id"] for message in self.messages],
            "status": {name: call(self.file, step, lambda: self.now, self.reached) for name, step in steps.items()},
        }


@pytest.mark.parametrize("name", STOPPED)
def test_a_host_may_be_stopped_after_every_effect_and_started_anew(name: str) -> None:
    file = FILES[name]
    check(file)
    ends = {number: end for end in file["ends"] for number in end["stopped-after"]}

    whole = World(file, 0).run()

    numbers = sorted(number for end in file["ends"] for number in end["stopped-after"])
    assert numbers == list(range(whole.effects + 1)), "every number of effects is in exactly one end"
    for number, end in ends.items():
        expected = {name: value for name, value in end.items() if name != "stopped-after"}
        why = misfit(expected, World(file, number).run().ends(), file.get("whole", False))
        assert why is None, f"stopped after {number}"


def test_a_value_fits_what_a_file_says_of_it() -> None:
    actual = {"state": "settled", "next": {"at": 1, "kind": "reading"}, "targets": [{"name": "env"}]}
    for fits in ({"state": "settled", "problem": None, "targets": [{}]}, {}, actual):
        assert misfit(fits, actual, False) is None
    for other in ({"state": "stalled"}, {"next": None}, {"problem": {}}, {"targets": []}, {"next": {"at": True}}):
        assert misfit(other, actual, False)
    assert misfit("not-allowed", {"not-allowed": "why"}, False) is None
    assert misfit("not-allowed", {"not-allowed": "why"}, True)
    assert misfit({"state": "settled"}, actual, True)
    assert misfit(actual, actual, True) is None


IN_STEPS = ["what", "at", "imports", "returns", "takes", "kept", "meanwhile"]


@pytest.mark.parametrize(
    "name", [*IN_STEPS, "whole", "inspection", "world", "brings", "holds", "stopped-after", "rotate-calls"]
)
def test_a_member_that_is_not_known_fails(name: str) -> None:
    texts = [text for text in map(json.dumps, FILES.values()) if f'"{name}": ' in text]
    assert texts
    for text in texts:
        check(json.loads(text))
        with pytest.raises(Differs, match=f"unknown.*'{name}s'"):
            check(json.loads(text.replace(f'"{name}": ', f'"{name}s": ', 1)))


def test_a_member_that_is_not_known_fails_in_a_record_and_in_an_answer_too() -> None:
    with pytest.raises(Differs, match="'patiences'"):
        read(types.Application, {"client-id": "a", "patiences": 1})
    with pytest.raises(Differs, match="'oks'"):
        answered(str, errors.StoreError, {"oks": "1"})


def test_every_scenario_is_run() -> None:
    assert BY_LIST and STOPPED
    assert sorted([*BY_LIST, *STOPPED]) == sorted({path.name for path in FOLDER.iterdir()} - {"README.md"})
