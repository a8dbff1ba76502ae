# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request, as a client of the app would make it, and the one that is part of a swap's proof."""

from __future__ import annotations

import http.client
import ssl
import time
import typing as t
from urllib.parse import urlsplit

from ansible_collections.hotswap.compose.plugins.module_utils._edge import EdgeError

PATIENCE = 3.0
"""s in which nginx must bring an answer of the app; it may still be looking a name up."""

# What nginx itself says where it can't reach the app.
_NOT_FROM_THE_APP = (502, 503, 504)


LONGEST_BODY = 1 << 20
"""Bytes of an answer that are read."""


class Answer(t.NamedTuple):
    status: int
    body: str


def ask(url, timeout, host=None, method="GET", headers=None, body=None, longest=LONGEST_BODY):
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
        return Answer(response.status, _read(response, longest, deadline).decode("utf-8", "replace"))
    finally:
        connection.close()


def _read(response, longest, deadline):
    body = b""
    while len(body) < longest:
        chunk = response.read1(longest - len(body))
        if not chunk:
            break
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError("its body does not end")
    return body


def wait_for_answer(url, host):
    """Return once the app answers through nginx. Raises EdgeError where it does not within PATIENCE."""
    began = time.monotonic()
    while True:
        try:
            status = ask(url, PATIENCE, host, longest=0).status
            said = f"status {status}"
            if status not in _NOT_FROM_THE_APP:
                return
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
        if time.monotonic() - began > PATIENCE:
            raise EdgeError(
                "nginx brings no answer of the app from {} (host {}): {}".format(url, host or "of the URL", said)
            )
        time.sleep(0.1)
