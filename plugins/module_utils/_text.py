# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text for people: first lines, tables, seconds. Pure."""

from __future__ import annotations


def first_line(text):
    """Return ``(line, rest)``: the first line, one space between its words, and the lines after it; empty ones count
    for none. A line that ends with a colon says nothing without the next, and takes it in: Compose's own are such."""
    said, rest = [], [line for line in text.splitlines() if line.strip()]
    while rest and (not said or said[-1].endswith(":")):
        said += rest.pop(0).split()
    return " ".join(said), rest


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
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    room = WIDTH - len(indent) - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    lines = (indent + "  ".join(cut_text(cell, width).ljust(width) for cell, width in zip(row, widths)) for row in rows)
    return [cut_text(line.rstrip(), WIDTH) for line in lines]
