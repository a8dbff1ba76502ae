# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text for people: safe display, first lines, tables, seconds. Pure."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 1000
"""The most characters of a line that are displayed."""

# A terminal's control sequences: CSI; OSC, DCS, SOS, PM and APC with their payload; any other escape. A payload has no
# control character, so that the time for unterminated sequences only grows linearly with the text.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)

# Characters that Unicode classifies as letters or marks, but that fonts draw as nothing.
_BLANKS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")

_URL = re.compile(r"([a-z][a-z0-9+.-]*://)(?:([^/?#]*)@)?([^?#]*)(?:\?([^#]*))?(.*)", re.IGNORECASE | re.DOTALL)


def sanitize_text(text):
    """Return a text that is safe to display. Each line has at most LONGEST characters, without terminal commands,
    without characters that reorder text, and without invisible ones.

    Every foreign text (from containers, clients, Compose, the Engine) passes this function on its way to a person, in
    plugin_utils/_screen.py. A second pass changes nothing.
    """
    text = _BLANKS.sub("", _SEQUENCES.sub("", text)).replace("\r\n", "\n").expandtabs(4)
    return "\n".join(cut_text(_visible(line), LONGEST) for line in text.split("\n"))


def _visible(line):
    """Return a line without format characters, such as bidirectional overrides, and with a space for each other
    unprintable character."""
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else "" if unicodedata.category(each) == "Cf" else " " for each in line)


def excerpt(text, width=LONGEST):
    """Return the beginning of a text, sanitized, in one line of at most ``width`` characters."""
    return cut_text(" ".join(sanitize_text(text).split()), width)


def without_credentials(url):
    """Return a URL without its user, password and query. Any other text stays as it is."""
    found = _URL.fullmatch(url)
    return found.group(1) + found.group(3) + found.group(5) if found else url


def credentials_in(url):
    """Return the secret parts of a URL: its password, or the user if there is no password, and the query's values."""
    found = _URL.fullmatch(url)
    if not found:
        return []
    user, _colon, password = (found.group(2) or "").partition(":")
    values = [each.partition("=")[2] for each in (found.group(4) or "").split("&")]
    return [each for each in (password or user, *values) if each]


def first_line(text):
    """Return ``(line, rest)``: the first line with single spaces, and the lines after it without empty ones. A line
    that ends with a colon is joined with the next one, because Compose prints such lines."""
    said, rest = [], [line for line in text.splitlines() if line.strip()]
    while rest and (not said or said[-1].endswith(":")):
        said += rest.pop(0).split()
    return " ".join(said), rest


def join_lines(lines):
    """Return a text with exactly these lines. A line end within one of them becomes a space, so that no part of it
    looks like a line of the role."""
    return "\n".join(line.replace("\n", " ") for line in lines)


def format_seconds(value):
    """Return ``0.05 s``, ``1.2 s`` or ``72 s``: two digits below a second, one decimal below ten seconds."""
    return f"{round(value, 2 if value < 1 else 1 if value < 10 else None):g} s"


WIDTH = 100
_NARROWEST = 6


def cut_text(text, width):
    """Return a text in at most ``width`` characters."""
    return text if len(text) <= width else text[: width - 1] + "…"


def format_table(rows, indent=""):
    """Return rows of texts as lines, with the first row as the heading. The widest columns are shortened."""
    rows = [[excerpt(cell) for cell in row] for row in rows]
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    room = WIDTH - len(indent) - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    lines = (indent + "  ".join(cut_text(cell, width).ljust(width) for cell, width in zip(row, widths)) for row in rows)
    return [cut_text(line.rstrip(), WIDTH) for line in lines]
