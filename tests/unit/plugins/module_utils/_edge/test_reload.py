# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import reload

BEFORE = {(10, 100): False, (11, 100): False}


@pytest.mark.parametrize(
    "now, done",
    [
        (BEFORE, False),
        ({**BEFORE, (12, 200): False}, False),
        ({(10, 100): True, (11, 100): True}, False),
        ({(10, 100): True, (11, 100): False, (12, 200): False}, False),
        ({(10, 100): True, (11, 100): True, (12, 200): False}, True),
        ({(12, 200): False, (13, 200): False}, True),
        ({(12, 200): True}, False),
        ({(10, 200): False}, True),  # the process id came round again
        ({}, False),
    ],
)
def test_a_reload_is_proven(now, done):
    assert reload.has_reloaded(BEFORE, now) is done


TAKEN = "2026/11/22 11:57:24 [emerg] 1#1: bind() to 0.0.0.0:81 failed (98: Address already in use)"


AGAIN = "2026/11/22 11:57:24 [notice] 1#1: try again to bind() after 500ms"


LOST = "2026/11/22 11:57:24 [emerg] 1#1: still could not bind()"


UNKNOWN = '2026/11/22 11:57:23 [emerg] 33#33: unknown directive "locatio" in /etc/nginx/conf.d/bad.conf:1'


@pytest.mark.parametrize(
    "lines, expected",
    [
        ([], None),
        ([AGAIN], None),
        ([TAKEN, AGAIN], None),
        ([TAKEN, AGAIN] * 4 + [TAKEN, LOST], f"{TAKEN}; {LOST}"),
        ([LOST], LOST),
        ([TAKEN, AGAIN, " " + UNKNOWN, LOST], UNKNOWN),
        (["2026/11/22 11:57:24 [error] 46#46: *1 connect() failed (111: Connection refused)"], None),
    ],
)
def test_when_a_reload_is_lost(lines, expected):
    assert reload.refusal_in_log("\n".join(lines)) == expected
