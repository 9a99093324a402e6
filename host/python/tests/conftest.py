"""The emulator of Amazon, as a program beside the tests."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = Path(os.environ.get("LWA_ROTATE_PROGRAM", ROOT / "target" / "debug" / "lwa-rotate"))
# Machine code of the component is kept here meanwhile, and not where the user keeps it.
os.environ["XDG_CACHE_HOME"] = str(ROOT / "target" / "python" / "cache")


class Emulator:
    """LWA, SP-API and SQS on loopback, with one application."""

    def __init__(self, *options: str) -> None:
        command = [PROGRAM, "emulator", "--json", "--listen", "127.0.0.1:0", "--notification-delay", "0s", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        self.settings: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.client_id: str = self.settings["apps"][0]["client_id"]
        self.client_secret: str = self.settings["apps"][0]["client_secret"]

    def tell(self, what: str, body: Any = None) -> Any:
        """Asks the emulator's own interface, or tells it something."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.settings["admin_url"] + what, data) as answer:
            return json.load(answer)

    def calls(self, operation: str) -> int:
        """How often it was called."""
        return sum(call["operation"] == operation for call in self.tell("calls")["calls"])


@pytest.fixture
def emulate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Emulator]]:
    """Starts emulators."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    running: list[Emulator] = []

    def start(*options: str) -> Emulator:
        running.append(Emulator(*options))
        return running[-1]

    yield start
    for emulator in running:
        emulator.process.terminate()
        emulator.process.wait()
