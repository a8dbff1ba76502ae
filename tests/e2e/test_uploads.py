# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The idle color is not stopped while nginx receives a request for it, even though nginx has no connection to it then.

Each request takes longer than keepalive_min_timeout, for which every drain waits. The tests build on each other.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sites import APP_IMAGE

SECONDS = 8.0
UPLOADS = ("--get=1", "--post=0", "--fresh=0", "--slow=0", "--upload=25", f"--upload-seconds={SECONDS}")  # 3 a second
DRAIN_TIMEOUT = 30

SERVERS = """\
limit_req_zone $server_name zone=limited:1m rate=6r/m;
proxy_connect_timeout 4s;
server {
    listen 80;
    server_name @host@;
    location / {
        proxy_pass http://@upstream@;
    }
    location = /limited {
        limit_req zone=limited burst=1;
        proxy_pass http://@upstream@;
    }
}
server {
    listen 80;
    server_name neighbour.example;
    location / {
        proxy_pass http://@site@-neighbour:3000;
    }
    location /unbuffered/ {
        proxy_max_temp_file_size 0;
        proxy_pass http://@site@-neighbour:3000/;
    }
}
"""
# Of the app's server: one client's connection carries several requests, and a request waits for a subrequest that the
# neighbour answers.
SOCKETS_SAY_NOTHING = """\
    http2 on;
    location = /guarded {
        auth_request /permit;
        proxy_pass http://@upstream@;
    }
    location = /permit {
        internal;
        proxy_pass http://@site@-neighbour:3000/slow?seconds=10;
    }
    location = /neighbour {
        proxy_pass http://@site@-neighbour:3000/slow?seconds=10;
    }
"""


@pytest.fixture(scope="module")
def site(site):
    """v1 serves; a neighbour, which nothing deploys, is behind the same nginx."""
    site.write("site.conf", site.text(SERVERS))
    site.docker.containers.run(APP_IMAGE, name=f"{site.name}-neighbour", network=site.network, detach=True)
    for release in ("v1", "v2"):
        site.image(release)
    site.first_deploy("v1")
    return site


def connect(site, **options):
    """Connect to nginx itself: Docker's proxy would buffer megabytes for a client that reads slowly."""
    connection = socket.socket()
    for name, value in options.items():
        connection.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    connection.settimeout(15)
    connection.connect((site.nginx.attrs["NetworkSettings"]["Networks"][site.network]["IPAddress"], 80))
    return connection


def head(method, path, host, **headers):
    """Return a request's head."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def send_slowly(connection, data, seconds=SECONDS, wrap=bytes):
    """Send the data in pieces, each wrapped, over so many seconds."""
    size = len(data) // 40
    for start in range(0, len(data), size):
        time.sleep(seconds * size / len(data))
        connection.sendall(wrap(data[start : start + size]))


def status(connection):
    """Return the status of the answer that a connection gets, 0 where none comes."""
    try:
        line = connection.recv(4096).split(b"\r\n")[0].split()
    except OSError:
        return 0
    return int(line[1]) if line else 0


def slow_header(site):
    with connect(site) as connection:
        send_slowly(connection, head("GET", "/", site.host, X_Padding="x" * 200))
        return status(connection)


def delayed(site):
    """Have a request delayed for 10 s, by limit_req."""
    with connect(site) as first, connect(site) as second:
        for connection in (first, second):
            connection.sendall(head("GET", "/limited", site.host))
        return max(status(first), status(second))


def guarded(site):
    with connect(site) as connection:
        connection.sendall(head("GET", "/guarded", site.host))
        return status(connection)


def frame(kind, flags, stream, payload=b""):
    """Return a frame of HTTP/2."""
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


def h2_headers(method, path, host, **more):
    """Return a header block of HTTP/2: literals without Huffman coding, their names from the static table."""
    names = {"path": 4, "authority": 1, "content_length": 28}
    block = {"GET": b"\x82", "POST": b"\x83"}[method] + b"\x86"
    for name, value in {"path": path, "authority": host, **more}.items():
        index = bytes([names[name]]) if names[name] < 15 else bytes([15, names[name] - 15])
        block += index + bytes([len(str(value))]) + str(value).encode()
    return block


def h2_upload(site, size=60_000):
    """Upload less than HTTP/2's first window has room for, beside a stream to the neighbour; return the status."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    with contextlib.suppress(OSError), connect(site) as connection, connection.makefile("rb") as answers:
        connection.sendall(preface + frame(4, 0, 0) + frame(1, 5, 1, h2_headers("GET", "/neighbour", site.host)))
        connection.sendall(frame(1, 4, 3, h2_headers("POST", "/orders", site.host, content_length=size)))
        send_slowly(connection, b"x" * size, wrap=lambda part: frame(0, 0, 3, part))
        connection.sendall(frame(0, 1, 3))
        while length := answers.read(3):
            kind, _flags, stream = struct.unpack("!BBI", answers.read(6))
            payload = answers.read(int.from_bytes(length, "big"))
            if (kind, stream) == (1, 3):
                # nginx sends :status as the index of a whole field, or as 8 and three digits.
                return {0x88: 200}.get(payload[0]) or int(payload[2:5])
            if (kind, stream) == (3, 3):
                return 0  # reset
    return 0


def deploy_while(site, requests):
    """Begin requests right before the swap of a deploy. Return its Run and the requests' status, by their names."""
    run = site.begin("deploy", release=site.other(), drain_timeout=DRAIN_TIMEOUT)
    run.until("swap")
    with ThreadPoolExecutor(max_workers=len(requests)) as pool:
        begun = {request.__name__: pool.submit(request, site) for request in requests}
        return run.wait().succeeded(), {name: each.result() for name, each in begun.items()}


def lost_nothing(load):
    uploads = load.report["kinds"]["upload"]
    assert uploads["requests"] >= 25
    assert (uploads["dropped"], uploads["errors_5xx"]) == (0, 0), uploads
    load.lost_nothing()
    assert len(load.releases) == 2


def test_requests_that_nginx_receives_at_the_swap(site):
    with site.load(*UPLOADS) as load:
        run, seen = deploy_while(site, [slow_header, delayed])
    lost_nothing(load)
    assert seen == {"slow_header": 200, "delayed": 200}
    assert run.result["phases"]["drain"] < DRAIN_TIMEOUT / 2
    assert run.result["warnings"] == []


def test_neighbours_downloads_do_not_hold_the_drain(site):
    """nginx answers two slow clients: it has read one answer whole and closed that connection to the neighbour, and has
    not read the other."""
    with contextlib.ExitStack() as stack:
        downloads = []
        for path in ("/large?bytes=8000000", "/unbuffered/large?bytes=8000000"):
            downloads.append(stack.enter_context(connect(site, SO_RCVBUF=4096)))
            downloads[-1].sendall(head("GET", path, "neighbour.example"))
            assert status(downloads[-1]) == 200
        run = site.deploy(site.other(), drain_timeout=DRAIN_TIMEOUT).succeeded()
        for download in downloads:
            assert sum(len(download.recv(65536)) for _part in range(100)) > 100_000
    assert run.result["phases"]["drain"] < DRAIN_TIMEOUT / 2
    assert run.result["warnings"] == []


def test_uploads_to_a_release_that_goes_back(site):
    before = site.release()
    smoke = {
        "smoke_tests": [{"service": "web-{color}", "path": "/smoke", "retries": 1}],
        "edge_url": {"url": f"http://{site.address}:{site.port}", "host": site.host},
    }
    release = {"release": site.other(), "env": {"BEHAVIOUR": "fails"}}
    with site.load(*UPLOADS) as load:
        run = site.deploy(**release, **smoke, bake_seconds=60, bake_failures=2, drain_timeout=DRAIN_TIMEOUT).failed()
    assert run.result["outcome"] == "rolled_back", run.message
    lost_nothing(load)
    site.serves(before)


def test_requests_that_share_a_connection_or_wait_for_a_subrequest(site):
    """nginx has as many connections to applications as to clients, and yet receives a request for the idle color."""
    text = SERVERS.replace("    location / {", SOCKETS_SAY_NOTHING + "    location / {", 1)
    site.write("site.conf", site.text(text))
    assert site.nginx.exec_run(["nginx", "-s", "reload"]).exit_code == 0
    run, seen = deploy_while(site, [h2_upload, guarded])
    assert seen == {"h2_upload": 200, "guarded": 200}
    assert run.result["phases"]["drain"] < DRAIN_TIMEOUT
