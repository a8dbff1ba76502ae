# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hotswap.compose.plugins.module_utils import _text
from ansible_collections.hotswap.compose.plugins.module_utils._text import (
    LONGEST,
    cut_text,
    excerpt,
    first_line,
    format_table,
    sanitize_text,
)
from ansible_collections.hotswap.compose.tests.e2e.app import hostile


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


def is_harmless(text):
    return all(line.isprintable() and len(line) <= LONGEST for line in text.split("\n"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("release  v2\nblue     stopped\n", "release  v2\nblue     stopped\n"),
        ("größer: 3 µs → ✓ 日本", "größer: 3 µs → ✓ 日本"),
        ("a\tb\r\nc", "a   b\nc"),
        ("\x1b[31mred\x1b[0m \x1b[38;5;1mtoo\x9b0m", "red too"),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x9d0;x\x9cb", "alink b"),
        ("\x1bPq\x1b\\a\x1bcb\x1b(0c\x1b]0;unfinished", "abc0;unfinished"),
        ("10 %\r20 %\bx\x00\x7f\x85y", "10 % 20 % x   y"),
        ("one\u2028two\x0bthree", "one two three"),
        ("\u202egnp.exe\u2066 pa\u200by\ufeffpal\u3164", "gnp.exe paypal"),
        ("\udcff\xa0x", "  x"),
        ("x" * 2000 + "\nshort", "x" * 999 + "…\nshort"),
        (hostile.SAMPLES["it is a template"], hostile.SAMPLES["it is a template"]),
    ],
)
def test_only_what_displays_is_left(text, shown):
    assert sanitize_text(text) == shown


@pytest.mark.parametrize("text", [*hostile.SAMPLES.values(), hostile.TEXT])
def test_nothing_hostile_is_left(text):
    assert is_harmless(sanitize_text(text))
    assert "\n" not in excerpt(text, 80) and len(excerpt(text, 80)) <= 80


@given(st.text(st.characters() | st.sampled_from("\x1b\x9b\x9d\x9c\x07[]\\0;mP\r\n\t\u202e\ufe0f"), max_size=60))
def test_once_is_enough(text):
    shown = sanitize_text(text)
    assert is_harmless(shown)
    assert sanitize_text(shown) == shown


@pytest.mark.parametrize("piece", ["\x1b]0", "\x9d", "\x1b[0", "\x9b", "\x1bP", "\x1b ", "\t", "\r", "\u202e"])
def test_it_takes_no_longer_for_what_never_ends(piece):
    began = time.process_time()
    sanitize_text(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("text", "line"), [("<html>\n  <b>no</b>\n", "<html> <b>no</b>"), ("x" * 40, "x" * 19 + "…"), ("\n", "")]
)
def test_excerpt(text, line):
    assert excerpt(text, 20) == line


def test_no_cell_of_a_table_ends_its_line():
    assert format_table([("a\nb", "c")]) == ["a b  c"]


@pytest.mark.parametrize(
    "url, shown, secret",
    [
        ("https://git.example/a@b.git#main", "https://git.example/a@b.git#main", []),
        ("https://t0ken@git.example/a.git", "https://git.example/a.git", ["t0ken"]),
        ("https://user:pass@word@git.example/a.git", "https://git.example/a.git", ["pass@word"]),
        ("HTTP://git.example/a.git?ref=v1&token=s3cret#main", "HTTP://git.example/a.git#main", ["v1", "s3cret"]),
        ("ssh://git@git.example/a.git", "ssh://git.example/a.git", ["git"]),
        ("git@git.example:a.git", "git@git.example:a.git", []),
        ("/srv/shop?/a@b", "/srv/shop?/a@b", []),
        ("", "", []),
    ],
)
def test_credentials_of_a_url(url, shown, secret):
    assert (_text.without_credentials(url), _text.credentials_in(url)) == (shown, secret)
