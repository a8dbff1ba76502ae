# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows what a module on the target says while it works (module_utils/_progress.py), from a process beside it."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shlex
import signal
import struct
import time

from ansible.utils.display import Display

from ._lock_keeper import CONNECTIONS

LOOK = 5.0
"""s at most that one look at the file on the target takes: for so long it may outlive a run that was killed."""

STEP = 0.1
GONE = 9


class Follower:
    """Prints from the block's begin to its end.

    ``run(command)``: runs a shell command on the target and returns a dict with ``rc`` and ``stdout``; ``path``: the
    file there, None for none; ``narrator``: a Narrator; ``show(text)``: prints. Where the connection, ``transport``,
    can't be used beside the module, nothing is printed before the end.
    """

    def __init__(self, run, transport, path, narrator, show):
        self._run = run
        self._possible = transport in CONNECTIONS
        self._path = path
        self._narrator = narrator
        self._show = show
        self._told = mmap.mmap(-1, 8)  # how many lines were heard: the other process writes it
        self._child = None

    def __enter__(self):
        if self._possible:
            parent = os.getpid()  # the child itself may be too late to ask: that of an orphan never dies
            with _undisturbed():  # a worker's own handler of SIGTERM, run by the child, would end the worker
                self._child = os.fork()
                if not self._child:
                    self._be_the_child(parent)
                os.setpgid(self._child, self._child)
        return self

    def __exit__(self, *_error):
        if self._child:
            os.kill(self._child, signal.SIGTERM)  # it is waited for, whatever becomes of its group
            with contextlib.suppress(ProcessLookupError, PermissionError):  # a Mac's, of a group of zombies alone
                os.killpg(self._child, signal.SIGTERM)
            os.waitpid(self._child, 0)
            self._child = None

    def show_rest(self, lines):
        """Print what of all ``lines`` that the module has said was not printed in the block."""
        (told,) = struct.unpack("q", self._told[:])
        for text in self._narrator.hear(time.monotonic(), lines[told:]):
            self._show(text)

    def _be_the_child(self, parent):
        try:
            os.setpgid(0, 0)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(nowhere, descriptor)
            Display().verbosity = 0
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            self._follow(parent)
        finally:
            os._exit(0)

    def _follow(self, parent):
        heard = 0
        while os.getppid() == parent:
            lines = self._look(heard, min(LOOK, self._narrator.patience(time.monotonic())))
            if lines is None:
                return
            with _undisturbed():  # the queue to the playbook has a lock, which nobody may die with
                heard += len(lines)
                now = time.monotonic()
                for text in [*self._narrator.hear(now, lines), self._narrator.remind(now)]:
                    if text and os.getppid() == parent:
                        self._show(text)
                self._told[:] = struct.pack("q", heard)

    def _look(self, heard, patience):
        """Return the next lines, as soon as there are any; None when the file has gone."""
        if self._path is None:
            time.sleep(patience)
            return []
        try:
            answer = self._run(command(self._path, heard, patience))
        except Exception:  # of whatever connection: the next look may get through
            answer = {"rc": None}
        if answer["rc"] == GONE:
            return None
        if answer["rc"] == 0:
            lines = parsed(answer["stdout"])
            if not lines:
                time.sleep(STEP)  # the command ends at once with a line that is not whole
            return lines
        time.sleep(patience)
        return []


def command(path, heard, patience):
    """Return the shell command that prints the lines of a file after so many, as soon as there are any, for so many s
    at most; it exits with GONE where there was a file and is no more."""
    file = shlex.quote(path)
    gone = f"[ -e {file} ] || exit {GONE}; " if heard else ""
    return (
        f"n=0; while [ $n -le {round(patience / STEP)} ]; do "
        f"new=$(tail -n +{heard + 1} {file} 2>/dev/null); "
        'if [ -n "$new" ]; then printf "%s\\n" "$new"; exit 0; fi; '
        f"{gone}n=$((n+1)); sleep {STEP} || sleep 1; done; exit 0"
    )


def parsed(text):
    """Return the lines that a file's text has, up to one that is not whole. A terminal on the way may end them by
    CRLF, and brings what goes to stderr too, such as a warning of sudo's."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


class _undisturbed:
    """A block in which SIGTERM waits."""

    def __enter__(self):
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    def __exit__(self, *_error):
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
