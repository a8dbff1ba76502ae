# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request, as a client of the app would send it."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
import typing as t
from urllib.parse import urlsplit

LONGEST_HEADER = 1 << 16
"""The most bytes of an answer's header that are read."""

LONGEST_BODY = 1 << 20
"""The most bytes of an answer's body that are read."""


class Answer(t.NamedTuple):
    status: int
    body: str


def send_request(url, timeout, host=None, method="GET", headers=None, body=None, longest=LONGEST_BODY):
    """Return the Answer to one request. Raises OSError or HTTPException if it is not complete after ``timeout``
    seconds. These cover the whole exchange, from the connection to the end of the body, even if it arrives slowly.

    ``host``: the Host header. ``headers`` outrank it; ``longest``: the most bytes of the body to wait for. The
    certificate isn't checked, because only the app's answer matters, not its identity.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port)
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    sent = {"Host": host} if host else {}
    for name, value in (headers or {}).items():
        sent = {each: sent[each] for each in sent if each.lower() != name.lower()}
        sent[name] = str(value)
    deadline = time.monotonic() + timeout
    stream = None
    try:
        stream = _Stream(_connect(connection.host, connection.port, deadline), deadline)
        if parts.scheme == "https":
            stream.encrypt(parts.hostname)
        connection.sock = stream
        connection.request(method, path, headers=sent, body=None if body is None else body.encode("utf-8"))
        stream.room = LONGEST_HEADER
        response = connection.getresponse()
        stream.room = None
        return Answer(response.status, _read_body(response, longest).decode("utf-8", "replace"))
    except socket.timeout as error:
        raise TimeoutError(f"no complete answer within {timeout:g} s") from error
    finally:
        connection.close()
        if stream:
            stream.disconnect()


class _Stream:
    """A connection for http.client whose calls all end by ``deadline`` (time.monotonic). ``room``: how many more bytes
    may be read, None for no limit."""

    def __init__(self, sock, deadline):
        self._sock = sock
        self._deadline = deadline
        self.room = None

    def encrypt(self, name):
        self._in_time()
        context = ssl._create_unverified_context()
        self._sock = context.wrap_socket(self._sock, server_hostname=name, do_handshake_on_connect=False)
        self._sock.do_handshake()

    def sendall(self, data):
        rest = memoryview(data)
        while rest:
            self._in_time()
            rest = rest[self._sock.send(rest) :]

    def makefile(self, _mode):
        return io.BufferedReader(_Reader(self))

    def receive_into(self, buffer):
        self._in_time()
        count = self._sock.recv_into(buffer)
        if self.room is not None:
            self.room -= count
            if self.room < 0:
                raise http.client.HTTPException(f"the header is longer than {LONGEST_HEADER} bytes")
        return count

    def close(self):
        """Do nothing. http.client closes the connection before the body is read, if no other request may follow."""

    def disconnect(self):
        self._sock.close()

    def _in_time(self):
        self._sock.settimeout(_time_left(self._deadline))


class _Reader(io.RawIOBase):
    def __init__(self, stream):
        super().__init__()
        self._stream = stream

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._stream.receive_into(buffer)


def _connect(host, port, deadline):
    """Return a socket that is connected to the first address of the host that accepts. Each address gets its share of
    the time."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    while True:
        family, kind, protocol, _name, address = addresses.pop(0)
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_time_left(deadline) / (len(addresses) + 1))
            sock.connect(address)
            return sock
        except BaseException as error:
            sock.close()
            if not addresses or not isinstance(error, OSError):
                raise


def _time_left(deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout("timed out")
    return left


def _read_body(response, longest):
    body = b""
    while len(body) < longest:
        chunk = response.read1(longest - len(body))
        if not chunk:
            break
        body += chunk
    return body
