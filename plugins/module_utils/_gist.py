# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a message of several lines says first. Pure."""

from __future__ import annotations


def gist(text):
    """Return ``(line, rest)``: the first line, one space between its words, and the lines after it; empty ones count
    for none. A line that ends with a colon says nothing without the next, and takes it in: Compose's own are such."""
    said, rest = [], [line for line in text.splitlines() if line.strip()]
    while rest and (not said or said[-1].endswith(":")):
        said += rest.pop(0).split()
    return " ".join(said), rest
