# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables for people: columns of a fixed width, no line longer than a terminal shows. Pure."""

from __future__ import annotations

WIDTH = 100
_NARROWEST = 6


def cut(text, width):
    """Return a text in at most ``width`` characters."""
    return text if len(text) <= width else text[: width - 1] + "…"


def table(rows, indent=""):
    """Return rows of texts as lines, the first of them as the heading; the widest columns give way."""
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    room = WIDTH - len(indent) - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    lines = (indent + "  ".join(cut(cell, width).ljust(width) for cell, width in zip(row, widths)) for row in rows)
    return [cut(line.rstrip(), WIDTH) for line in lines]
