"""The promises of the imports that an adapter can break, one by one: each adapter is called by the runtime itself."""

import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from stock import Stock


class Server:
    """Reads requests and answers each by the same bytes, in pieces, and closes; or, with none, closes at once."""

    def __init__(self, *pieces, pause=0.0):
        self.requests, self.pieces, self.pause = [], pieces, pause
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                request = b""
                while not complete(request):
                    request += connection.recv(65536) or b"\r\n\r\n"
                self.requests.append(request)
                try:
                    for piece in self.pieces:
                        connection.sendall(piece)
                        time.sleep(self.pause)
                except OSError:
                    pass


def complete(request):
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return b"\r\n\r\n" in request and len(body) >= int(length[1] if length else 0)


class Asked(Stock):
    def send(self, origin, path="/", method="post", headers="", body="", time_limit=5, body_limit=100):
        body = ", ".join(str(byte) for byte in body.encode())
        return self.invoke(
            f'send({{method: {method}, url: "{origin}{path}", headers: [{headers}], body: [{body}], '
            f"time-limit: {time_limit}, body-limit: {body_limit}}})"
        )

    def ask(self, *pieces, pause=0.0, **how):
        """The answer of the adapter where a server does that, and the requests that it got."""
        server = Server(*pieces, pause=pause)
        self.addCleanup(server.listener.close)
        self.configure(server.origin, server.origin, server.origin + "/1/lwa")
        return self.send(server.origin, **how), server.requests


class Http(Asked):
    def test_a_request_goes_out_as_it_is_with_host_and_length_alone(self):
        answer, (request,) = self.ask(
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Amzn-RequestId: 7\r\n\r\nok",
            path="/auth/o2/token?a=%2F",
            headers='{name: "user-agent", value: [97, 47, 49]}, {name: "x-amz-access-token", value: [124, 32]}',
            body="grant_type=x",
        )
        self.assertRegex(answer, r"^ok\(\{status: 200, .*body: \[111, 107\]\}\)$")
        head, body = request.decode().split("\r\n\r\n")
        line, *headers = head.split("\r\n")
        self.assertEqual((line, body), ("POST /auth/o2/token?a=%2F HTTP/1.1", "grant_type=x"))
        host = self.folder.joinpath("lwa-rotate.toml").read_text().split('api-endpoint = "http://')[1].split('"')[0]
        self.assertEqual(sorted(headers), ["content-length: 12", f"host: {host}", "user-agent: a/1", "x-amz-access-token: | "])

    def test_an_answer_is_an_answer_whatever_its_status_and_asked_for_once(self):
        for status in (204, 301, 307, 401, 408, 421, 425, 429, 500, 503):
            answer, requests = self.ask(
                b"HTTP/1.1 %d X\r\nlocation: /x\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n" % status
            )
            self.assertIn(f"ok({{status: {status}, ", answer)
            self.assertEqual(len(requests), 1, status)

    def test_where_nobody_listens_nothing_was_sent(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            origin = f"http://127.0.0.1:{closed.getsockname()[1]}"
        self.configure(origin, origin, origin + "/1/lwa")
        self.assertRegex(self.send(origin), r"^err\(not-sent\(.*connection-refused")

    def test_after_the_request_has_left_the_outcome_is_unknown(self):
        for pieces in [
            (),
            (b"HTTP/1.1 200 OK\r\ncontent-le",),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",),
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",),
            (b"nonsense\r\n\r\n",),
            (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",),
        ]:
            answer, requests = self.ask(*pieces)
            self.assertRegex(answer, r"^err\(outcome-unknown\(", pieces)
            self.assertEqual(len(requests), 1, pieces)

    def test_a_call_ends_at_its_limit_of_time_however_the_answer_trickles(self):
        for pieces in [
            (b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n", *[b"x"] * 90),
            (*[b"H"] * 90,),
        ]:
            began = time.monotonic()
            answer, requests = self.ask(*pieces, pause=0.2, time_limit=1)
            self.assertRegex(answer, r"^err\(outcome-unknown\(")
            self.assertEqual(len(requests), 1)
            self.assertLess(time.monotonic() - began, 10)

    def test_a_body_is_not_longer_than_its_limit(self):
        for length, answered in ((100, "ok"), (101, "err(too-large)")):
            answer, _ = self.ask(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length + b"x" * length)
            self.assertTrue(answer.startswith(answered), answer)

    def test_other_origins_and_headers_that_steer_are_refused_before_a_byte_leaves(self):
        server = Server()
        self.addCleanup(server.listener.close)
        allowed = server.origin.replace("127.0.0.1", "localhost")
        self.configure(allowed, "https://api.amazon.com/auth/o2/token", allowed + "/1/lwa")

        self.assertEqual(self.send(server.origin), f'err(forbidden("{server.origin}"))')
        for url in ("https://api.amazon.com:444", "https://api.amazon.com@evil.example", "http://api.amazon.com"):
            self.assertRegex(self.send(url), r"^err\(forbidden\(")
        for name in ("Host", "content-length", "Transfer-Encoding", "connection", "te"):
            answer = self.send(allowed, headers=f'{{name: "{name}", value: [49]}}')
            self.assertRegex(answer, r"^err\(not-sent\(")
        self.assertEqual(server.requests, [])


class Queue(Asked):
    def test_a_request_to_sqs_is_signed_and_asks_for_what_is_needed(self):
        body = b'{"Messages":[{"MessageId":"m","ReceiptHandle":"r","Body":"\\u00e9","Attributes":{"SentTimestamp":"5"}}]}'
        server = Server(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        self.addCleanup(server.listener.close)
        self.configure(server.origin, server.origin, server.origin + "/1/lwa")

        answer = self.invoke('receive("main", 10, 1, 90000)')

        message = '{id: "m", receipt-handle: "r", body: [195, 169], receive-count: 0}'
        self.assertEqual(answer, f"ok([{message}])")
        (request,) = server.requests
        for part in (
            b"POST / HTTP/1.1\r\n",
            b"x-amz-target: AmazonSQS.ReceiveMessage\r\n",
            b"x-amz-security-token: stock-session-token\r\n",
            b"/us-east-1/sqs/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,",
            b'"VisibilityTimeout":43200',
            b'"MessageSystemAttributeNames":["ApproximateReceiveCount"]',
        ):
            self.assertIn(part, request)

    def test_failures_are_told_apart(self):
        self.emulate("--fault", "receive:refuse=AccessDenied", "--fault", "hide:cut")
        self.assertRegex(self.invoke('receive("other", 1, 0, 30)'), r"^err\(not-found\(.*no queue")
        self.assertRegex(self.invoke('receive("main", 1, 0, 30)'), r"^err\(access-denied\(.*sqs:ReceiveMessage")
        self.assertEqual(self.invoke('receive("main", 1, 0, 30)'), "ok([])")
        self.assertRegex(self.invoke('hide("main", "x", 30)'), r"^err\(unavailable\(")
        self.assertEqual(self.invoke('hide("main", "x", 30)'), "err(stale-receipt)")
        config = self.folder / "lwa-rotate.toml"
        config.write_text(config.read_text().replace("/lwa", "/none"))
        self.assertRegex(self.invoke('receive("main", 1, 0, 30)'), r"^err\(not-found\(.*QueueDoesNotExist")

    def test_a_message_is_hidden_as_long_as_can_be(self):
        self.emulate()
        self.tell("messages", {"body": "x"})
        (handle,) = re.findall(r'receipt-handle: "([^"]*)"', self.invoke('receive("main", 1, 0, 30)'))
        self.tell("time", {"advance_seconds": 10})
        self.assertEqual(self.invoke(f'hide("main", "{handle}", 43200)'), "ok")
        self.assertEqual(self.invoke(f'delete("main", "{handle}")'), "ok")


class Store(Stock):
    def test_of_savers_of_one_revision_in_several_processes_one_succeeds(self):
        self.configure("https://api.amazon.com", "https://api.amazon.com", "https://api.amazon.com/1/lwa")
        expected = "none"
        for number in range(4):
            call = f'save("id", [{number}], {expected})'
            with ThreadPoolExecutor(8) as threads:
                answers = list(threads.map(self.invoke, [call] * 8))
            saved = [answer for answer in answers if answer.startswith("ok(")]
            self.assertEqual((len(saved), answers.count("err(conflict)")), (1, 7), answers)
            expected = f"some({saved[0][3:-1]})"
            self.assertEqual(self.invoke('load("id")'), f"ok(some({{revision: {saved[0][3:-1]}, document: [{number}]}}))")
        self.assertEqual([path.name for path in (self.folder / "state" / "id").iterdir() if path.stat().st_size], ["4.record"])

    def test_a_folder_that_cannot_be_written_is_told(self):
        self.configure("https://api.amazon.com", "https://api.amazon.com", "https://api.amazon.com/1/lwa")
        (self.folder / "state").write_text("a file")
        self.assertRegex(self.invoke('save("id", [1], none)'), r"^err\(unavailable\(.*state/id")


class Publish(Stock):
    def test_a_target_that_the_configuration_lacks_is_unknown(self):
        self.configure("https://api.amazon.com", "https://api.amazon.com", "https://api.amazon.com/1/lwa")
        for target, client_id in (("file:shop.toml", self.client_id), ("file:shop.env", "amzn1.other")):
            credential = f'{{client-id: "{client_id}", client-secret: [120], expires-at: none}}'
            self.assertEqual(self.invoke(f'put("{target}", {credential})'), "err(unknown-target)")
