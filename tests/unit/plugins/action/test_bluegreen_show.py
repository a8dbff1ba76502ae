# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.action.bluegreen_show import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("release  v2\nblue     stopped", "release  v2\nblue     stopped"),
        ("Größe: 3 µs", "Größe: 3 µs"),
        ("a\tb", "a   b"),
        ("\x1b[31mred\x1b[0m", " [31mred [0m"),
        ("done\rnot done", "done not done"),
        ("\x9b2J\u202egnp.exe", " 2J gnp.exe"),
    ],
)
def test_nothing_is_printed_that_a_terminal_obeys(text, shown):
    assert printable(text) == shown
