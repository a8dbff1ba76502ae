# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module says while it works, for the action plugin that shows it (plugin_utils/_progress_follower.py).

Each thing said is a dict, and a JSON line in a file on the target: ``at`` (s since the module began), ``says`` (what
has happened; None: nothing), ``awaits`` (what is waited for, a clause) and ``left`` (how many s that may take at most;
None where nobody knows).
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import time

VARIABLE = "BLUEGREEN_PROGRESS"
"""In the environment of a module that somebody follows: the file's path, below which it is alone."""

PREFIX = "/tmp/.bluegreen-progress-"


def ignore(*_progress):
    """Show no progress."""


class Progress:
    """Says things from the block's begin to its end, when the file goes. ``lines``: all that was said.

    Where there is no such file to write, that is all: nobody's work ends for it.
    """

    def __init__(self, path=None, clock=time):
        self._path = path or os.environ.get(VARIABLE)
        self._clock = clock
        self._began = clock.monotonic()
        self._file = None
        self._awaits, self._ends = None, None  # what is waited for, until when
        self._next_wait = 0.0
        self.lines = []

    def __enter__(self):
        if self._path:
            _remove_orphans()
            try:
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                pass
        return self

    def __exit__(self, *_error):
        if self._file is not None:
            with contextlib.suppress(OSError):  # another run took it for an orphan's before it was locked
                os.unlink(self._path)
            os.close(self._file)
            self._file = None

    def say(self, event):
        """Say what has happened: a text, or what has one."""
        self._write(str(event))

    def wait(self, awaits, left):
        """Say what is waited for, and for how many s at most: where that is news, and once a second at most."""
        at = self._clock.monotonic() - self._began
        news = awaits != self._awaits or abs(at + left - self._ends) > 1
        if news and at >= self._next_wait:
            self._awaits, self._ends, self._next_wait = awaits, at + left, at + 1
            self._write(None)

    def _write(self, says):
        at = self._clock.monotonic() - self._began
        left = None if self._ends is None else round(self._ends - at, 1)
        line = {"at": round(at, 3), "says": says, "awaits": self._awaits, "left": left}
        self.lines.append(line)
        if self._file is not None:
            with contextlib.suppress(OSError):  # of a full disk, say
                os.write(self._file, json.dumps(line).encode() + b"\n")  # in one piece, for whoever reads meanwhile


def _remove_orphans():
    """Remove the files of modules that were killed: nobody holds those."""
    for path in glob.glob(PREFIX + "*"):
        try:
            # Anybody may make a FIFO of such a name: without O_NONBLOCK that waits for its reader.
            descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
        except OSError:
            pass
        finally:
            os.close(descriptor)
