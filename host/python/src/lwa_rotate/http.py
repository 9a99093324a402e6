"""Requests through urllib3: each at most once, to allowed origins, and with errors that tell what can have left."""

import re
import socket
import ssl
import threading
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import SKIP_HEADER, make_headers

from .errors import Forbidden, HttpError, NotSent, OutcomeUnknown, TooLarge
from .secret import Secret
from .types import Header, Request, Response

# Until a connection stands, TLS included.
CONNECT_LIMIT = 10.0

# What the client sets itself, or what would steer the connection: `host` would lead to another origin than the one allowed.
RESERVED = {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "proxy-authorization"}
NAME, VISIBLE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"), re.compile(rb"[\x20-\x7e]*")


class Origin(NamedTuple):
    """Scheme, host and port: where a request may go."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{host}" + ("" if usual else f":{self.port}")


def origin(url: str) -> Origin:
    """The origin of a URL; `ValueError` if requests may not be sent there: `https`, or `http` on a loopback address."""
    parts = urlsplit(url)
    scheme, host = parts.scheme, parts.hostname
    if not host or scheme not in ("https", "http") or not (host.isascii() and re.fullmatch(r"[\w.:-]+", host)):
        raise ValueError(f"the URL '{scheme}://{host or ''}' is not absolute, such as https://example.com")
    if "@" in parts.netloc:
        raise ValueError(f"the URL of '{host}' holds a user name or a password; leave them out")
    if scheme == "http" and not is_loopback(host):
        raise ValueError(f"plain http is for loopback addresses only, not for '{host}'; use https")
    return Origin(scheme, host, parts.port or {"https": 443, "http": 80}[scheme])


def is_loopback(host: str) -> bool:
    """Literal loopback addresses, and the name that resolvers must answer with one (RFC 6761, section 6.3)."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


class HttpClient:
    """Sends requests to the allowed origins and to no other, with the promises of `Http`.

    Trust comes from the system's store of certificates, or from `SSL_CERT_FILE` and `SSL_CERT_DIR`. `HTTPS_PROXY` and
    `NO_PROXY` are followed for `http://` proxies, which see the tunnel only; requests to loopback never go through one. Every
    request has a connection of its own: a kept one may turn out to be closed just when a request was written to it, and then
    nobody knows.
    """

    def __init__(self, allowed: Iterable[Origin]) -> None:
        """A client that sends to these origins alone."""
        self._allowed = frozenset(allowed)

    def send(self, request: Request) -> Response:
        """Sends one request and waits for its whole answer."""
        try:
            to = origin(request.url)
        except ValueError as error:
            raise Forbidden(str(error)) from None
        if to not in self._allowed:
            raise Forbidden(f"requests to {to} are not allowed by the settings")
        for header in request.headers:
            if header.name.lower() in RESERVED or not NAME.fullmatch(header.name) or not VISIBLE.fullmatch(header.value.expose()):
                raise NotSent(f"the header {header.name!r} cannot be sent, or is not for the caller to set")
        try:
            connection = connect_to(to)
        except (OSError, ValueError) as error:
            raise NotSent(f"requests to {to} cannot be made: {cause(error)}") from None
        return Exchange(to, connection, request).wait()


def connect_to(to: Origin) -> HTTPConnection:
    """A connection that does not stand yet."""
    if to.scheme == "http":
        return HTTPConnection(to.host, to.port, timeout=CONNECT_LIMIT)
    trust, proxy = ssl.create_default_context(), getproxies().get("https")
    if not proxy or is_loopback(to.host) or proxy_bypass(to.host):
        return HTTPSConnection(to.host, to.port, timeout=CONNECT_LIMIT, ssl_context=trust)
    by = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if by.scheme != "http" or not by.hostname:
        raise ValueError("HTTPS_PROXY has to be an http:// URL")
    connection = HTTPSConnection(by.hostname, by.port or 80, timeout=CONNECT_LIMIT, ssl_context=trust)
    user = make_headers(proxy_basic_auth=f"{by.username}:{by.password or ''}") if by.username else {}
    connection.set_tunnel(to.host, to.port, headers=user, scheme="http")
    return connection


class Exchange(threading.Thread):
    """One request and its answer, in a thread of its own, because neither looking up a name nor reading byte by byte ends at a
    time limit. What has left this machine when it is given up is known all the same: the request is sent under the lock."""

    def __init__(self, to: Origin, connection: HTTPConnection, request: Request) -> None:
        super().__init__(daemon=True)
        self.to, self.connection, self.request = to, connection, request
        self.lock, self.sending, self.given_up = threading.Lock(), False, False
        self.outcome: Response | HttpError | None = None

    def wait(self) -> Response:
        """The answer, or what is known when the time is up."""
        limit = self.request.time_limit.total_seconds()
        self.start()
        try:
            self.join(limit)
        finally:
            with self.lock:
                self.given_up = True
        if self.outcome is None and self.sending:
            # Wakes the thread. Below TLS, whose own end would wait for the other side.
            with suppress(OSError):
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
            raise OutcomeUnknown(f"{self.to} has not answered within {limit:g} s")
        if isinstance(self.outcome, Response):
            return self.outcome
        raise self.outcome or NotSent(f"no connection to {self.to} within {limit:g} s")

    def run(self) -> None:
        try:
            self.outcome = self._exchange()
        except HttpError as error:
            self.outcome = error
        finally:
            self.connection.close()

    def _exchange(self) -> Response:
        try:
            self.connection.connect()
            self.socket = self.connection.sock
            if self.to.scheme == "http" and not is_loopback(self.socket.getpeername()[0]):
                raise OSError("it does not lead to a loopback address")
        except Exception as error:
            raise NotSent(f"no connection to {self.to}: {cause(error)}") from None
        with self.lock:
            if self.given_up:
                raise NotSent("given up before anything was sent")
            self.sending = True
        try:
            return self._ask()
        except HttpError:
            raise
        except Exception as error:
            # Its text may quote the answer.
            text = f"the connection to {self.to} broke before its answer was there: {type(error).__name__}"
            raise OutcomeUnknown(text) from None

    def _ask(self) -> Response:
        request, limit = self.request, self.request.body_limit
        headers = {"accept-encoding": SKIP_HEADER, "user-agent": SKIP_HEADER}
        headers |= {header.name.lower(): header.value.expose_str() for header in request.headers}
        parts = urlsplit(request.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.connection.timeout = request.time_limit.total_seconds()
        body = bytes(request.body.expose()) or None
        self.connection.request(request.method.name, target, body, headers, preload_content=False, decode_content=False)
        answer = self.connection.getresponse()
        content = bytearray()
        while chunk := answer.read(64 << 10):
            content += chunk
            if len(content) > limit:
                raise TooLarge
        fields = tuple(Header(name.lower(), Secret(value.encode("latin-1"))) for name, value in answer.headers.items())
        return Response(answer.status, fields, Secret(content))


def cause(error: BaseException) -> str:
    """What happened before anything was sent, in the system's words."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "if a company's own authority signed it, name its certificate in SSL_CERT_FILE"
        return f"its certificate is not trusted ({error.verify_message}); {hint}"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
