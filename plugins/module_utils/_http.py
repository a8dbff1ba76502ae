# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request, as a client of the app would make it."""

from __future__ import annotations

import http.client
import ssl
import time
import typing as t
from urllib.parse import urlsplit

LONGEST_BODY = 1 << 20
"""Bytes of an answer that are read."""


class Answer(t.NamedTuple):
    status: int
    body: str


def send_request(url, timeout, host=None, method="GET", headers=None, body=None, longest=LONGEST_BODY):
    """Return the Answer to one request; raises OSError or HTTPException where none comes within ``timeout`` s.

    ``host``: the Host header; ``headers`` outrank it; ``longest``: bytes of the answer's body that are waited for. The
    certificate isn't checked: it is the app's answer that is asked for, not its identity.
    """
    deadline = time.monotonic() + timeout
    parts = urlsplit(url)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout, context=ssl._create_unverified_context()
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        sent = {"Host": host} if host else {}
        for name, value in (headers or {}).items():
            sent = {each: sent[each] for each in sent if each.lower() != name.lower()}
            sent[name] = str(value)
        connection.request(method, path, headers=sent, body=None if body is None else body.encode("utf-8"))
        response = connection.getresponse()
        return Answer(response.status, _read_body(response, longest, deadline).decode("utf-8", "replace"))
    finally:
        connection.close()


def _read_body(response, longest, deadline):
    body = b""
    while len(body) < longest:
        chunk = response.read1(longest - len(body))
        if not chunk:
            break
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError("its body does not end")
    return body
