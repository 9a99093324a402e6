"""The HTTP client keeps the promises of `protocols.Http`."""

import socket
import ssl
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from lwa_rotate import Header, HttpClient, Method, Request, Response, Secret
from lwa_rotate.errors import Forbidden, HttpError, NotSent, OutcomeUnknown, TooLarge
from lwa_rotate.http import origin

SECRET = "Atza|secret-value"


class Server:
    """Answers every connection with the same bytes; keeps what it was sent."""

    def __init__(self, answer: bytes, context: ssl.SSLContext | None = None, *, hold: bool = False) -> None:
        self.answer, self.context, self.hold = answer, context, hold
        self.requests: list[bytes] = []
        self.released = threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            try:
                connection = self.context.wrap_socket(connection, server_side=True) if self.context else connection
                self.requests.append(b"")
                while not self.whole(self.requests[-1]) and (more := connection.recv(65536)):
                    self.requests[-1] += more
                connection.sendall(self.answer)
                if self.hold:
                    self.released.wait(20)
            except OSError:
                pass
            finally:
                connection.close()

    @staticmethod
    def whole(request: bytes) -> bool:
        head, end, body = request.partition(b"\r\n\r\n")
        length = next((line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), b"0")
        return bool(end) and len(body) >= int(length)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    servers: list[Server] = []

    def start(*arguments: Any, **options: Any) -> Server:
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.released.set()
        server.listening.close()


def ask(url: str, body: str = "", limit: float = 10, most: int = 1000, allowed: str = "", headers: Any = ()) -> Response:
    client = HttpClient([origin(allowed or url)])
    fields = (Header("user-agent", Secret("shop/1")), *(Header(name, Secret(value)) for name, value in headers))
    method = Method.POST if body else Method.GET
    return client.send(Request(method, url, fields, Secret(body), timedelta(seconds=limit), most))


def test_an_answer_comes_back_whole_and_the_request_holds_nothing_of_the_hosts(serve: Callable[..., Server]) -> None:
    chunked = b"HTTP/1.1 403 No\r\nX-Amzn-RequestId: 7\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    server = serve(chunked)

    answer = ask(f"http://127.0.0.1:{server.port}/a/b?c=d", "e=f", headers=[("x-amz-access-token", SECRET)])

    assert (answer.status, answer.body.expose_str()) == (403, "abcde")
    assert [header.value.expose_str() for header in answer.headers if header.name == "x-amzn-requestid"] == ["7"]
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    assert (first, body) == ("POST /a/b?c=d HTTP/1.1", b"e=f")
    named = {field.split(":")[0].lower(): field.split(": ")[1] for field in fields}
    expected = {"host": f"127.0.0.1:{server.port}", "content-length": "3", "user-agent": "shop/1", "x-amz-access-token": SECRET}
    assert named == expected


def test_a_redirect_is_an_answer_like_any_other(serve: Callable[..., Server]) -> None:
    server = serve(b"HTTP/1.1 307 There\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n")
    assert ask(f"http://127.0.0.1:{server.port}/").status == 307
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"no http at all: " + SECRET.encode(),
    ],
)
def test_after_a_broken_answer_the_outcome_is_unknown_and_nothing_is_repeated(
    serve: Callable[..., Server], answer: bytes
) -> None:
    server = serve(answer)
    with pytest.raises(OutcomeUnknown) as error:
        ask(f"http://127.0.0.1:{server.port}/", "x")
    assert len(server.requests) == 1
    assert SECRET not in repr(error.value)


def test_when_the_time_is_up_the_outcome_is_unknown(serve: Callable[..., Server]) -> None:
    # The second drips its headers, so that each read has something to read in time.
    for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"):
        server, begun = serve(answer, hold=True), monotonic()
        with pytest.raises(OutcomeUnknown, match="within 2 s"):
            ask(f"http://127.0.0.1:{server.port}/", "x", limit=2)
        assert monotonic() - begun < 10
        assert len(server.requests) == 1


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_request_given_up_before_it_was_sent_is_never_sent(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    server, looked_up, asked = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), threading.Event(), threading.Event()
    resolve = socket.getaddrinfo

    def slow(*arguments: Any, **options: Any) -> Any:
        asked.set()
        looked_up.wait(20)
        return resolve(*arguments, **options)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    if interrupted:
        monkeypatch.setattr("lwa_rotate.http.wait", interrupt)
    with pytest.raises(KeyboardInterrupt if interrupted else NotSent):
        ask(f"http://127.0.0.1:{server.port}/", "x", limit=0.2)
    exchange = next(thread for thread in threading.enumerate() if thread.name.startswith("lwa-rotate "))
    looked_up.set()
    exchange.join(20)
    assert asked.is_set() and not exchange.is_alive()
    assert server.requests in ([], [b""])


def test_a_body_that_is_too_long_is_not_read_to_its_end(serve: Callable[..., Server]) -> None:
    length = 10_000_000
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + bytes(length))
    with pytest.raises(TooLarge):
        ask(f"http://127.0.0.1:{server.port}/")
    exact = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
    assert len(ask(f"http://127.0.0.1:{exact.port}/").body) == 1000


def test_without_a_connection_nothing_was_sent() -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with pytest.raises(NotSent, match="refused"):
        ask(f"http://127.0.0.1:{port}/", "x")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.amazon.com.evil.example/",
        "https://api.amazon.com:8443/",
        "https://api.amazon.com@evil.example/",
        "https://evil.example\\@api.amazon.com/",
        "http://api.amazon.com/",
        "ftp://api.amazon.com/",
        "api.amazon.com",
        "http://127.0.0.1.evil.example/",
    ],
)
def test_another_origin_is_refused_before_a_name_is_looked_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **_: looked_up.append(arguments))
    with pytest.raises(Forbidden):
        ask(url, allowed="https://API.amazon.com:443/auth/o2/token")
    assert looked_up == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("host", "evil.example"), ("Content-Length", "0"), ("a b", "c"), ("a", "b\r\nc: d"), ("a", "ä"), ("te", "x")],
)
def test_a_header_that_would_steer_the_connection_is_not_sent(serve: Callable[..., Server], name: str, value: str) -> None:
    server = serve(b"")
    with pytest.raises(NotSent) as error:
        ask(f"http://127.0.0.1:{server.port}/", headers=[(name, value), ("x-amz-access-token", SECRET)])
    assert server.requests == []
    assert SECRET not in str(error.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout {folder}/key -out {folder}/cert"
    alternative = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *alternative], check=True, capture_output=True)
    return folder


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert", certificate / "key")
    return context


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_tls_is_verified_and_a_certificate_can_be_named(
    serve: Callable[..., Server], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(OK, tls(certificate))
    with pytest.raises(NotSent, match="SSL_CERT_FILE"):
        ask(f"https://localhost:{server.port}/", "x")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert"))
    assert ask(f"https://localhost:{server.port}/", "x").body.expose_str() == "ok"
    with pytest.raises(NotSent, match="not trusted"):
        ask(f"https://127.0.0.1:{server.port}/", "x")
    assert [request.endswith(b"\r\n\r\nx") for request in server.requests] == [True]


def test_a_server_without_tls_is_not_sent_anything(serve: Callable[..., Server]) -> None:
    server = serve(OK)
    with pytest.raises(NotSent):
        ask(f"https://localhost:{server.port}/", "x", limit=3)
    assert SECRET.encode() not in b"".join(server.requests)


def test_a_proxy_sees_the_tunnel_only(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:word@127.0.0.1:{proxy.port}")
    with pytest.raises(NotSent, match="407"):
        ask("https://api.amazon.com/auth", "x", headers=[("x-amz-access-token", SECRET)])
    (request,) = proxy.requests
    assert request.startswith(b"CONNECT api.amazon.com:443 ") and b"proxy-authorization: Basic" in request.replace(
        b"Proxy-A", b"proxy-a"
    )
    assert SECRET.encode() not in request


def test_user_and_password_of_a_proxy_are_unquoted(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("HTTPS_PROXY", f"http://us%40er:w%3Ard@127.0.0.1:{proxy.port}")
    with pytest.raises(NotSent, match="407"):
        ask("https://api.amazon.com/auth", "x")
    assert b"Basic " + b64encode(b"us@er:w:rd") in proxy.requests[0]


@pytest.mark.parametrize("scheme", ["https", "socks5"])
def test_a_proxy_of_another_kind_is_not_taken_for_one(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    proxy = serve(b"")
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://127.0.0.1:{proxy.port}")
    with pytest.raises(NotSent, match=f"spoken to by {scheme}"):
        ask("https://api.amazon.com/auth", "x")
    assert proxy.requests == []


def test_no_frame_of_a_failure_holds_a_secret(serve: Callable[..., Server]) -> None:
    server = serve(OK)
    with pytest.raises(TooLarge) as failed:
        ask(f"http://127.0.0.1:{server.port}/", most=1, headers=[("x-amz-access-token", SECRET)])
    frames = [entry.frame for entry in failed.traceback if "lwa_rotate" in str(entry.path)]
    assert frames and not any(SECRET in repr(frame.f_locals) for frame in frames)


def test_the_debug_switch_of_http_client_prints_nothing_of_a_request(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 1)
    server = serve(OK)
    ask(f"http://127.0.0.1:{server.port}/", SECRET, headers=[("x-amz-access-token", SECRET)])
    assert SECRET not in "".join(capfd.readouterr())
    assert SECRET.encode() in server.requests[0]


def test_every_failure_is_one_of_the_contracts() -> None:
    assert {kind.case for kind in HttpError.__subclasses__()} == {"not-sent", "forbidden", "outcome-unknown", "too-large"}
