"""Runs `tests/scenarios`, which every host runs; see the README there."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

import pytest

from lwa_rotate import errors, events, protocols, rotator, types
from lwa_rotate.secret import Credential, Secret
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


def check(file: dict[str, Any]) -> None:
    """Fails on a member that the README does not have: nobody would look at what it says."""
    stopped = "world" in file
    members(file, "what rules applications random steps " + ("world ends" if stopped else "records-after"), "records")
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
            members(end, "stopped-after rotate-calls targets messages records-after")


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
    if isinstance(kind, UnionType):
        kind = next(arm for arm in get_args(kind) if arm is not NoneType)
    if get_origin(kind) is tuple:
        return tuple(read(get_args(kind)[0], item) for item in value)
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
    return kind(value) if issubclass(kind, Enum) else value


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
    function = getattr(host, step["call"])
    hints = get_type_hints(function)
    arguments = {name.replace("-", "_"): value for name, value in step["with"].items()}
    arguments = {name: read(hints[name], value) for name, value in arguments.items()}
    try:
        result = function(**arguments)
    except errors.RotationError as error:
        return {"err": failed(error)}
    return shown(result) if step["call"] == "deliver" else {"ok": shown(result)}


class Listed:
    """Answers the imports of a step that the scenario lists, in their order, and no other."""

    def __init__(self, store: Store, step: dict[str, Any]) -> None:
        self.store, self.now, self.left = store, step["at"], list(step["imports"])

    def reached(self, interface: str, function: str, kind: Any, arguments: dict[str, Any]) -> Any:
        full = f"{interface}.{function}"
        given: Any = {kebab(key): shown(value) for key, value in arguments.items() if value is not None}
        given = next(iter(given.values())) if interface in ("http", "observe") else given
        expected = self.left.pop(0) if self.left else {}
        if expected.get(full, Differs) != given:
            raise Differs(f"{full} {given} in place of {expected}")
        self.now += expected.get("takes", 0)
        if meanwhile := expected.get("meanwhile"):
            revision, _ = self.store.records.get(meanwhile["client-id"], (0, None))
            self.store.records[meanwhile["client-id"]] = (revision + 1, read(Secret, meanwhile["document"]))
        if interface == "store" and ("answer" not in expected or expected.get("kept")):
            result = getattr(self.store, function)(*arguments.values())
            if "answer" not in expected:
                return result
        return answered(kind, Imports.FAMILIES[interface], expected.get("answer", {"ok": None}))


@pytest.mark.parametrize("name", BY_LIST)
def test_the_component_asks_for_what_the_scenario_lists_and_nothing_else(name: str) -> None:
    file = FILES[name]
    check(file)
    store = Store(file.get("records", {}))
    for step in file["steps"]:
        listed = Listed(store, step)

        returned = call(file, step, lambda listed=listed: listed.now, listed.reached)

        assert not listed.left, "nothing is left that it should have asked for"
        assert returned == step["returns"]
    assert store.shown() == file["records-after"]


class World:
    """What outlives a host."""

    def __init__(self, file: dict[str, Any], stop_after: int) -> None:
        self.file, self.stop_after = file, stop_after
        self.kept = Store(file.get("records", {}))
        self.messages = [{"count": 0, "hidden": 0} | message for message in file["world"].get("messages", [])]
        self.targets: dict[str, Any] = {}
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
        raise Differs(f"nobody answers {request.method.value} {request.url}")

    def queue(self, function: str, _: Any, queue: str, *arguments: Any) -> Any:
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

    def publish(self, _: str, __: Any, target: str, credential: Credential) -> None:
        self.targets[target] = shown(credential.client_secret)

    def run(self) -> "World":
        for step in self.file["steps"]:
            self.now = step["at"]
            try:
                call(self.file, step, lambda: self.now, self.reached)
            except Killed:
                call(self.file, step, lambda: self.now, self.reached)
        return self

    def ends(self) -> dict[str, Any]:
        return {
            "rotate-calls": self.rotate_calls,
            "targets": self.targets,
            "messages": [message["id"] for message in self.messages],
            "records-after": self.kept.shown(),
        }


@pytest.mark.parametrize("name", STOPPED)
def test_a_host_may_be_stopped_after_every_effect_and_started_anew(name: str) -> None:
    file = FILES[name]
    check(file)
    ends = {number: end for end in file["ends"] for number in end["stopped-after"]}

    whole = World(file, 0).run()

    assert sorted(ends) == list(range(whole.effects + 1)), "every number of effects stands in exactly one end"
    for number, end in ends.items():
        expected = {name: value for name, value in end.items() if name != "stopped-after"}
        assert World(file, number).run().ends() == expected, f"stopped after {number}"


IN_STEPS = ["what", "at", "imports", "returns", "takes", "kept", "meanwhile"]


@pytest.mark.parametrize("name", [*IN_STEPS, "records-after", "world", "brings", "holds", "stopped-after", "rotate-calls"])
def test_a_member_that_nobody_knows_fails(name: str) -> None:
    texts = [text for text in map(json.dumps, FILES.values()) if f'"{name}": ' in text]
    assert texts
    for text in texts:
        check(json.loads(text))
        with pytest.raises(Differs, match=f"unknown.*'{name}s'"):
            check(json.loads(text.replace(f'"{name}": ', f'"{name}s": ', 1)))


def test_a_member_that_nobody_knows_fails_in_a_record_and_in_an_answer_too() -> None:
    with pytest.raises(Differs, match="'patiences'"):
        read(types.Application, {"client-id": "a", "patiences": 1})
    with pytest.raises(Differs, match="'oks'"):
        answered(str, errors.StoreError, {"oks": "1"})


def test_every_scenario_is_run() -> None:
    assert BY_LIST and STOPPED
    assert sorted([*BY_LIST, *STOPPED]) == sorted({path.name for path in FOLDER.iterdir()} - {"README.md"})
