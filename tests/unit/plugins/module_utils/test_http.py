# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._http import LONGEST_BODY, send_request


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
