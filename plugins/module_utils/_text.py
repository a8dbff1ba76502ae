# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text for people: what may be displayed, first lines, tables, seconds. Pure."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 1000
"""Characters of a line that are displayed, at most."""

# A terminal's control sequences: CSI; OSC, DCS, SOS, PM and APC with their payload; any other escape. A payload has no
# control character, so that the time for a text of unfinished sequences grows with its length alone.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)

# Characters that Unicode takes for letters or marks, and that fonts draw as nothing.
_BLANKS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")

_URL = re.compile(r"([a-z][a-z0-9+.-]*://)(?:([^/?#]*)@)?([^?#]*)(?:\?([^#]*))?(.*)", re.IGNORECASE | re.DOTALL)


def sanitize_text(text):
    """Return a text that only displays: each line in LONGEST characters at most, and nothing in it that a terminal
    obeys, that reorders what stands beside it, or that can't be seen.

    Every text that others may have written (containers, clients, Compose, the Engine) passes it on its way to a person,
    in plugin_utils/_screen.py. A text that has passed it passes it unchanged.
    """
    text = _BLANKS.sub("", _SEQUENCES.sub("", text)).replace("\r\n", "\n").expandtabs(4)
    return "\n".join(cut_text(_visible(line), LONGEST) for line in text.split("\n"))


def _visible(line):
    """Return a line without format characters, such as bidirectional overrides, and with a space for each other one
    that can't be printed."""
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else "" if unicodedata.category(each) == "Cf" else " " for each in line)


def excerpt(text, width=LONGEST):
    """Return the beginning of a text in one line of at most ``width`` characters, sanitized."""
    return cut_text(" ".join(sanitize_text(text).split()), width)


def without_credentials(url):
    """Return a URL without its user, password and query; any other text as it is."""
    found = _URL.fullmatch(url)
    return found.group(1) + found.group(3) + found.group(5) if found else url


def credentials_in(url):
    """Return the parts of a URL that may be secret: its password, or the user without one, and the query's values."""
    found = _URL.fullmatch(url)
    if not found:
        return []
    user, _colon, password = (found.group(2) or "").partition(":")
    values = [each.partition("=")[2] for each in (found.group(4) or "").split("&")]
    return [each for each in (password or user, *values) if each]


def first_line(text):
    """Return ``(line, rest)``: the first line, one space between its words, and the lines after it; empty ones count
    for none. A line that ends with a colon says nothing without the next, and takes it in: Compose's own are such."""
    said, rest = [], [line for line in text.splitlines() if line.strip()]
    while rest and (not said or said[-1].endswith(":")):
        said += rest.pop(0).split()
    return " ".join(said), rest


def join_lines(lines):
    """Return a text of as many lines as are given: a line end within one of them becomes a space, so that no part of
    it passes for a line of ours."""
    return "\n".join(line.replace("\n", " ") for line in lines)


def format_seconds(value):
    """``0.05 s``, ``1.2 s``, ``72 s``: two digits below a second, one decimal below ten seconds."""
    return f"{round(value, 2 if value < 1 else 1 if value < 10 else None):g} s"


WIDTH = 100
_NARROWEST = 6


def cut_text(text, width):
    """Return a text in at most ``width`` characters."""
    return text if len(text) <= width else text[: width - 1] + "…"


def format_table(rows, indent=""):
    """Return rows of texts as lines, the first of them as the heading; the widest columns give way."""
    rows = [[excerpt(cell) for cell in row] for row in rows]
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    room = WIDTH - len(indent) - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    lines = (indent + "  ".join(cut_text(cell, width).ljust(width) for cell, width in zip(row, widths)) for row in rows)
    return [cut_text(line.rstrip(), WIDTH) for line in lines]
