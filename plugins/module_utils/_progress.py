# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's progress, for the action plugin that shows it (plugin_utils/_progress_follower.py).

Each entry is a dict, and a JSON line in a file on the target: ``at`` (seconds since the module began), ``says`` (what
has happened, or None), ``awaits`` (what the module waits for, as a clause) and ``left`` (the most seconds of that wait,
or None if unknown).
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import time

VARIABLE = "BLUEGREEN_PROGRESS"
"""The variable in the environment of a followed module: the path of its file."""

PREFIX = "/tmp/.bluegreen-progress-"


def ignore(*_progress):
    """Ignore progress."""


class Progress:
    """Records progress while the block runs. The file exists only that long. ``lines``: all entries.

    Without a writable file, only ``lines`` is filled. The module's work never fails because of it.
    """

    def __init__(self, path=None, clock=time):
        self._path = path or os.environ.get(VARIABLE)
        self._clock = clock
        self._began = clock.monotonic()
        self._file = None
        self._awaits, self._ends = None, None  # what the module waits for, and until when
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
            with contextlib.suppress(OSError):  # another run may have removed it as an orphan before it was locked
                os.unlink(self._path)
            os.close(self._file)
            self._file = None

    def say(self, event):
        """Record an event: a text, or an object with one."""
        self._write(str(event))

    def turn_to(self, awaits):
        """Say what is waited for from now on, for as long as nobody knows."""
        self._awaits, self._ends = awaits, None
        self._write(None)

    def wait(self, awaits, left):
        """Record what the module waits for, and the most seconds of it: only changes, and at most once a second."""
        at = self._clock.monotonic() - self._began
        news = awaits != self._awaits or self._ends is None or abs(at + left - self._ends) > 1
        if news and at >= self._next_wait:
            self._awaits, self._ends, self._next_wait = awaits, at + left, at + 1
            self._write(None)

    def _write(self, says):
        at = self._clock.monotonic() - self._began
        left = None if self._ends is None else round(self._ends - at, 1)
        line = {"at": round(at, 3), "says": says, "awaits": self._awaits, "left": left}
        self.lines.append(line)
        if self._file is not None:
            with contextlib.suppress(OSError):  # for example of a full disk
                os.write(self._file, json.dumps(line).encode() + b"\n")  # in one piece, because others read meanwhile


def _remove_orphans():
    """Remove the files of killed modules, which no process locks any more."""
    for path in glob.glob(PREFIX + "*"):
        try:
            # Any user may create a FIFO with such a name. Without O_NONBLOCK, opening it would wait for a reader.
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
