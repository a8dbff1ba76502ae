# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application that counts what it is sent in a store: `web` takes requests, `work` takes jobs, `tick` makes them.

STORE: postgres://HOST, redis://HOST or file:///PATH; QUEUE: redis://HOST. A POST counts one, a GET says how many.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RELEASE = os.environ.get("RELEASE", "")


class Postgres:
    def __init__(self, host):
        self.host = host

    def run(self, statement):
        import psycopg2

        connection = psycopg2.connect(host=self.host, user="postgres", connect_timeout=3)
        with contextlib.closing(connection), connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS hits (at timestamptz DEFAULT now())")
            cursor.execute(statement)
            return cursor.fetchone()[0]

    def add(self):
        self.run("INSERT INTO hits DEFAULT VALUES RETURNING 1")

    def count(self):
        return self.run("SELECT count(*) FROM hits")


class Redis:
    def __init__(self, host):
        import redis

        self.client = redis.Redis(host, socket_timeout=3)

    def add(self):
        self.client.incr("hits")

    def count(self):
        return int(self.client.get("hits") or 0)


class File:
    def __init__(self, path):
        self.path = path

    def add(self):
        with open(self.path, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write("1")

    def count(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0


def store():
    kind, _colon, place = os.environ["STORE"].partition("://")
    return {"postgres": Postgres, "redis": Redis, "file": File}[kind](place)


def queue():
    import redis

    return redis.Redis(os.environ["QUEUE"].removeprefix("redis://"), socket_timeout=5)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(STORE.count())

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        STORE.add()
        self.answer(None)

    def answer(self, count):
        body = json.dumps({"release": RELEASE, "count": count, "host": socket.gethostname()}).encode()
        self.send_response(200)
        self.send_header("X-Release", RELEASE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """No line a request."""


def work():
    """Take jobs, one at a time; a second worker at the same time is noted."""
    jobs, name = queue(), socket.gethostname()

    def leave(*_signal):
        queue().delete("worker")
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    while True:
        if jobs.get("worker") not in (None, name.encode()):
            jobs.incr("clashes")
        jobs.set("worker", name, px=400)
        if jobs.lpop("jobs"):
            jobs.incr("done")
        time.sleep(0.1)


def tick():
    while True:
        queue().rpush("jobs", "job")
        time.sleep(0.2)


if __name__ == "__main__":
    # Process 1 has no default action for it.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if sys.argv[1] == "work":
        work()
    if sys.argv[1] == "tick":
        tick()
    if sys.argv[1] == "healthy":
        with socket.create_connection(("127.0.0.1", 8000), timeout=2):
            sys.exit(0)
    STORE = store()
    STORE.count()
    ThreadingHTTPServer.request_queue_size = 256
    ThreadingHTTPServer(("", 8000), Handler).serve_forever()
