# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A tiny application that boots at once; BEHAVIOUR says what it is.

healthy; errs (answers every fifth request by 500); never-healthy; exit and crash: before it is ready; and, from its
first request of / on: dies (2 s later), dies-once, fails (500 at /smoke), sickens (is unhealthy); hostile (see
hostile.py). BOOT: the seconds until it serves. With the argument "probe": what the health check of a hostile one
prints.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import os
import signal
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import hostile

BEHAVIOUR = os.environ.get("BEHAVIOUR") or "healthy"
RELEASE = os.environ.get("BLUEGREEN_RELEASE", "")
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
USED = threading.Event()
COUNT = itertools.count(1)
NAMES = ("BLUEGREEN_RELEASE", "BLUEGREEN_COLOR", "BEHAVIOUR", "GREETING", "HOSTNAME")
SAID = {name: os.environ.get(name, "") for name in NAMES}
"""What it answers, and since when it serves, in s since the epoch."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.websocket()
            return
        url = urllib.parse.urlsplit(self.path)
        if BEHAVIOUR == "hostile" and url.path != "/":
            self.close_connection = True
            with contextlib.suppress(OSError):
                hostile.answer(url.path, self.wfile)
            return
        if url.path == "/slow":
            time.sleep(float(urllib.parse.parse_qs(url.query)["seconds"][0]))
        if url.path == "/" and not USED.is_set():
            USED.set()
            threading.Thread(target=first_used).start()
        body = json.dumps(SAID).encode()
        if url.path == "/large":
            body *= 1 + int(urllib.parse.parse_qs(url.query)["bytes"][0]) // len(body)
        fails = BEHAVIOUR == "fails" and url.path == "/smoke" and USED.is_set()
        errs = BEHAVIOUR == "errs" and next(COUNT) % 5 == 0
        self.send_response(500 if fails or errs else 200)
        self.send_header("X-Release", RELEASE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def websocket(self):
        """Frames are masked and shorter than 126 bytes, as tools/load.py sends them."""
        accept = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + GUID).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.send_header("X-Release", RELEASE)
        self.end_headers()
        self.close_connection = True
        while head := self.rfile.read(2):
            mask, payload = self.rfile.read(4), self.rfile.read(head[1] & 0x7F)
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
            if head[0] & 0x0F == 8:
                self.wfile.write(bytes([0x88, len(payload)]) + payload)
                return
            pong = json.dumps({**json.loads(payload), "type": "pong"}).encode()
            self.wfile.write(bytes([0x81, len(pong)]) + pong)

    def log_message(self, *args):
        """No line a request: the evidence of a refused release is what else is in the log."""


def first_used():
    once = BEHAVIOUR == "dies-once" and not os.path.exists("/tmp/died")
    if BEHAVIOUR == "dies" or once:
        time.sleep(2)
        open("/tmp/died", "w").close()
        print("out of luck", flush=True)
        os._exit(5)
    if BEHAVIOUR == "sickens":
        os.remove("/tmp/healthy")


def main():
    # Process 1 has no default action for it.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(f"release {RELEASE} boots and is {BEHAVIOUR}", flush=True)
    if BEHAVIOUR == "hostile":
        hostile.print_log()
    if BEHAVIOUR == "exit":
        sys.exit(3)
    if BEHAVIOUR == "crash":
        time.sleep(0.4)
        sys.exit(4)
    time.sleep(float(os.environ.get("BOOT") or 0))
    SAID["SINCE"] = time.time()
    if BEHAVIOUR != "never-healthy":
        open("/tmp/healthy", "w").close()  # what the health check looks for
    ThreadingHTTPServer.request_queue_size = 256  # a reload has nginx open all its connections anew, at once
    ThreadingHTTPServer(("", 3000), Handler).serve_forever()


if __name__ == "__main__":
    if sys.argv[1:] == ["probe"]:
        sys.exit(hostile.TEXT.encode("utf-8", "replace").decode())
    main()
