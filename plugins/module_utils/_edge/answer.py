# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait until the app answers through nginx: a part of the proof of a swap."""

from __future__ import annotations

import http.client
import time

from .._errors import EdgeError
from .._http import send_request

PATIENCE = 3.0
"""Seconds in which the app must answer through nginx. nginx may still look up a name."""

# nginx answers with these itself when it can't reach the app.
_NOT_FROM_THE_APP = (502, 503, 504)


def wait_for_answer(url, host):
    """Return once the app answers through nginx. Raises EdgeError if it does not within PATIENCE."""
    began = time.monotonic()
    while True:
        try:
            status = send_request(url, PATIENCE, host, longest=0).status
            said = f"status {status}"
            if status not in _NOT_FROM_THE_APP:
                return
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
        if time.monotonic() - began > PATIENCE:
            raise EdgeError(
                "the app did not answer through nginx at {} (host {}): {}".format(url, host or "of the URL", said)
            )
        time.sleep(0.1)
