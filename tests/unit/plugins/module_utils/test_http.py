# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._http import LONGEST_BODY, send_request
from ansible_collections.hotswap.compose.tests.e2e.app import hostile


class App(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        asked = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.rfile.read(length).decode(),
        }
        self.send_response(int(self.headers.get("X-Status") or 200))
        self.end_headers()
        self.wfile.write(json.dumps(asked).encode() + b"x" * int(self.headers.get("X-Padding") or 0))

    do_POST = do_GET

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def url():
    server = HTTPServer(("127.0.0.1", 0), App)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "path, options, asked",
    [
        ("", {}, {"method": "GET", "path": "/"}),
        ("/health?deep=1#x", {}, {"path": "/health?deep=1"}),
        ("/", {"method": "POST", "body": "größe"}, {"method": "POST", "body": "größe"}),
    ],
)
def test_what_is_sent(url, path, options, asked):
    answer = send_request(url + path, 5, **options)
    said = json.loads(answer.body)
    assert answer.status == 200
    assert {key: said[key] for key in asked} == asked


@pytest.mark.parametrize(
    "host, headers, sent",
    [
        ("shop.example", None, "shop.example"),
        ("shop.example", {"host": "other.example"}, "other.example"),  # headers outrank it, in whatever case
        (None, {"Host": "other.example"}, "other.example"),
    ],
)
def test_the_host_header(url, host, headers, sent):
    assert json.loads(send_request(url, 5, host, headers=headers).body)["headers"]["host"] == sent


def test_a_status_is_no_error(url):
    assert send_request(url, 5, headers={"X-Status": 503}).status == 503


def test_a_long_answer_is_cut(url):
    assert len(send_request(url, 5, headers={"X-Padding": LONGEST_BODY}).body) == LONGEST_BODY
    assert send_request(url, 5, longest=0).body == ""


def test_nobody_answers():
    with pytest.raises(OSError):
        send_request("http://127.0.0.1:9", 1)


class Hostile(socketserver.StreamRequestHandler):
    def handle(self):
        path = self.rfile.readline().split()[1].decode()
        with contextlib.suppress(OSError):
            hostile.answer(path, self.wfile)


class Silent(socketserver.BaseRequestHandler):
    """Reads nothing and says nothing."""

    def handle(self):
        self.server.over.wait()


def served(handler):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.over = threading.Event()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


@pytest.fixture(params=[Hostile, Silent])
def server(request):
    with served(request.param) as server:
        yield server
        server.over.set()
        server.shutdown()


def took(function, *args, **options):
    """Return the s until a call timed out."""
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="no complete answer within 1.5 s"):
        function(*args, **options)
    return time.monotonic() - began


@pytest.mark.parametrize("server", [Hostile], indirect=True)
def test_a_dribbled_header_takes_no_longer_than_the_whole_may(server):
    assert 1.4 < took(send_request, f"http://127.0.0.1:{server.server_address[1]}/dribble", 1.5) < 3


@pytest.mark.parametrize("server", [Silent], indirect=True)
@pytest.mark.parametrize("scheme, body", [("http", None), ("http", "x" * 20_000_000), ("https", None)])
def test_nor_does_anything_else(server, scheme, body):
    """Neither an answer, nor reading what is sent, nor the start of TLS."""
    assert 1.4 < took(send_request, f"{scheme}://127.0.0.1:{server.server_address[1]}/", 1.5, body=body) < 3


@pytest.mark.parametrize("server", [Hostile], indirect=True)
@pytest.mark.parametrize("path", ["/endless", "/huge"])
def test_of_an_answer_without_end_a_part_is_read(server, path):
    body = send_request(f"http://127.0.0.1:{server.server_address[1]}{path}", 10).body
    assert 0.9 * LONGEST_BODY < len(body) <= LONGEST_BODY


@pytest.mark.parametrize("server", [Hostile], indirect=True)
def test_a_header_without_end_is_refused(server):
    with pytest.raises(
        http.client.HTTPException, match=("the header is longer than 65536 bytes|more than 100 headers")
    ):
        send_request(f"http://127.0.0.1:{server.server_address[1]}/header", 10)


def test_the_first_address_of_a_host_does_not_take_all_of_the_time(url, monkeypatch):
    port = int(url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # Its queue is full, so that it answers no more.
        waiting = [socket.socket() for _number in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        addresses = [(*kind, full.getsockname()), (*kind, ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: list(addresses))
        assert send_request("http://shop.example", 2).status == 200
        for each in waiting:
            each.close()
