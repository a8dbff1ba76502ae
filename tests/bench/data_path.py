# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests a second, p99 and WebSocket messages through the role's configuration, beside a plain upstream block.

The same nginx has both, and both reach the same containers. ApacheBench sends the requests. The app that answers them
is an nginx too, so that the nginx in front is what limits them.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import tempfile
import time

from measure import at_least, median, shop, table
from sites import NGINX, until

FAST_APP = """\
services:
  web-@color@:
    image: @image@
    volumes: ["@conf@:/etc/nginx/conf.d:ro"]
    healthcheck: {test: [CMD, test, -e, /run/nginx.pid]}
"""
FAST_CONF = "access_log off; server { listen 3000; location / { return 200 'an answer'; } }\n"
PLAIN = """\
upstream plain-web { server @web@:3000; keepalive 32; }
upstream plain-api { server @api@:3000; keepalive 32; }
server {
    listen 80;
    server_name plain.example;
    location / {
        proxy_pass http://plain-web;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }
    location /ws {
        proxy_pass http://plain-api;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
    }
}
"""
OURS, BESIDE = "ours.example", "plain.example"
REQUESTS = 80000
SECONDS = 4  # of WebSocket messages
WHAT = ("requests a second", "p99 of the requests, ms", "WebSocket messages a second")


def ask(site, host):
    """Return requests a second and p99 in ms of ApacheBench, by 8 kept connections."""
    with tempfile.NamedTemporaryFile(mode="r") as percentiles:
        argv = ["ab", "-q", "-k", "-c", "8", "-n", str(REQUESTS), "-H", f"Host: {host}", "-e", percentiles.name]
        said = subprocess.run(
            [*argv, f"http://127.0.0.1:{site.port}/"], check=True, capture_output=True, text=True
        ).stdout
        p99 = next(line.split(",")[1] for line in percentiles if line.startswith("99,"))
    assert "Non-2xx" not in said and re.search(r"Failed requests:\s+0\n", said), said
    return float(re.search(r"Requests per second:\s+([\d.]+)", said).group(1)), float(p99)


def echo(site, host):
    """Return how many messages a second one WebSocket sends and gets back, one after the other."""
    with socket.create_connection(("127.0.0.1", site.port), 10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        reader = connection.makefile("rb")
        status = reader.readline()
        assert b" 101 " in status, status
        while reader.readline() != b"\r\n":
            pass
        payload = json.dumps({"n": 1}).encode()
        frame = bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload
        count, began = 0, time.monotonic()
        while time.monotonic() < began + SECONDS:
            connection.sendall(frame)
            reader.read(reader.read(2)[1])
            count += 1
        return count / SECONDS


def deploy(site):
    """Deploy the fast app with its virtual host, and add the plain block for the same containers."""
    conf = site.directory / "fast"
    conf.mkdir()
    (conf / "fast.conf").write_text(FAST_CONF)
    fast = FAST_APP.replace("@image@", NGINX).replace("@conf@", str(conf))
    for color in ("blue", "green"):
        (site.src / f"fast.{color}.yml").write_text(site.text(fast, color))
    locations = [
        {"path": "/", "service": "web-{color}"},
        {"path": "/ws", "service": "api-{color}", "websocket": True},
    ]
    site.deploy(
        "v2",
        compose_files=["compose.{color}-deploy.yml", "fast.{color}.yml"],
        vhost={"server_names": [OURS], "locations": locations},
    ).succeeded()
    running = [one for one in site.containers().values() if one.status == "running"]
    names = {one.labels["com.docker.compose.service"].partition("-")[0]: one.name for one in running}
    before = site.workers()
    site.write("plain.conf", PLAIN.replace("@web@", names["web"]).replace("@api@", names["api"]))
    site.nginx.exec_run(["nginx", "-s", "reload"])
    until(lambda: not site.workers() & before, "nginx has its new configuration alone", 30)


def main(repeats):
    found = {OURS: [], BESIDE: []}
    with shop("data") as site:
        deploy(site)
        for host in found:
            ask(site, host)  # the first requests open the connections to the app
        for number in range(repeats):
            for host in (OURS, BESIDE) if number % 2 else (BESIDE, OURS):
                found[host].append((*ask(site, host), echo(site, host)))
    rows = []
    for number, name in enumerate(WHAT):
        mine, plain = ([each[number] for each in found[host]] for host in (OURS, BESIDE))
        ratio = median([one / other for one, other in zip(mine, plain)])  # of measurements one after the other
        target = None if "p99" in name else at_least(0.97, ratio)
        rows.append([name, median(mine), median(plain), ratio, target])
    return {"Data path": table(["", "this role", "plain block", "ratio", "target"], rows)}, found
