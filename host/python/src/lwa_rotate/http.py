"""Requests through urllib3: each at most once, to allowed origins, and with errors that tell what can have left."""

import re
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from threading import Thread
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import SKIP_HEADER, make_headers, parse_url

from .errors import Forbidden, HttpError, NotSent, OutcomeUnknown, TooLarge
from .secret import Secret
from .types import Header, Request, Response

# Until a connection stands, TLS included; seconds.
CONNECT_LIMIT = 10.0

# What the client sets itself, or what would steer the connection: `host` would lead to another origin than the one allowed.
RESERVED = {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "proxy-authorization"}
NAME, VISIBLE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"), re.compile(rb"[\x20-\x7e]*")

# Literal addresses, and the name that resolvers must answer with one (RFC 6761, section 6.3).
LOOPBACK = re.compile(r"127(\.\d+){3}|::1|localhost")


def origin(url: str) -> str:
    """Scheme, host and port of a URL. Raises `ValueError` if requests may not be sent there: `https`, or `http` on loopback."""
    parts = urlsplit(url)
    scheme, host = parts.scheme, parts.hostname or ""
    if scheme not in ("https", "http") or not re.fullmatch(r"[a-z0-9_.:-]+", host):
        raise ValueError("it is not an absolute URL such as https://example.com")
    if "@" in parts.netloc:
        raise ValueError(f"the URL of '{host}' holds a user name or a password; leave them out")
    if scheme == "http" and not LOOPBACK.fullmatch(host):
        raise ValueError(f"plain http is for loopback addresses only, not for '{host}'; use https")
    port = parts.port or (443 if scheme == "https" else 80)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class HttpClient:
    """Sends requests to the allowed origins and to no other, with the promises of `protocols.Http`.

    Trust comes from the system's store of certificates, or from `SSL_CERT_FILE` and `SSL_CERT_DIR`. `HTTPS_PROXY` and
    `NO_PROXY` are followed for `http://` proxies, which see the tunnel only; requests to loopback never go through one. Every
    request has a connection of its own: a kept one may turn out to be closed just when a request was written to it, and then
    nobody knows.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        """A client that sends to these origins alone; `origin` tells that of a URL."""
        self._allowed = frozenset(allowed)

    def send(self, request: Request) -> Response:
        """Sends one request and waits for its whole answer."""
        try:
            at = origin(request.url)
        except ValueError as error:
            raise Forbidden(str(error)) from None
        if at not in self._allowed:
            raise Forbidden(at)
        for header in request.headers:
            name, value = header.name, header.value
            if name.lower() in RESERVED or not NAME.fullmatch(name) or not VISIBLE.fullmatch(value.expose()):
                raise NotSent(f"the header {name!r} cannot be sent, or is not for the caller to set")
        connection, answer, limit = connection_to(at), Future[Response](), request.time_limit.total_seconds()
        try:
            # In a thread of its own: looking up a name does not end at a limit, nor does a slow answer.
            Thread(target=exchange, args=(connection, at, request, answer), daemon=True, name=f"lwa-rotate {at}").start()
            if wait([answer], limit).done:
                return answer.result()
            if answer.cancel():
                raise NotSent(f"no connection to {at} within {limit:g} s")
            raise OutcomeUnknown(f"{at} has not answered within {limit:g} s")
        except RuntimeError as error:
            raise NotSent(f"no connection to {at}: {error}") from None
        finally:
            # Order matters: a request that is not on its way by this point never leaves, so that `NotSent` stays true. One that
            # is loses its connection, which wakes the thread. Below TLS, whose own end would wait for the other side.
            if not answer.cancel() and not answer.done():
                with suppress(OSError, TypeError):
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def connection_to(at: str) -> HTTPConnection:
    """A connection that does not stand yet, through the proxy of the environment if there is one for it."""
    host, port = urlsplit(at).hostname or "", urlsplit(at).port or 0
    if at.startswith("http:"):
        return HTTPConnection(host, port, timeout=CONNECT_LIMIT)
    trust, proxy = ssl.create_default_context(), getproxies().get("https", "")
    by = urlsplit(proxy if "//" in proxy or not proxy else f"//{proxy}", "http")
    if not by.hostname or LOOPBACK.fullmatch(host) or proxy_bypass(host):
        return HTTPSConnection(host, port, timeout=CONNECT_LIMIT, ssl_context=trust)
    if by.scheme != "http":
        raise NotSent(f"the proxy in HTTPS_PROXY is spoken to by {by.scheme}; name one with http://")
    connection = HTTPSConnection(by.hostname, by.port or 80, timeout=CONNECT_LIMIT, ssl_context=trust)
    user = unquote(f"{by.username}:{by.password or ''}") if by.username else None
    connection.set_tunnel(host, port, make_headers(proxy_basic_auth=user))
    return connection


def exchange(connection: HTTPConnection, at: str, request: Request, answer: Future[Response]) -> None:
    """Connects, asks and keeps the outcome. Nothing of the request leaves before `answer` runs, or once it is cancelled."""
    # Somebody may have set it for all connections; it would print what is sent.
    connection.set_debuglevel(0)
    try:
        connection.connect()
        if at.startswith("http:") and not LOOPBACK.fullmatch(connection.sock.getpeername()[0]):
            raise OSError("it is no loopback address here")
        if answer.set_running_or_notify_cancel():
            answer.set_result(ask(connection, request))
    except HttpError as error:
        # Without the frames below, whose variables hold secrets as plain texts.
        answer.set_exception(error.with_traceback(None))
    except Exception as error:
        # What is said of a connection that stood may quote the answer.
        broke = OutcomeUnknown(f"the connection to {at} broke before its answer: {type(error).__name__}")
        with suppress(InvalidStateError):
            answer.set_exception(broke if answer.running() else NotSent(f"no connection to {at}: {cause(error)}"))
    finally:
        connection.close()


def ask(connection: HTTPConnection, request: Request) -> Response:
    """Sends the request and reads the answer."""
    headers = {"accept-encoding": SKIP_HEADER, "user-agent": SKIP_HEADER}
    headers |= {header.name.lower(): header.value.expose_str() for header in request.headers}
    target, body, content = parse_url(request.url).request_uri, bytes(request.body.expose()) or None, bytearray()
    connection.timeout = request.time_limit.total_seconds()
    connection.request(request.method.name, target, body, headers, preload_content=False, decode_content=False)
    answer = connection.getresponse()
    if answer.status not in (204, 304) and not {"content-length", "transfer-encoding"} & {*map(str.lower, answer.headers)}:
        raise OutcomeUnknown("the answer does not say where it ends, so it may have been cut")
    while chunk := answer.read(64 << 10):
        content += chunk
        if len(content) > request.body_limit:
            raise TooLarge
    fields = tuple(Header(name.lower(), Secret(value.encode("latin-1"))) for name, value in answer.headers.items())
    return Response(answer.status, fields, Secret(content))


def cause(error: BaseException) -> str:
    """Why there is no connection, in the system's words."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "if a company's own authority signed it, name its certificate in SSL_CERT_FILE"
        return f"its certificate is not trusted: {error.verify_message}; {hint}"
    return str(error)
