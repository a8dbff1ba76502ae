# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import answer
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError


class App(BaseHTTPRequestHandler):
    """Answers with the statuses it was given, one after the other; the last one stays."""

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers["Host"]))
        self.send_response(server.statuses.pop(0) if len(server.statuses) > 1 else server.statuses[0])
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture
def nginx(monkeypatch):
    monkeypatch.setattr(answer, "PATIENCE", 0.3)
    server = HTTPServer(("127.0.0.1", 0), App)
    server.asked, server.statuses = [], [200]
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "path, host, asked_path",
    [
        ("", "shop.example.com", "/"),
        ("/", None, "/"),
        ("/health", "shop.example.com", "/health"),
        ("/health?deep=1#x", "", "/health?deep=1"),
        ("?deep", None, "/?deep"),
    ],
)
def test_what_is_asked(path, host, asked_path, nginx):
    answer.wait_for_answer(nginx.url + path, host)
    assert nginx.asked == [(asked_path, host or nginx.url.rpartition("/")[2])]


@pytest.mark.parametrize("status", [200, 204, 301, 401, 404, 500])
def test_any_answer_of_the_app_will_do(status, nginx):
    nginx.statuses = [status]
    answer.wait_for_answer(nginx.url, "shop")
    assert len(nginx.asked) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_nginx_itself_says_is_waited_out(status, nginx):
    nginx.statuses = [status, 200]
    answer.wait_for_answer(nginx.url, "shop")
    assert len(nginx.asked) == 2


def test_no_answer_in_time(nginx):
    nginx.statuses = [502]
    message = f"the app did not answer through nginx at {nginx.url} (host shop): status 502"
    with pytest.raises(EdgeError, match=f"^{re.escape(message)}$"):
        answer.wait_for_answer(nginx.url, "shop")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nobody_listens(scheme, monkeypatch):
    monkeypatch.setattr(answer, "PATIENCE", 0.1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(EdgeError, match=r"at .* \(host of the URL\): .*Connection refused"):
            answer.wait_for_answer(url, None)


def test_who_does_not_speak_tls_gives_no_answer(nginx):
    with pytest.raises(EdgeError, match="the app did not answer through nginx at https://"):
        answer.wait_for_answer(nginx.url.replace("http", "https"), None)
