"""The README's configuration and commands, as they stand there."""

import json
import os
import re
import subprocess
import urllib.parse
from pathlib import Path
from datetime import UTC, datetime, timedelta

from stock import ENVIRONMENT, README, WASMTIME, WHOLE, Stock, ask


def block(language, start):
    """The block of this language that begins like that."""
    (found,) = re.findall(rf"^```{language}\n({re.escape(start)}.*?)^```", README, re.DOTALL | re.MULTILINE)
    return found


class Readme(Stock):
    def setUp(self):
        super().setUp()
        # What the commands find by name.
        (self.folder / "lwa-rotate.wasm").symlink_to(WHOLE)
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "wasmtime").symlink_to(Path(WASMTIME).resolve())
        self.env = ENVIRONMENT | {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}

    def here(self, commands):
        """These commands, in the test's folder."""
        self.assertIn("--dir /var/lib/lwa-rotate::/", commands)
        return commands.replace("/var/lib/lwa-rotate", str(self.folder))

    def test_the_configuration_is_accepted(self):
        self.assertEqual(README.count("```toml"), 1, "one that is read here")
        (self.folder / "lwa-rotate.toml").write_text(block("toml", "[store]"))

        (status,) = self.does("status")["apps"]

        self.assertEqual((status["app"], status["enrolled"]), ("shop", False))

    def test_the_commands_do_what_is_said_of_them(self):
        self.emulate()
        (self.folder / "secret").write_text("amzn1.oa2-cs.v1.stock-first\n")
        # The day that is named there comes.
        day = (datetime.now(UTC) + timedelta(days=100)).strftime("%Y-%m-%d")
        commands = re.sub(r"\d{4}-\d\d-\d\d", day, self.here(block("sh", "umask")))

        ran = subprocess.run(
            ["sh", "-c", commands], capture_output=True, text=True, env=self.env, cwd=self.folder, timeout=120
        )

        self.printed += ran.stdout + ran.stderr
        documents = [json.loads(line) for line in ran.stdout.splitlines()]
        self.assertEqual(len(documents), 5, self.printed)
        enrolled, rotated, advanced, looked, resumed = documents
        self.assertEqual(enrolled["status"]["expires_at"], f"{day}T00:00:00Z")
        self.assertEqual((advanced["status"], looked["apps"]), (rotated["status"], [rotated["status"]]))
        self.assertIn("nothing to decide", resumed["error"]["message"])
        self.expect_rotated(rotated["status"])

    def test_the_server_answers_the_request(self):
        self.emulate()
        self.enroll()
        server, request = self.here(block("sh", "wasmtime serve")).split("curl -X POST ")
        url = urllib.parse.urlsplit(request.split()[0])
        self.assertIn(f"--addr {url.netloc} ", server)

        origin = self.serve("sh", "-c", "exec " + server.replace(url.netloc, "127.0.0.1:0"), env=self.env)

        status, document = ask(origin + url.path, b"")
        self.assertEqual((status, document["status"]["state"]), (200, "settled"))
