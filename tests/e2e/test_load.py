# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""tools/load.py against a server that misbehaves in each way that must be counted, and in those that must not."""

from __future__ import annotations

import base64
import hashlib
import json
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

LOAD = pathlib.Path(__file__).resolve().parents[2] / "tools" / "load.py"
NO_CLIENTS = {"get": 0, "post": 0, "fresh": 0, "slow": 0, "upload": 0, "websocket": 0}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers every request by `answer(connection, head)`, which returns whether the connection stays open."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _peer = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                while head := self.read_request(connection):
                    self.requests += 1
                    if not self.answer(connection, head):
                        return
            except OSError:
                return

    @staticmethod
    def read_request(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            part = connection.recv(65536)
            if not part:
                return None
            head += part
        head, _end, body = head.partition(b"\r\n\r\n")
        wanted = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
        while wanted and len(body) < wanted[0]:
            body += connection.recv(65536)
        return head


@pytest.fixture
def serve():
    servers = []

    def start(answer):
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.listener.close()


def arguments(port, out, duration, **options):
    chosen = {**NO_CLIENTS, **options}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in chosen.items()]
    return [
        sys.executable,
        str(LOAD),
        f"--url=http://127.0.0.1:{port}",
        f"--duration={duration}",
        f"--out={out}",
        *flags,
    ]


@pytest.fixture
def load(tmp_path):
    def run(port, duration=0.4, **options):
        out = tmp_path / "report.json"
        subprocess.run(arguments(port, out, duration, **options), check=True, timeout=30, capture_output=True)
        return json.loads(out.read_text())

    return run


def saying(answer, stays=True):
    def send(connection, head):
        connection.sendall(answer)
        return stays

    return send


def resets(connection, head):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(resets, "reset", id="reset"),
        pytest.param(saying(b"", False), "closed before a full response", id="closed at once"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nCont", False), "closed before a full response", id="half a head"),
        pytest.param(saying(OK[:-1], False), "closed before a full response", id="half a body"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", False),
            "closed before a full response",
            id="half a chunk",
        ),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", False),
            "closed before a full response",
            id="no last chunk",
        ),
        pytest.param(saying(b"SSH-2.0-x\r\n\r\n"), "garbled: status line", id="no HTTP"),
        pytest.param(saying(b"HTTP/1.1 abc\r\n\r\n"), "garbled: ", id="no status"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"), "garbled: header line", id="no header"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n"), "garbled: ", id="no length"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n"),
            "garbled: a chunk",
            id="long chunk",
        ),
    ],
)
def test_each_drop_is_counted_and_none_is_retried(serve, load, answer, reason):
    server = serve(answer)
    report = load(server.port, get=1, post=1, fresh=1)
    for seen in report["kinds"].values():
        assert seen["requests"] == seen["dropped"] > 1
    assert report["total"]["requests"] == report["total"]["dropped"] == server.requests
    assert {drop["kind"] for drop in report["drops"]} == {"get", "post", "fresh"}
    assert all(drop["reason"].startswith(reason) for drop in report["drops"])
    assert sum(second["dropped"] for second in report["timeline"]) == server.requests


def test_a_refused_connection_is_a_drop(load):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    report = load(port, get=1)
    assert report["total"]["dropped"] == report["total"]["requests"] > 1
    assert report["drops"][0]["reason"] == "refused"


def test_no_answer_in_ten_seconds_is_a_drop(serve, load):
    server = serve(lambda connection, head: time.sleep(12))
    report = load(server.port, get=1)
    assert report["total"]["dropped"] == server.requests == 1
    assert report["drops"][0]["reason"] == "timeout"
    assert 10 <= report["seconds"] < 12


def test_only_the_first_drops_are_told_but_all_are_counted(serve, load):
    server = serve(saying(b"", False))
    report = load(server.port, duration=0.8, get=10)
    assert len(report["drops"]) == 50 < report["total"]["dropped"] == server.requests


def test_a_keep_alive_connection_closed_unsaid_is_one_drop(serve, load):
    """It answers well, then closes without having said so: the next request is lost, as behind a plain reload."""
    server = serve(saying(OK, False))
    report = load(server.port, get=1)
    seen = report["kinds"]["get"]
    assert seen["requests"] - seen["dropped"] == server.requests > 1
    assert server.requests - seen["dropped"] in (0, 1)  # each answer is followed by a drop, the last one perhaps not


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["Connection: close", "no length", "HTTP/1.0"],
)
def test_a_close_that_was_said_is_no_drop(serve, load, answer):
    server = serve(saying(answer, False))
    report = load(server.port, get=1, post=1)
    assert report["total"]["dropped"] == 0
    assert report["total"]["requests"] == server.requests == server.connections > 10


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\no\r\n1\r\nk\r\n0\r\n\r\n",
    ],
    ids=["length", "no content", "early hints", "chunked"],
)
def test_a_kept_connection_is_kept(serve, load, answer):
    server = serve(saying(answer))
    report = load(server.port, get=2)
    assert report["total"]["dropped"] == 0
    assert report["total"]["requests"] == server.requests > 10
    assert server.connections == 2


def test_bad_answers_are_counted_apart_from_drops(serve, load):
    def answer(connection, head):
        status = b"502 Bad Gateway" if head.startswith(b"POST") else b"404 Not Found"
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        return True

    report = load(serve(answer).port, get=1, post=1)
    get, post = report["kinds"]["get"], report["kinds"]["post"]
    assert (get["dropped"], get["errors_5xx"], get["other_non_2xx"]) == (0, 0, get["requests"])
    assert (post["dropped"], post["errors_5xx"], post["other_non_2xx"]) == (0, post["requests"], 0)


def test_releases_are_told_in_order(serve, load):
    switch = time.monotonic() + 0.6

    def answer(connection, head):
        release = b"v1" if time.monotonic() < switch else b"v2"
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Release: " + release + b"\r\nContent-Length: 2\r\n\r\nok")
        return True

    report = load(serve(answer).port, duration=1.2, get=1)
    assert list(report["releases"]) == ["v1", "v2"]
    assert report["releases"]["v1"]["last_at"] <= report["releases"]["v2"]["first_at"]
    assert sum(seen["requests"] for seen in report["releases"].values()) == report["total"]["requests"]


def test_requests_in_flight_end_at_the_stop(serve, load):
    def answer(connection, head):
        time.sleep(1)
        connection.sendall(OK)
        return True

    report = load(serve(answer).port, duration=0.3, slow=3, slow_seconds=1)
    assert report["kinds"]["slow"]["requests"] == 3
    assert report["kinds"]["slow"]["dropped"] == 0
    assert 900 < report["kinds"]["slow"]["p50_ms"] <= report["kinds"]["slow"]["max_ms"] < 2000


def test_uploads_overlap_and_take_their_time(serve, load):
    server = serve(saying(OK))
    report = load(server.port, duration=1.9, upload=4, upload_seconds=0.8)
    seen = report["kinds"]["upload"]
    assert seen["requests"] == server.requests == server.connections >= 8
    assert seen["dropped"] == report["total"]["errors_5xx"] == 0
    assert 800 <= seen["max_ms"] < 1500
    assert max(second["requests"] for second in report["timeline"]) < seen["requests"]  # one after the other begins


def test_an_upload_in_flight_sends_the_rest_at_the_stop(serve, load):
    server = serve(saying(OK))
    report = load(server.port, duration=0.5, upload=2, upload_seconds=20)
    seen = report["kinds"]["upload"]
    assert (seen["requests"], seen["dropped"], server.requests) == (1, 0, 1)  # the second begins after 10 s
    assert 400 < seen["max_ms"] < 2000


def before_the_body(answer):
    """Answer an upload while its body is being sent, and close; None resets the connection."""

    def serve(connection):
        with connection:
            connection.recv(65536)
            if answer is None:
                resets(connection, b"")
                return
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    return serve


@pytest.mark.parametrize(
    ("answer", "counted", "reason"),
    [
        (None, "dropped", "reset"),
        (b"", "dropped", "closed before a full response"),
        (b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", "other_non_2xx", None),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "errors_5xx", None),
    ],
    ids=["reset", "closed", "413", "502"],
)
def test_an_upload_that_ends_early_is_counted_once(serve, load, answer, counted, reason):
    server = serve(None)
    server.serve = before_the_body(answer)
    report = load(server.port, duration=0.5, upload=1, upload_seconds=5)
    seen = report["kinds"]["upload"]
    assert seen["requests"] == seen[counted] == report["total"][counted] == server.connections > 1
    assert {drop["reason"] for drop in report["drops"]} == ({reason} if reason else set())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, "stop file"])
def test_it_can_be_stopped_and_still_reports(serve, tmp_path, how):
    out, stop = tmp_path / "report.json", tmp_path / "stop"
    server = serve(saying(OK))
    command = arguments(server.port, out, 60, get=2, stop_file=stop)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while not server.requests:
            assert process.poll() is None
            time.sleep(0.1)
        stop.touch() if how == "stop file" else process.send_signal(how)
        table, _errors = process.communicate(timeout=5)
    assert process.returncode == 0
    assert table.startswith("kind ")
    report = json.loads(out.read_text())
    assert report["total"]["dropped"] == 0 < report["total"]["requests"]
    assert report["seconds"] < 10


def test_a_url_it_cannot_use_is_refused(tmp_path):
    command = [sys.executable, str(LOAD), "--duration=1", "--url=https://127.0.0.1"]
    done = subprocess.run(command, check=False, timeout=10, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--url must be http://host[:port]" in done.stderr


def upgrade(connection, head):
    key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def read_frame(connection):
    """Opcode and payload of one masked frame, as a server must read it."""
    opcode, size = connection.recv(2, socket.MSG_WAITALL)
    assert size & 0x80, "a client's frame is masked"
    mask = connection.recv(4, socket.MSG_WAITALL)
    masked = connection.recv(size & 0x7F, socket.MSG_WAITALL)
    return opcode & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))


def echo(connection):
    _opcode, payload = read_frame(connection)
    pong = json.dumps({**json.loads(payload), "type": "pong", "padding": "x" * 200}).encode()
    connection.sendall(bytes([0x81, 126]) + struct.pack("!H", len(pong)) + pong)


def test_a_websocket_that_lasts_is_closed_by_us_and_not_cut(serve, load):
    codes = []

    def answer(connection, head):
        upgrade(connection, head)
        echo(connection)
        connection.sendall(b"\x89\x02hi")  # a ping in between wants its pong
        assert read_frame(connection) == (10, b"hi")
        echo(connection)
        opcode, payload = read_frame(connection)
        codes.append((opcode, struct.unpack("!H", payload)[0]))
        connection.sendall(b"\x88\x02" + payload)

    report = load(serve(answer).port, duration=0.8, websocket=1)
    sockets = report["kinds"]["websocket"]
    assert codes == [(8, 1000)]
    assert (sockets["opened"], sockets["messages"], sockets["cut"], sockets["dropped"]) == (1, 2, [], 0)


@pytest.mark.parametrize(("ending", "code"), [(b"\x88\x02" + struct.pack("!H", 1001), 1001), (b"", 1006)])
def test_a_websocket_that_ends_is_cut_with_its_code(serve, load, ending, code):
    def answer(connection, head):
        upgrade(connection, head)
        echo(connection)
        connection.sendall(ending)

    server = serve(answer)
    report = load(server.port, duration=0.5, websocket=1)
    sockets = report["kinds"]["websocket"]
    assert sockets["opened"] == len(sockets["cut"]) == sockets["messages"] == server.connections > 1
    assert {cut["code"] for cut in sockets["cut"]} == {code}
    assert all(0 <= cut["after_seconds"] < 0.5 and cut["at"] for cut in sockets["cut"])


def test_a_websocket_that_cannot_be_opened_is_a_drop(serve, load):
    server = serve(resets)
    sockets = load(server.port, websocket=1)["kinds"]["websocket"]
    assert sockets["dropped"] == sockets["requests"] == server.requests > 1
    assert (sockets["opened"], sockets["cut"]) == (0, [])


def test_a_websocket_refused_by_the_application_is_an_error_and_not_a_drop(serve, load):
    sockets = load(serve(saying(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")).port, websocket=1)["kinds"][
        "websocket"
    ]
    assert sockets["errors_5xx"] == sockets["requests"] > 1
    assert (sockets["dropped"], sockets["opened"]) == (0, 0)
