# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application that counts requests in a store: `web` answers requests, `work` takes jobs, `tick` creates jobs,
`migrate` prepares the store, and `call` is a neighbour that sends requests to a URL repeatedly.

STORE: postgres://HOST, redis://HOST or file:///PATH; QUEUE, CACHE: redis://HOST; NEEDS: files that it cannot run
without. A POST increments the count. A GET returns the count and the time of the first POST. The file /release, if it
exists, contains the release.
"""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import signal
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUILT = pathlib.Path("/release")
RELEASE = BUILT.read_text().strip() if BUILT.exists() else os.environ.get("RELEASE", "")


class Postgres:
    def __init__(self, host):
        import psycopg2

        self.connection = psycopg2.connect(host=host, user="postgres", connect_timeout=10)
        self.connection.autocommit = True
        self.run("CREATE TABLE IF NOT EXISTS hits (at timestamptz DEFAULT now())")

    def run(self, statement):
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None

    def add(self):
        self.run("INSERT INTO hits DEFAULT VALUES RETURNING 1")

    def count(self):
        return self.run("SELECT count(*) FROM hits")

    def first(self):
        return self.run("SELECT min(at)::text FROM hits")


class Redis:
    def __init__(self, host):
        import redis

        self.client = redis.Redis(host, socket_timeout=10)

    def add(self):
        self.client.set("first", time.time(), nx=True)
        self.client.incr("hits")

    def count(self):
        return int(self.client.get("hits") or 0)

    def first(self):
        return (self.client.get("first") or b"").decode()


class File:
    def __init__(self, path):
        self.path = path

    def add(self):
        with open(self.path, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(f"{time.time():020.6f}\n")

    def count(self):
        return os.path.getsize(self.path) // 21 if os.path.exists(self.path) else 0

    def first(self):
        return pathlib.Path(self.path).read_text()[:20] if os.path.exists(self.path) else ""


def store():
    kind, _colon, place = os.environ["STORE"].partition("://")
    return {"postgres": Postgres, "redis": Redis, "file": File}[kind](place)


def redis_of(variable):
    import redis

    return redis.Redis(os.environ[variable].removeprefix("redis://"), socket_timeout=10)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if CACHE:
            CACHE.incr("seen")
        self.answer(STORE.count(), STORE.first())

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        STORE.add()
        self.answer(None, None)

    def answer(self, count, first):
        body = json.dumps({"release": RELEASE, "count": count, "first": first, "host": socket.gethostname()}).encode()
        self.send_response(200)
        self.send_header("X-Release", RELEASE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Log no requests."""


def work():
    """Take jobs, one at a time; count clashes with a second worker."""
    jobs, name = redis_of("QUEUE"), socket.gethostname()

    def leave(*_signal):
        redis_of("QUEUE").delete("worker")
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
        redis_of("QUEUE").rpush("jobs", "job")
        time.sleep(0.2)


def call(url):
    """Send requests repeatedly, each with a new lookup; print the counts at the end."""
    import urllib.request

    seen = {"requests": 0, "lost": 0, "releases": []}

    def leave(*_signal):
        print(json.dumps(seen))
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    while True:
        seen["requests"] += 1
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                release = json.load(response)["release"]
            if release not in seen["releases"]:
                seen["releases"].append(release)
        except OSError as error:
            seen["lost"] += 1
            print(error, file=sys.stderr)
        time.sleep(0.05)


if __name__ == "__main__":
    # Process 1 has no default action for this signal.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if sys.argv[1] == "work":
        work()
    if sys.argv[1] == "tick":
        tick()
    if sys.argv[1] == "healthy":
        with socket.create_connection(("127.0.0.1", 8000), timeout=2):
            sys.exit(0)
    if sys.argv[1] == "call":
        call(sys.argv[2])
    for path in os.environ.get("NEEDS", "").split():
        assert os.path.exists(path), f"{path} is not there"
    CACHE = redis_of("CACHE") if "CACHE" in os.environ else None
    STORE = store()
    STORE.count()
    if sys.argv[1] == "migrate":
        sys.exit(0)
    ThreadingHTTPServer.request_queue_size = 256
    ThreadingHTTPServer(("", 8000), Handler).serve_forever()
