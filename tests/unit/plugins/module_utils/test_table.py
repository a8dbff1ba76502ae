# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._table import cut, table


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("green", 5, "green"), ("green", 4, "gre…"), ("", 3, ""), ("green", 1, "…")],
)
def test_cut(text, width, shown):
    assert cut(text, width) == shown


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([("run", "took")], ["run  took"]),
        ([("run", "took"), ("deploy", "1.2 s"), ("abort", "")], ["run     took", "deploy  1.2 s", "abort"]),
        # The widest column gives way, to no less than it needs.
        ([("a", "b"), ("x" * 70, "y" * 40)], ["a" + " " * 59 + "b", "x" * 57 + "…  " + "y" * 40]),
        ([("a", "b"), ("x" * 300, "y" * 300)], ["a" + " " * 50 + "b", "x" * 48 + "…  " + "y" * 48 + "…"]),
        # More columns than fit: what is beyond the width is cut.
        ([("c" * 9,) * 20], [("cccccc…  "[:5] + "…  ") * 12 + "ccc…"]),
    ],
)
def test_table(rows, lines):
    found = table(rows)
    assert found == lines
    assert max(map(len, found)) <= 100


def test_an_indent_counts():
    assert table([("x" * 200,)], "  ") == ["  " + "x" * 97 + "…"]
