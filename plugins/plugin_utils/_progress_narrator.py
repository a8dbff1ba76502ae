# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which lines of a module's progress (module_utils/_progress.py) are printed, and when. Pure."""

from __future__ import annotations

from ..module_utils._text import excerpt

SILENCE = 8.0
"""After so many s of silence, a line is printed. One look at the target comes on top of that: 10 s at most."""

LONGEST = 300
"""The most characters of what the module waits for that are printed."""


class Narrator:
    """``began``: when the work began. All times are in seconds, by one clock; ``awaits``: what the module waits for
    until it reports that, as a clause."""

    def __init__(self, began, awaits=None):
        self._began = began
        self._spoke = began
        self._awaits = awaits
        self._ends = None

    def hear(self, now, lines):
        """Return the texts to print after the module has reported ``lines``."""
        texts = []
        for line in lines:
            if line["awaits"]:
                self._awaits = line["awaits"]
                self._ends = None if line["left"] is None else now + line["left"]
            if line["says"]:
                texts.append(line["says"])
        if texts:
            self._spoke = now
        return texts

    def patience(self, now):
        """Return for how many seconds nothing must be printed."""
        return max(0.0, self._spoke + SILENCE - now)

    def remind(self, now):
        """Return the reminder to print when there was no other text for long. None before that."""
        if self.patience(now) > 0:
            return None
        self._spoke = now
        text = f"still waiting after {now - self._began:.0f} s"
        if self._ends is not None:
            text += f", {max(0.0, self._ends - now):.0f} s more at most"
        if self._awaits:
            text += f": {excerpt(self._awaits, LONGEST)}"
        return text


def prefix(task_vars):
    """Return the prefix of each line of a host: its name, if the play has several hosts."""
    return f"[{task_vars['inventory_hostname']}] " if len(task_vars["ansible_play_hosts_all"]) > 1 else ""
