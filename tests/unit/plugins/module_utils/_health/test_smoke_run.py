# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real requests to a server of this process."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._errors import SmokeError
from ansible_collections.hotswap.compose.plugins.module_utils._health import smoke_run, watch
from ansible_collections.hotswap.compose.plugins.module_utils._health.smoke import EXCERPT
from ansible_collections.hotswap.compose.plugins.module_utils._health.smoke_run import (
    SmokeRun,
    nginx_address,
    parse_smoke_tests,
    replica_addresses,
)
from ansible_collections.hotswap.compose.plugins.module_utils._health.watch import SmokeWatch
from ansible_collections.hotswap.compose.plugins.module_utils._http import send_request

SERVICE = {"name": "was-{color}", "base": "was", "port": 3000, "upstream": "shop-was"}


class App(BaseHTTPRequestHandler):
    """Says what it was asked; its statuses are taken one after the other, the last one stays."""

    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        asked = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
        server.asked.append(asked)
        self.send_response(server.statuses.pop(0) if len(server.statuses) > 1 else server.statuses[0])
        self.end_headers()
        self.wfile.write(json.dumps(asked).encode())
        with contextlib.suppress(OSError):
            while self.path == "/endless":
                self.wfile.write(b".")
                time.sleep(0.01)

    do_GET = do_POST

    def log_message(self, *_args):
        pass


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setattr(smoke_run, "RETRY_AFTER", 0.01)
    monkeypatch.setattr(watch, "ASK_EVERY", 0.01)
    server = ThreadingHTTPServer(("127.0.0.1", 0), App)
    server.asked, server.statuses = [], [200]
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def encoded(tests):
    return base64.b64encode(json.dumps(tests).encode()).decode()


def some(*given):
    """Tests, of no particular service."""
    return encoded([{"service": "was-{color}", **each} for each in given])


def prober(app, *given, host=None):
    return SmokeRun(some(*given), lambda test: [(app.url, host)])


def test_what_is_asked(app):
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json", "X-Api-Version": 1.5}
    ours = {"path": "/orders?dry=1", "method": "POST", "headers": headers, "body": '{"item": "ä"}', "status": 200}
    (result,) = prober(app, ours, host="shop.example").ask_all()
    assert result == {
        "service": "was-{color}",
        "request": f"POST {app.url}/orders?dry=1",
        "attempts": 1,
        "status": 200,
        "problem": None,
        "answer": "",
    }
    asked = app.asked[0]
    assert (asked["method"], asked["path"], asked["body"]) == ("POST", "/orders?dry=1", '{"item": "ä"}')
    assert asked["headers"]["Host"] == "shop.example"
    assert asked["headers"].items() >= {name: str(value) for name, value in headers.items()}.items()


def test_a_host_header_of_the_test_s_own(app):
    prober(app, {"headers": {"host": "other.example"}}, host="shop.example").ask_all()
    assert [value for name, value in app.asked[0]["headers"].items() if name.lower() == "host"] == ["other.example"]


@pytest.mark.parametrize(
    "statuses, retries, attempts, passed",
    [([500, 500, 200], 3, 3, True), ([500], 3, 4, False), ([500, 200], 0, 1, False)],
)
def test_retries(statuses, retries, attempts, passed, app):
    app.statuses = statuses
    (result,) = prober(app, {"retries": retries}).ask_all()
    assert (result["attempts"], result["problem"] is None) == (attempts, passed)


def test_no_answer_at_all():
    (result,) = SmokeRun(some({"retries": 0}), lambda test: [("http://127.0.0.1:1", None)]).ask_all()
    assert (result["status"], result["attempts"]) == (None, 1)
    assert result["problem"].startswith("no answer: ")


def test_an_answer_is_shown_in_one_short_line(app):
    app.statuses = [500]
    (result,) = prober(app, {"path": "/", "method": "POST", "body": "a\n\x1b[2J" * 900, "retries": 0}).ask_all()
    assert len(result["answer"]) == EXCERPT
    assert result["answer"].isprintable()


def test_an_answer_that_does_not_end(app, monkeypatch):
    monkeypatch.setattr(smoke_run, "PATIENCE", 0.2)
    (result,) = prober(app, {"path": "/endless", "retries": 0}).ask_all()
    assert result["problem"] == "no answer: no complete answer within 0.2 s"
    assert send_request(app.url + "/endless", 5, longest=0).status == 200


LOCATIONS = [{"path": "/api", "service": "api"}, {"path": "/", "service": "was"}, {"path": "/api/ws", "service": "ws"}]


@pytest.mark.parametrize(
    "locations, service, path, bases",
    [
        ([], "was", "/health", [("http://nginx:80", "shop.example")]),
        ([], "api", "/health", [("http://nginx:80", "shop.example")]),
        (LOCATIONS, "was", "/health?deep=1", [("http://nginx:80", "shop.example")]),
        (LOCATIONS, "api", "/api/health", [("http://nginx:80", "shop.example")]),
        (LOCATIONS, "ws", "/api/ws/health", [("http://nginx:80", "shop.example")]),
        (LOCATIONS, "api", "/health", ["a replica of api"]),
        (LOCATIONS, "ws", "/api", ["a replica of ws"]),
        (LOCATIONS[:1], "was", "/health", ["a replica of was"]),
    ],
)
def test_what_is_asked_through_nginx(locations, service, path, bases):
    """By the path of the test, whatever path the URL has; straight where nginx would ask another service."""
    url = {"url": "http://nginx:80/api?proof=1", "host": "shop.example"}
    through = nginx_address(url, locations, lambda test: ["a replica of " + test["service"]])
    assert through({"service": service, "path": path}) == bases


def test_no_replica():
    (result,) = SmokeRun(some({}), lambda test: []).ask_all()
    assert result["problem"] == "no container of that service runs"


def test_each_test_is_asked_of_each_replica(app):
    replicas = SmokeRun(some({"path": "/a"}, {"path": "/b"}), lambda test: [(app.url, None)] * 3)
    assert [result["request"][-2:] for result in replicas.ask_all()] == ["/a"] * 3 + ["/b"] * 3
    assert len(app.asked) == 6


@pytest.mark.parametrize(
    "given, word",
    [
        ("!", "can't be read"),
        (encoded({"service": "was"}), "list"),
        (encoded([{"path": "/"}]), "service"),
        (encoded([{"service": "was", "status": "many"}]), "status"),
        (encoded([{"service": "was", "colour": "blue"}]), "colour"),
        (encoded([{"service": "was", "jmespath": "a b"}]), "jmespath is 'a b': it is not a JMESPath expression"),
    ],
)
def test_what_is_no_test(given, word):
    with pytest.raises(SmokeError, match="bluegreen_smoke_tests") as error:
        parse_smoke_tests(given)
    assert word in str(error.value)


def test_a_list_that_was_handed_in_as_text():
    assert parse_smoke_tests(encoded('[{"service": "was", "status": "204"}]'))[0]["status"] == 204


def rounds(app, statuses, allowed, until):
    app.statuses = statuses
    said = []
    with SmokeWatch(prober(app, {}), allowed, said.append) as baker:
        end = time.monotonic() + 5
        while not until(baker):
            assert time.monotonic() < end
            time.sleep(0.005)
    assert said and all(text.startswith("smoke test ") for text in said) or not baker.failures
    return baker


def test_each_replica_is_asked_once(monkeypatch):
    edges = [["10.0.0.2", "[fd00::2]"], ["10.0.0.3", "[fd00::3]"]]
    containers = [{"service": "was-blue", "networks": {"edge": {"addresses": addresses}}} for addresses in edges]
    monkeypatch.setattr(smoke_run, "containers_of_run", lambda *_arguments: containers)
    state = SimpleNamespace(app="shop", journal={"unfinished": {"color": "blue", "services": [SERVICE]}})
    bases = replica_addresses(None, state, {"network": "edge", "nginx_mode": "container"})
    assert bases({"service": "was-{color}"}) == [("http://10.0.0.2:3000", None), ("http://10.0.0.3:3000", None)]


def test_rounds_that_pass_are_no_objection(app):
    baker = rounds(app, [200], 0, lambda baker: baker.rounds >= 3)
    assert baker.objection() is None
    assert baker.failures == []


def test_rounds_that_fail_are_one_above_what_is_allowed(app):
    baker = rounds(app, [200, 500, 200, 500, 500], 2, lambda baker: baker.objection())
    assert "the status is 500, not 200" in baker.objection()
    assert baker.objection().endswith("rounds failed, 2 allowed)")
    assert len(baker.failures) >= 3 and baker.rounds >= 5
    assert rounds(app, [500, 200], 1, lambda baker: baker.rounds >= 3).objection() is None


def test_a_baker_that_breaks_is_an_objection():
    baker = SmokeWatch(None, 5, None)
    with baker:
        baker._thread.join()
    assert baker.objection().startswith("the smoke tests could not be checked: AttributeError")


def test_no_thread_is_left_when_one_fails():
    ended = []

    def call(seconds):
        if not seconds:
            raise ValueError("it fails first")
        time.sleep(seconds)
        ended.append(seconds)

    with pytest.raises(ValueError, match="it fails first"):
        smoke_run.at_once(call, [0, 0.2])
    assert ended == [0.2]
