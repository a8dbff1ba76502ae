# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which line is printed when, of what a module on the target says while it works (module_utils/_progress.py). Pure."""

from __future__ import annotations

from ..module_utils._text import excerpt

SILENCE = 8.0
"""After so many s of silence, a line is printed. One look at the target comes on top of that: 10 s at most."""

LONGEST = 300
"""Characters of what is waited for that are printed."""


class Narrator:
    """``began``: when the work began; all times are in s, by one clock. ``awaits``: what is waited for, a clause, as
    long as the module has not said it."""

    def __init__(self, began, awaits=None):
        self._began = began
        self._spoke = began
        self._awaits = awaits
        self._ends = None

    def hear(self, now, lines):
        """Return the texts that are to be printed now that the module has said ``lines``."""
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
        """Return for how many s nothing need be printed."""
        return max(0.0, self._spoke + SILENCE - now)

    def remind(self, now):
        """Return the text to be printed for want of another one; None before that is due."""
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
    """Return what each line of a host begins with: its name, where it is not alone in the play."""
    return f"[{task_vars['inventory_hostname']}] " if len(task_vars["ansible_play_hosts_all"]) > 1 else ""
