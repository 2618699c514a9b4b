"""A scripted HTTP API on loopback.

The vendor CLIs are pointed at it. Every request is kept as it arrived; every request is answered with the next
reply of the script, so a test can look at both sides of the wire. A reply is plain JSON (it is stored beside the
recordings), and can end well, be cut, or stall until the server closes. A request beyond the script is answered
with status 599 and kept like any other: a hidden follow-up request shows up in `requests`, never in a hang.
"""

from __future__ import annotations

import json
import re
import ssl
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import certificate

_OTHER_HOST = re.compile(r"^https?://[^/]+")
Reply = dict[str, Any]
"""status (200), headers, one of `events` (server-sent), `body` (JSON) or `raw` (text), and `then`: end | cut | stall.

`hold: n` waits before the n-th event until `VendorAPI.release()`; `stall` with `events` absent stalls before headers.
"""


def broken(reply: Reply, keep: int, then: str, *extra: Any) -> Reply:
    """The first `keep` events of `reply`, then `extra` events, then `then`."""
    return {**reply, "events": [*reply["events"][:keep], *extra], "then": then}


@dataclass(frozen=True)
class Request:
    """One request as it arrived; `at` is `time.monotonic()` once its body was read."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    at: float


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed leaves a reset connection behind, and one may not trust the certificate.

        Anything else is a fault of this module.
        """
        if not isinstance(sys.exc_info()[1], ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)


@dataclass
class VendorAPI:
    """The server; a context manager. `script` answers model requests in order, `aside` other paths by prefix.

    An answer that depends on the question is a function of the request's body.
    """

    script: Sequence[Reply | Callable[[Any], Reply]]
    aside: dict[str, Reply] = field(default_factory=dict)
    model_paths: tuple[str, ...] = ("/v1/messages", "/responses", ":streamGenerateContent", ":generateContent")
    requests: list[Request] = field(default_factory=list)
    side_requests: list[Request] = field(default_factory=list)
    last_byte_at: float = 0.0
    hung_up: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> VendorAPI:
        self._closing = threading.Event()
        self._gate = threading.Semaphore(0)
        self._arrival = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._gate.release(1000)
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def play(self, script: Sequence[Reply | Callable[[Any], Reply]], aside: dict[str, Reply]) -> VendorAPI:
        """Begin anew, at the same address."""
        self.script, self.aside = script, aside
        self.requests, self.side_requests = [], []
        return self

    def release(self) -> None:
        """Let one reply that is held go on."""
        self._gate.release()

    def wait_for_requests(self, count: int, timeout: float = 30.0) -> list[Request]:
        """The first `count` model requests, as soon as they are there; TimeoutError when they do not come."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.requests) >= count, timeout):
                raise TimeoutError(f"{len(self.requests)} of {count} model requests arrived in {timeout} s")
            return self.requests[:count]

    def _accept(self, request: Request) -> Reply:
        """Keep the request and say what answers it."""
        if request.method != "POST" or not any(part in request.path for part in self.model_paths):
            self.side_requests.append(request)
            known = (reply for prefix, reply in self.aside.items() if request.path.startswith(prefix))
            return next(known, {"status": 404, "body": {"error": "not scripted"}})
        with self._arrival:
            self.requests.append(request)
            index = len(self.requests) - 1
            self._arrival.notify_all()
        if index >= len(self.script):
            return {"status": 599, "body": {"error": "beyond script"}}
        reply = self.script[index]
        return reply(request.body) if callable(reply) else reply

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                raw = self.rfile.read(size)
                headers = {name.lower(): value for name, value in self.headers.items()}
                path = _OTHER_HOST.sub("", self.path)  # a client that takes this server for its proxy names the host
                request = Request(self.command, path, headers, _parsed(raw), time.monotonic())
                try:
                    api._answer(self, api._accept(request))
                except (BrokenPipeError, ConnectionResetError):
                    api.hung_up.set()
                    self.close_connection = True

            do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = handle_any

            def do_CONNECT(self) -> None:
                """A client that takes this server for its proxy: whoever it wants to speak to is here, too."""
                self.send_response(200)
                self.end_headers()
                if self.path.endswith(":443"):
                    self.connection = certificate.context().wrap_socket(self.connection, server_side=True)
                    self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                self.close_connection = False

            def finish(self) -> None:
                super().finish()
                if self.connection is not self.request:
                    self.connection.close()

            def log_message(self, *_: object) -> None:
                """Silent: the requests themselves are kept."""

        return Handler

    def _answer(self, http: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.get("then") == "stall" and "events" not in reply:
            return self._stall(http)
        http.send_response(reply.get("status", 200))
        for name, value in reply.get("headers", {}).items():
            http.send_header(name, value)
        if "events" in reply:
            return self._stream(http, reply)
        text = json.dumps(reply["body"]) if "body" in reply else reply.get("raw", "")
        payload = text.encode()
        if "content-type" not in {name.lower() for name in reply.get("headers", {})}:
            http.send_header("content-type", "application/json")
        http.send_header("content-length", str(len(payload)))
        http.end_headers()
        http.wfile.write(b"" if http.command == "HEAD" else payload)
        self.last_byte_at = time.monotonic()

    def _stream(self, http: BaseHTTPRequestHandler, reply: Reply) -> None:
        http.send_header("content-type", "text/event-stream")
        http.send_header("transfer-encoding", "chunked")
        http.end_headers()
        for index, event in enumerate(reply["events"]):
            if index == reply.get("hold"):
                self._gate.acquire()
            data = _server_sent(event)
            http.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            http.wfile.flush()
        self.last_byte_at = time.monotonic()
        ending = reply.get("then", "end")
        if ending == "stall":
            return self._stall(http)
        if ending == "end":
            http.wfile.write(b"0\r\n\r\n")
        else:
            http.close_connection = True

    def _stall(self, http: BaseHTTPRequestHandler) -> None:
        """Say nothing more until the client hangs up or the server closes."""
        http.close_connection = True
        http.connection.settimeout(0.05)
        while not self._closing.is_set():
            try:
                if not http.connection.recv(1):
                    self.hung_up.set()
                    return
            except TimeoutError:
                continue
            except OSError:
                self.hung_up.set()
                return


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")


def _server_sent(event: Any) -> bytes:
    """A JSON event as `event:`/`data:` lines; a string goes out as it is."""
    if isinstance(event, str):
        return event.encode()
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n".encode()
