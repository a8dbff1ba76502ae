# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils import _text
from ansible_collections.hotswap.compose.plugins.module_utils._text import cut_text, first_line, format_table


@pytest.mark.parametrize(
    "text, line, rest",
    [
        ("", "", []),
        ("\n \n", "", []),
        ("was-1 exited with 3", "was-1 exited with 3", []),
        ("\n  the migration   failed\n\n  at once\n", "the migration failed", ["  at once"]),
        (
            "General error: \n Error response from daemon: no\nGeneral error: another",
            "General error: Error response from daemon: no",
            ["General error: another"],
        ),
        ("a:\nb:\nc\nd", "a: b: c", ["d"]),
        ("a:\n", "a:", []),
    ],
)
def test_first_line(text, line, rest):
    assert first_line(text) == (line, rest)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("green", 5, "green"), ("green", 4, "gre…"), ("", 3, ""), ("green", 1, "…")],
)
def test_cut(text, width, shown):
    assert cut_text(text, width) == shown


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
    found = format_table(rows)
    assert found == lines
    assert max(map(len, found)) <= 100


def test_an_indent_counts():
    assert format_table([("x" * 200,)], "  ") == ["  " + "x" * 97 + "…"]


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0 s"), (0.054, "0.05 s"), (1.25, "1.2 s"), (9.96, "10 s"), (72.4, "72 s"), (3601, "3601 s")],
)
def test_seconds(value, said):
    assert _text.format_seconds(value) == said
