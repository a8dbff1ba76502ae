# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Generate a load that never retries, so each dropped request is counted: `load.py --duration 10 --out report.json`.

A request is dropped if its connection is refused, reset, or closed before the whole response, or if the response is
garbled or late. If the server announced that it closes a connection, the client opens a new one; that is not a drop.
Answers other than 2xx are counted separately. An upload is one request whose body is sent slowly. The handshake of a
WebSocket is a request; a WebSocket that ends before the load stops was cut.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import collections
import contextlib
import datetime
import json
import math
import os
import signal
import time
import urllib.parse

TIMEOUT = 10.0  # s, for a whole request (added to the seconds of a slow one) and for a WebSocket's echo
PING_INTERVAL = 0.5  # s
FRESH_PAUSE = 0.02  # s: such a client uses 50 ports a second, and each port stays reserved for a minute
PAUSE_AFTER_DROP = 0.05  # s: otherwise a closed port gets thousands of requests a second
DROPS_KEPT = 50
UPLOAD = 400_000  # bytes: nginx writes such a body to a file before it connects to the app
UPLOAD_PAUSE = 0.1  # s, between two pieces of the body
ORDER = json.dumps({"order": "x" * 2000}).encode("ascii")
# Latencies are counted in buckets 2 % wide, so memory does not grow with time.
BUCKET = math.log(1.02)
REASONS = (
    (asyncio.TimeoutError, "timeout"),  # must be first: from Python 3.11 on it is an OSError
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "reset"),
    (EOFError, "closed before a full response"),
)
KINDS = ("get", "post", "fresh", "slow", "upload", "websocket")
COUNTS = ("requests", "dropped", "errors_5xx", "other_non_2xx")

Response = collections.namedtuple("Response", "status headers reusable")


class Kind:
    """The counts and latencies of the clients of one kind."""

    def __init__(self):
        self.counts = dict.fromkeys(COUNTS, 0)
        self.slowest = 0.0
        self.buckets = collections.Counter()

    def took(self, seconds):
        self.slowest = max(self.slowest, seconds)
        self.buckets[round(math.log(max(seconds, 1e-6)) / BUCKET)] += 1

    def percentile(self, share):
        wanted = share * sum(self.buckets.values())
        for bucket in sorted(self.buckets):
            wanted -= self.buckets[bucket]
            if wanted <= 0:
                return min(math.exp(bucket * BUCKET), self.slowest)
        return 0.0

    def report(self):
        seconds = {"p50_ms": self.percentile(0.50), "p99_ms": self.percentile(0.99), "max_ms": self.slowest}
        return {**self.counts, **{name: round(value * 1000, 2) for name, value in seconds.items()}}


class Wire:
    """One connection to the server, opened by the first request and again after it was closed."""

    reader = writer = None

    async def ask(self, server, message, send_body=None):
        """Send a request; return its response.

        ``send_body(writer)`` sends the body while this waits for the response.
        """
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(*server)
        self.writer.write(message)
        if send_body is None:
            return await read_response(self.reader)
        sending = asyncio.ensure_future(send_body(self.writer))
        try:
            return await read_response(self.reader)  # it may arrive before the whole body is sent
        finally:
            sending.cancel()

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


class Load:
    """All clients of one run, and their common counts."""

    def __init__(self, options):
        url = urllib.parse.urlsplit(options.url)
        self.options = options
        self.server = url.hostname, url.port or 80
        self.host = options.host or url.netloc
        self.kinds = {name: Kind() for name in KINDS if getattr(options, name)}
        self.drops, self.cuts = [], []
        self.releases, self.timeline = {}, {}
        self.opened = self.messages = 0

    def count(self, kind, outcome):
        second = int(time.monotonic() - self.began)
        now = self.timeline.setdefault(second, dict.fromkeys(COUNTS, 0))
        for name in ("requests", outcome) if outcome else ("requests",):
            now[name] += 1
            self.kinds[kind].counts[name] += 1

    def answered(self, kind, response, seconds):
        good = 200 <= response.status < 300 or response.status == 101
        self.count(kind, None if good else "errors_5xx" if response.status >= 500 else "other_non_2xx")
        self.kinds[kind].took(seconds)
        if release := response.headers.get("x-release"):
            requests, first, _last = self.releases.get(release, (0, time.time(), None))
            self.releases[release] = requests + 1, first, time.time()

    def dropped(self, kind, reason):
        self.count(kind, "dropped")
        if len(self.drops) < DROPS_KEPT:
            self.drops.append({"at": utc(), "kind": kind, "reason": reason})

    def cut(self, begun, code):
        self.cuts.append({"at": utc(), "after_seconds": round(time.monotonic() - begun, 3), "code": code})

    async def ask(self, kind, wire, message, timeout=TIMEOUT, send_body=None):
        """Send one request; return its response. If it was dropped, close the wire and return None."""
        begun = time.monotonic()
        try:
            response = await asyncio.wait_for(wire.ask(self.server, message, send_body), timeout)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError, asyncio.LimitOverrunError) as failure:
            self.dropped(kind, reason_of(failure))
            wire.close()
            return None
        self.answered(kind, response, time.monotonic() - begun)
        return response

    async def http_client(self, kind, request, body=b"", keep_alive=True, timeout=TIMEOUT, pause=0.0):
        head = f"{request} HTTP/1.1\r\nHost: {self.host}\r\nConnection: {'keep-alive' if keep_alive else 'close'}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        message = head.encode("ascii") + b"\r\n" + body
        wire = Wire()
        while not self.stopping.is_set():
            response = await self.ask(kind, wire, message, timeout)
            if response and not (keep_alive and response.reusable):
                wire.close()
            await asyncio.sleep(pause if response else PAUSE_AFTER_DROP)
        wire.close()

    async def upload_client(self, delay):
        """POST bodies slowly, one after the other, each on a new connection; start after ``delay`` seconds."""
        head = f"POST /orders HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n"
        head += f"Content-Type: application/octet-stream\r\nContent-Length: {UPLOAD}\r\n\r\n"
        timeout, pause = TIMEOUT + self.options.upload_seconds, self.options.think_ms / 1000
        await self.sleep(delay)
        while not self.stopping.is_set():
            wire = Wire()
            response = await self.ask("upload", wire, head.encode("ascii"), timeout, self.send_upload)
            wire.close()
            await asyncio.sleep(pause if response else PAUSE_AFTER_DROP)

    async def send_upload(self, writer):
        """Write the body of an upload, spread over its seconds; write the rest at once when the load stops."""
        pieces = max(math.ceil(self.options.upload_seconds / UPLOAD_PAUSE), 1)
        size = math.ceil(UPLOAD / pieces)
        with contextlib.suppress(OSError):  # the reader of the response reports the closed connection
            for start in range(0, UPLOAD, size):
                await self.sleep(self.options.upload_seconds / pieces)
                writer.write(b"x" * min(size, UPLOAD - start))
                await writer.drain()

    async def sleep(self, seconds):
        """Sleep, or return when the load stops."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def websocket_client(self, number):
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        head = (
            f"GET {self.options.ws_path} HTTP/1.1\r\nHost: {self.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        )
        head += f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        while not self.stopping.is_set():
            wire = Wire()
            response = await self.ask("websocket", wire, head.encode("ascii"))
            if response and response.status == 101:
                await self.exchange(wire, number)
            wire.close()
            await asyncio.sleep(PAUSE_AFTER_DROP)

    async def exchange(self, wire, number):
        """Send pings on an open WebSocket until the load stops or the WebSocket closes."""
        begun, pongs, count = time.monotonic(), asyncio.Queue(), 0
        self.opened += 1
        listening = asyncio.ensure_future(listen(wire, pongs))
        while not (listening.done() or self.stopping.is_set()):
            count += 1
            ping = {"type": "ping", "client": number, "count": count}
            wire.writer.write(frame(1, json.dumps(ping).encode("ascii")))
            echo = asyncio.ensure_future(pongs.get())
            await asyncio.wait({echo, listening}, timeout=TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
            if echo.done() and echo.result().get("count") == count:
                self.messages += 1
                await asyncio.wait({listening}, timeout=PING_INTERVAL)
            elif not listening.done():
                self.cut(begun, "garbled echo" if echo.done() else "no echo")
                break
            echo.cancel()
        if listening.done():
            self.cut(begun, listening.result())
        elif self.stopping.is_set():
            wire.writer.write(frame(8, (1000).to_bytes(2, "big")))
            await asyncio.wait({listening}, timeout=2)
        listening.cancel()

    async def run(self):
        options, loop = self.options, asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        self.began, self.started = time.monotonic(), time.time()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        pause, wait, fresh = options.think_ms / 1000, options.slow_seconds, {"keep_alive": False, "pause": FRESH_PAUSE}
        slow = {"timeout": TIMEOUT + wait, "pause": pause}
        clients = [self.http_client("get", "GET /", pause=pause) for _client in range(options.get)]
        clients += [self.http_client("post", "POST /orders", ORDER, pause=pause) for _client in range(options.post)]
        clients += [self.http_client("fresh", "GET /", **fresh) for _client in range(options.fresh)]
        clients += [self.http_client("slow", f"GET /slow?seconds={wait:g}", **slow) for _client in range(options.slow)]
        apart = options.upload_seconds / max(options.upload, 1)  # s between the starts of two uploads
        clients += [self.upload_client(number * apart) for number in range(options.upload)]
        clients += [self.websocket_client(number) for number in range(options.websocket)]
        running = asyncio.gather(*clients)
        while not (self.stopping.is_set() or running.done()):
            left = options.duration - (time.monotonic() - self.began)
            if left <= 0 or (options.stop_file and os.path.exists(options.stop_file)):
                self.stopping.set()
            else:
                await asyncio.wait({running}, timeout=min(left, 0.1))
        await running  # let requests in flight end
        return self.report()

    def report(self):
        kinds = {name: kind.report() for name, kind in self.kinds.items()}
        if "websocket" in kinds:
            kinds["websocket"].update(opened=self.opened, messages=self.messages, cut=self.cuts)
        releases = {}
        for release, (requests, first, last) in self.releases.items():
            releases[release] = {"requests": requests, "first_at": utc(first), "last_at": utc(last)}
        return {
            "started": utc(self.started),
            "seconds": round(time.monotonic() - self.began, 3),
            "kinds": kinds,
            "total": {name: sum(kind[name] for kind in kinds.values()) for name in COUNTS},
            "drops": self.drops,
            "releases": releases,
            "timeline": [{"second": second, **counts} for second, counts in sorted(self.timeline.items())],
        }


def utc(seconds=None):
    stamp = datetime.datetime.fromtimestamp(seconds or time.time(), datetime.timezone.utc)
    return stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reason_of(failure):
    """Return a short reason for the report's `drops`."""
    for fault, reason in REASONS:
        if isinstance(failure, fault):
            return reason
    return f"{'no connection' if isinstance(failure, OSError) else 'garbled'}: {failure}"


async def read_response(reader):
    """Read one whole response. Raises ValueError if it is garbled, EOFError if it ends early."""
    status = 100
    while 100 <= status < 200 and status != 101:  # other 1xx responses precede the final one
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        version, _space, rest = lines[0].partition(" ")
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            raise ValueError(f"status line {lines[0][:60]!r}")
        status = int(rest[:3])
        headers = {}
        for line in lines[1:-2]:
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(f"header line {line[:60]!r}")
            headers[name.strip().lower()] = value.strip()
    told = headers.get("connection", "").lower()
    reusable = "close" not in told if version == "HTTP/1.1" else "keep-alive" in told
    if headers.get("transfer-encoding", "").lower() == "chunked":
        size = None
        while size != 0:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            if not (await reader.readexactly(size + 2)).endswith(b"\r\n"):
                raise ValueError("a chunk is longer than its size line")
    elif "content-length" in headers:
        await reader.readexactly(int(headers["content-length"]))
    elif status not in (101, 204, 304):
        await reader.read()  # until the server closes the connection; the response has no length
        reusable = False
    return Response(status, headers, reusable)


def frame(opcode, payload):
    """Return a masked WebSocket frame of fewer than 126 bytes; clients must mask."""
    mask = os.urandom(4)
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


async def listen(wire, pongs):
    """Put arriving pongs into the queue; return the close code when the WebSocket closes."""
    reader, writer = wire.reader, wire.writer
    try:
        while True:
            opcode, size = await reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
            payload = await reader.readexactly(size)
            opcode &= 0x0F
            if opcode == 8:
                writer.write(frame(8, payload[:2]))
                return int.from_bytes(payload[:2], "big")
            if opcode == 9:
                writer.write(frame(10, payload))
            elif opcode == 1:
                message = json.loads(payload.decode("utf-8"))
                if message.get("type") == "pong":
                    pongs.put_nowait(message)
    except (OSError, EOFError):
        return 1006  # the code that a browser reports for an end without a close frame
    except (ValueError, AttributeError):
        return "garbled"


def table(report):
    columns = (*COUNTS, "p50_ms", "p99_ms", "max_ms")
    lines = [f"{'kind':<10}" + "".join(f"{name:>14}" for name in columns)]
    for name, row in (*report["kinds"].items(), ("total", report["total"])):
        lines.append(f"{name:<10}" + "".join(f"{row.get(column, ''):>14}" for column in columns))
    if sockets := report["kinds"].get("websocket"):
        lines.append(f"WebSockets: {sockets['opened']} opened, {sockets['messages']} echoes, {len(sockets['cut'])} cut")
    for release, seen in report["releases"].items():
        lines.append(f"release {release}: {seen['requests']} answers from {seen['first_at']} to {seen['last_at']}")
    lines += [f"dropped at {drop['at']}: {drop['kind']}, {drop['reason']}" for drop in report["drops"][:5]]
    return "\n".join(lines)


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description="Generate a load that never retries, so each dropped request is counted."
    )
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="default: %(default)s")
    parser.add_argument("--host", help="the Host header; default: from --url")
    parser.add_argument("--get", type=int, default=16, help="clients: GET / over a kept connection")
    parser.add_argument("--post", type=int, default=8, help="clients: POST /orders over a kept connection")
    parser.add_argument("--fresh", type=int, default=4, help="clients: GET / over a new connection each time")
    parser.add_argument("--slow", type=int, default=4, help="clients: GET /slow")
    parser.add_argument("--slow-seconds", type=float, default=3.0)
    parser.add_argument("--upload", type=int, default=4, help="clients: POST /orders, the body sent slowly")
    parser.add_argument("--upload-seconds", type=float, default=3.0, help="how long a body takes; default: %(default)s")
    parser.add_argument("--websocket", type=int, default=4, help="clients: a WebSocket each, a ping every 0.5 s")
    parser.add_argument("--ws-path", default="/ws")
    parser.add_argument("--think-ms", type=float, default=1.0, help="pause of a client after each answer")
    parser.add_argument("--duration", type=float, required=True, help="seconds; SIGTERM and SIGINT end it sooner")
    parser.add_argument("--stop-file", help="end as soon as this file exists")
    parser.add_argument("--out", help="write the report here, as JSON")
    options = parser.parse_args(arguments)
    url = urllib.parse.urlsplit(options.url)
    if url.scheme != "http" or not url.hostname:
        parser.error(f"--url must be http://host[:port], not {options.url!r}")
    return options


def main():
    options = parse()
    report = asyncio.run(Load(options).run())
    if options.out:
        with open(options.out + ".part", "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
        os.replace(options.out + ".part", options.out)  # a reader never sees half a report
    print(table(report))


if __name__ == "__main__":
    main()
