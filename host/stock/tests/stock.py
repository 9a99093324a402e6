"""What the tests need: the emulator of Amazon, a folder with a configuration, and the runtime."""

import json
import os
import re
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[3]
STOCK = ROOT / "target" / "stock"
PROGRAM = Path(os.environ.get("LWA_ROTATE_PROGRAM", ROOT / "target" / "debug" / "lwa-rotate"))
COMPONENT = Path(os.environ.get("LWA_ROTATE_COMPONENT", STOCK / "component.wasm"))
WHOLE = STOCK / "lwa-rotate.wasm"
README = (ROOT / "host" / "stock" / "README.md").read_text()
ADAPTERS = STOCK / "wasm32-wasip2" / "release" / "lwa_rotate_stock_adapters.wasm"
# The pinned one, or another one that is to be tried.
WASMTIME = os.environ.get("LWA_ROTATE_WASMTIME") or next(STOCK.glob("tools/lib/python3*/site-packages/wasmtime_cli/wasmtime"))

# In the environment and not in an argument, where anybody could read them.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDSTOCK",
    "AWS_SECRET_ACCESS_KEY": "stock-secret-access-key",
    "AWS_SESSION_TOKEN": "stock-session-token",
}
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | CREDENTIALS
GIVEN = [part for name in CREDENTIALS for part in ("--env", name)]


def ask(url, data=None):
    """The status and the document of an answer."""
    try:
        with urllib.request.urlopen(url, data, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or "null")


class Stock(unittest.TestCase):
    """A folder with a configuration of one application, and everything that is printed."""

    client_id = "amzn1.application-oa2-client.stock"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.printed = ""

    def emulate(self, *options):
        """Starts Amazon, and writes the configuration."""
        command = [PROGRAM, "emulator", "--json", "--listen", "127.0.0.1:0", "--notification-delay", "0s", *options]
        command += ["--app", f"{self.client_id}=amzn1.oa2-cs.v1.stock-first"]
        emulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(emulator.stdout.close)
        self.addCleanup(emulator.wait)
        self.addCleanup(emulator.kill)
        self.amazon = json.loads(emulator.stdout.readline())
        self.configure(self.amazon["api_endpoint"], self.amazon["token_endpoint"], self.amazon["queue_url"])

    def configure(self, api, token, queue):
        """Writes the configuration."""
        (self.folder / "lwa-rotate.toml").write_text(f"""
            [store]
            path = "state"
            [queues.main]
            url = "{queue}"
            [apps.shop]
            client-id = "{self.client_id}"
            api-endpoint = "{api}"
            token-endpoint = "{token}"
            queue = "main"
            [[apps.shop.publish]]
            kind = "file"
            path = "shop.env"
            format = "env"
            [[apps.shop.publish]]
            kind = "file"
            path = "shop.json"
            format = "json"
        """)

    def tell(self, what, body=None):
        """Asks the emulator's own interface, or tells it something."""
        return ask(self.amazon["admin_url"] + what, None if body is None else json.dumps(body).encode())[1]

    def calls(self, operation):
        """How often it was called."""
        return sum(call["operation"] == operation for call in self.tell("calls")["calls"])

    def start(self, *arguments, file=WHOLE, options=("-S", "http"), **how):
        """Starts the runtime."""
        command = [WASMTIME, "run", *options, *GIVEN, "--dir", f"{self.folder}::/", file, *arguments]
        if file != WHOLE:
            command[-1:] = ["--invoke", arguments[0], file]
            del command[command.index(file) : -3]
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": ENVIRONMENT} | how
        return subprocess.Popen(command, umask=0o077, **how)

    def run_to_the_end(self, *arguments, given="", **how):
        """Runs it: the exit code, standard output and standard error."""
        process = self.start(*arguments, stdin=subprocess.PIPE, **how)
        try:
            out, err = process.communicate(given, timeout=120)
        finally:
            process.kill()
        self.printed += out + err
        return process.returncode, out, err

    def does(self, *arguments, given=""):
        """Runs it and expects it to succeed: what it answers."""
        code, out, err = self.run_to_the_end(*arguments, given=given)
        self.assertEqual(code, 0, out + err)
        return json.loads(out)

    def invoke(self, call):
        """Calls an adapter: its answer, as the runtime writes values."""
        _, out, err = self.run_to_the_end(call, file=ADAPTERS)
        self.assertTrue(out, err)
        return out.strip()

    def enroll(self, *more):
        """Hands over the first secret."""
        return self.does("enroll", "shop", *more, given="amzn1.oa2-cs.v1.stock-first\n")["status"]

    def published(self):
        """The secret in both files, which have to agree."""
        document = json.loads((self.folder / "shop.json").read_text())
        lines = dict(line.split("=", 1) for line in (self.folder / "shop.env").read_text().splitlines())
        self.assertEqual(
            lines,
            {
                "LWA_CLIENT_ID": document["client_id"],
                "LWA_CLIENT_SECRET": document["client_secret"],
                "LWA_CLIENT_SECRET_EXPIRES_AT": document["expires_at"] or "",
            },
        )
        return document["client_secret"]

    def expect_rotated(self, status, calls=1):
        """The new secret is current and published, the message is gone, and nothing that was printed holds a secret."""
        secret = self.published()
        self.assertEqual((status["state"], status["generation"], status["verified"]), ("settled", 2, True))
        self.assertNotEqual(secret, "amzn1.oa2-cs.v1.stock-first")
        self.assertTrue(all(target["holds_current"] for target in status["targets"]))
        self.assertEqual(self.calls("rotate"), calls)
        self.expect_silence()

    def expect_silence(self):
        """Rule 9."""
        secrets = [self.published(), "amzn1.oa2-cs.v1.stock-first", *CREDENTIALS.values()]
        self.assertTrue(self.printed)
        self.assertFalse([secret for secret in secrets if secret in self.printed])

    def expect_empty_queue(self):
        """No message is in the queue, not even a hidden one."""
        self.assertEqual(self.tell("state")["queues"]["lwa"], {"delayed": 0, "in_flight": 0, "visible": 0})

    def serve(self, *command, env=ENVIRONMENT):
        """Starts the runtime's HTTP server, by this command or the usual one: where it listens."""
        usual = [WASMTIME, "serve", "-S", "cli", *GIVEN, "--addr", "127.0.0.1:0", "--dir", f"{self.folder}::/", WHOLE]
        log = open(self.folder / "log", "w+")
        self.addCleanup(log.close)
        server = subprocess.Popen(command or usual, stdout=log, stderr=log, env=env, cwd=self.folder, umask=0o077)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        until = time.monotonic() + 60
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", self.log())):
            self.assertLess(time.monotonic(), until, self.log())
            self.assertIsNone(server.poll(), self.log())
            time.sleep(0.05)
        return found[0]

    def log(self):
        """What the server has written."""
        return (self.folder / "log").read_text()
