"""Whole rotations: the composed file on a stock runtime, real HTTP, the SQS protocol, files."""

import hashlib
import json
import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice

from stock import ENVIRONMENT, PROGRAM, ROOT, Stock, ask


class Run(Stock):
    def test_a_whole_rotation_ends_with_the_new_secret_published_and_the_message_gone(self):
        self.emulate()
        enrolled = self.enroll("--expires-at", "2035-01-31T12:30:00Z")
        self.assertEqual((enrolled["state"], enrolled["verified"]), ("settled", True))
        self.assertEqual(enrolled["expires_at"], "2035-01-31T12:30:00Z")
        self.assertEqual(self.published(), "amzn1.oa2-cs.v1.stock-first")

        status = self.does("rotate", "shop")["status"]

        self.expect_rotated(status)
        self.expect_empty_queue()
        self.assertEqual(self.does("status", "shop")["apps"], [status])
        self.assertEqual(self.does("status")["apps"], [status])
        events = [json.loads(line)["event"] for line in self.printed.splitlines() if '"event"' in line]
        order = ["supplied", "rotation-wanted", "calling-rotate", "secret-kept", "promoted", "published", "acknowledged"]
        self.assertEqual(sorted(order, key=lambda event: len(events) - events[::-1].index(event)), order)

    def test_rule_9_holds_for_the_runtimes_own_log_at_its_loudest(self):
        self.emulate()
        loud = ENVIRONMENT | {"WASMTIME_LOG": "trace"}
        self.run_to_the_end("enroll", "shop", given="amzn1.oa2-cs.v1.stock-first\n", env=loud)
        code, out, _ = self.run_to_the_end("rotate", "shop", env=loud)

        self.assertIn("TRACE", self.printed, "the log is there to be searched")
        self.assertEqual(code, 0)
        self.expect_rotated(json.loads(out)["status"])

    def test_runs_that_are_killed_anywhere_are_finished_by_the_next(self):
        self.emulate()
        self.enroll()
        _, _, events = self.run_to_the_end("rotate", "shop")
        self.assertIn('"calling-rotate"', events)
        for lines, event in enumerate(events.splitlines(), 1):
            with self.subTest(json.loads(event)["event"], lines=lines):
                # Another one for each, so that the call is under way when its run is killed.
                self.setUp()
                self.emulate("--fault", "rotate:delay=300ms")
                self.enroll()
                self.kill_after(lines)

                # A message that it had in its hands comes again when its visibility timeout is over.
                self.tell("time", {"advance_seconds": 3_600})

                # And a call that it had taken on may be made by others.
                if not self.calls("rotate"):
                    self.let_minutes_go_by(10)

                # Where the message alone is left, `rotate` would be another one.
                (left,) = self.does("status", "shop")["apps"]
                is_over = (left["state"], left["generation"]) == ("settled", 2)
                self.expect_rotated(self.does("advance" if is_over else "rotate", "shop")["status"])
                self.expect_empty_queue()

    def kill_after(self, lines):
        """Kills a rotation when it has written so many lines of events."""
        killed = self.start("rotate", "shop")
        self.printed += "".join(islice(killed.stderr, lines))
        killed.send_signal(signal.SIGSTOP)
        os.waitpid(killed.pid, os.WUNTRACED)
        # Once a call is saved nobody makes another, so one that was never sent is waited for in vain, until a person decides.
        (status,) = self.does("status", "shop")["apps"]
        if status["called_at"] and not self.calls("rotate"):
            killed.send_signal(signal.SIGCONT)
            while not self.calls("rotate"):
                pass
        killed.kill()
        self.printed += "".join(killed.communicate())

    def test_after_a_lost_answer_the_message_is_waited_for_and_nobody_asks_again(self):
        self.emulate("--fault", "rotate:lose-answer", "--rotate-interval", "1ms")
        self.enroll()
        self.expect_rotated(self.does("rotate", "shop")["status"])

    def test_what_a_person_has_to_do_is_told_and_the_run_fails(self):
        self.emulate()
        self.enroll()
        self.tell("subscription", {"client_id": self.client_id, "subscribed": False})

        code, out, _ = self.run_to_the_end("rotate", "shop")

        problem = json.loads(out)["status"]["problem"]
        self.assertEqual((code, problem["cause"], problem["remedy_by"]), (1, "not-subscribed", "person"))
        self.expect_silence()

    def stall(self):
        """Has a rotate call made whose message is lost, and its patience ended."""
        self.emulate("--fault", "notification:drop", "--rotate-interval", "1ms")
        config = self.folder / "lwa-rotate.toml"
        config.write_text(config.read_text().replace('queue = "main"', 'queue = "main"\npatience = "3s"'))
        self.enroll()
        code, out, _ = self.run_to_the_end("rotate", "shop")
        self.assertEqual((code, json.loads(out)["status"]["problem"]["cause"]), (1, "message-missing"))

    def record(self):
        """The file of the record."""
        return max((self.folder / "state" / self.client_id).glob("*.record"), key=lambda path: int(path.stem))

    def let_minutes_go_by(self, minutes):
        """Moves everything in the record into the past."""
        head, _, document = self.record().read_text().partition("\n")
        document = re.sub(r"\b\d{13}\b", lambda milliseconds: str(int(milliseconds[0]) - minutes * 60_000), document)
        form, number, revision, length, _ = head.split(" ")
        known = b"".join(len(part).to_bytes(8, "little") + part.encode() for part in (self.client_id, revision))
        digest = hashlib.sha256(known + document.encode()).hexdigest()
        self.record().write_text(f"{form} {number} {revision} {length} {digest}\n{document}")

    def test_a_stalled_rotation_waits_for_a_persons_decision(self):
        self.stall()

        code, out, _ = self.run_to_the_end("rotate", "shop")
        self.assertEqual((code, json.loads(out)["status"]["state"], self.calls("rotate")), (1, "stalled", 1))

        self.assertEqual(self.does("resume", "shop", "--wait")["status"]["state"], "awaiting")
        code, out, _ = self.run_to_the_end("advance", "shop")
        self.assertEqual((code, json.loads(out)["status"]["state"]), (0, "awaiting"))
        code, out, _ = self.run_to_the_end("resume", "shop", "--request-again")
        self.assertEqual(code, 1, "it is not stalled any more")

    def test_a_person_can_have_a_stalled_rotation_requested_again(self):
        self.stall()

        status = self.does("resume", "shop", "--request-again")["status"]

        self.assertEqual((status["state"], status["next"]["kind"]), ("requesting", "call-permitted"))
        self.assertEqual(self.does("advance", "shop")["status"]["state"], "requesting")
        self.assertEqual(self.calls("rotate"), 1, "a minute is between two calls")
        self.let_minutes_go_by(2)
        self.expect_rotated(self.does("rotate", "shop")["status"], calls=2)
        self.expect_empty_queue()

    def test_the_program_takes_the_record_over(self):
        self.emulate()
        self.enroll()
        self.does("rotate", "shop")
        record = self.record()
        self.assertEqual(record.stat().st_mode & 0o777, 0o600, "with a umask of 077")
        record.rename(self.folder / "state" / f"{self.client_id}.record")

        command = [PROGRAM, "--config", self.folder / "lwa-rotate.toml", "get", "shop"]
        got = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT | {"AWS_REGION": "us-east-1"})

        self.assertEqual(got.stdout.strip(), self.published(), got.stderr)

    def test_what_is_missing_is_told(self):
        self.emulate()
        for arguments, code, told in [
            (["advance", "shop"], 1, "has not been enrolled"),
            (["advance", "other"], 1, "no application 'other'; it has: shop"),
            (["get", "shop"], 1, "enroll APP"),
            (["status", "shop"], 0, '"enrolled":false'),
        ]:
            ended, out, err = self.run_to_the_end(*arguments)
            self.assertEqual((ended, told in out + err), (code, True), out + err)
        self.assertEqual(os.listdir(self.folder), ["lwa-rotate.toml"])

        (self.folder / "lwa-rotate.toml").write_text("[store]\npaht = 1\n")
        _, out, _ = self.run_to_the_end("status")
        self.assertIn("unknown field `paht`", json.loads(out)["error"]["message"])

    def test_without_http_the_runtime_refuses_to_start_it(self):
        self.emulate()
        code, _, err = self.run_to_the_end("status", options=())
        self.assertNotEqual(code, 0)
        self.assertIn("wasi:http/", err)


class Serve(Stock):
    def notice(self, ends):
        """Amazon says when the secret ends."""
        body = json.loads((ROOT / "tests" / "vectors" / "secret-expiry.json").read_text())
        expiry = body["payload"]["applicationOAuthClientSecretExpiry"]
        expiry |= {"clientId": self.client_id, "clientSecretExpiryTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self.tell("messages", {"body": json.dumps(body)})

    def test_requests_advance_what_is_due_and_finish_it(self):
        self.emulate()
        self.enroll()
        url = self.serve() + "/advance/shop"
        answers = [ask(url, b"")]
        self.assertEqual(self.calls("rotate"), 0, "nothing is due")
        self.notice(datetime.now(UTC) + timedelta(days=10))

        answers += [ask(url, b""), ask(url, b"")]

        self.printed += self.log() + json.dumps(answers)
        self.assertEqual(
            [(status, document["status"]["state"]) for status, document in answers],
            [(200, "settled"), (200, "awaiting"), (200, "settled")],
        )
        self.expect_rotated(answers[-1][1]["status"])
        self.expect_empty_queue()

    def test_of_any_number_of_requests_at_once_one_calls(self):
        self.emulate("--rotate-interval", "1ms")
        self.enroll()
        url = self.serve() + "/advance/shop"
        self.notice(datetime.now(UTC) + timedelta(days=10))

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: ask(url, b""), range(24)))

        self.printed += self.log() + json.dumps(answers)
        # None, where the one that was to call gave way to what others saved: then it is made when its time is over.
        self.assertLessEqual(self.calls("rotate"), 1, "one caller (rule 3)")
        self.assertIn(200, [status for status, _ in answers])
        self.expect_silence()

    def test_other_requests_do_nothing(self):
        self.emulate()
        self.enroll()
        self.notice(datetime.now(UTC) + timedelta(days=10))
        url = self.serve()
        for path, data, expected in [
            ("/advance/shop", None, 405),
            ("/", b"", 404),
            ("/advance/", b"", 404),
            ("/advance/other", b"", 404),
        ]:
            self.assertEqual(ask(url + path, data)[0], expected, path)
        self.assertEqual(self.calls("rotate"), 0)
