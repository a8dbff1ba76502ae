# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows the progress of a module on the target (module_utils/_progress.py), from a process of its own."""

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
"""The most seconds of one read of the file on the target. For so long, it may outlive a killed run."""

STEP = 0.2
GONE = 9


class Follower:
    """Prints progress while the block runs.

    ``run(command)``: runs a shell command on the target and returns a dict with ``rc`` and ``stdout``; ``path``: the
    file there, or None; ``narrator``: a Narrator; ``show(text)``: prints. If the connection, ``transport``, can't be
    shared with the module, everything is printed at the end.
    """

    def __init__(self, run, transport, path, narrator, show):
        self._run = run
        self._possible = transport in CONNECTIONS
        self._path = path
        self._narrator = narrator
        self._show = show
        self._told = mmap.mmap(-1, 8)  # how many lines were read; the other process writes it
        self._child = None

    def __enter__(self):
        if self._possible:
            parent = os.getpid()  # the child itself may ask too late: an orphan's parent never dies
            with _undisturbed():  # a worker's own handler of SIGTERM, run by the child, would end the worker
                self._child = os.fork()
                if not self._child:
                    self._be_the_child(parent)
                os.setpgid(self._child, self._child)
        return self

    def __exit__(self, *_error):
        if self._child:
            os.kill(self._child, signal.SIGTERM)  # the child itself, because waitpid() waits for it
            with contextlib.suppress(ProcessLookupError, PermissionError):  # on a Mac, for a group of zombies only
                os.killpg(self._child, signal.SIGTERM)
            os.waitpid(self._child, 0)
            self._child = None

    def show_rest(self, lines):
        """Print those of all ``lines`` of the module that were not printed in the block."""
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
            with _undisturbed():  # the queue to the playbook has a lock, and no process may die while it holds it
                heard += len(lines)
                now = time.monotonic()
                for text in [*self._narrator.hear(now, lines), self._narrator.remind(now)]:
                    if text and os.getppid() == parent:
                        self._show(text)
                self._told[:] = struct.pack("q", heard)

    def _look(self, heard, patience):
        """Return the next lines, as soon as there are any. None when the file is gone."""
        if self._path is None:
            time.sleep(patience)
            return []
        try:
            answer = self._run(command(self._path, heard, patience))
        except Exception:  # of any connection: the next read may succeed
            answer = {"rc": None}
        if answer["rc"] == GONE:
            return None
        if answer["rc"] == 0:
            lines = parsed(answer["stdout"])
            if not lines:
                time.sleep(STEP)  # an incomplete line ends the command at once
            return lines
        time.sleep(patience)
        return []


def command(path, heard, patience):
    """Return the shell command that prints the lines of a file after ``heard``, as soon as there are any, and waits at
    most ``patience`` seconds. It exits with GONE if the file existed and is gone."""
    file = shlex.quote(path)
    looks = round(patience / STEP)
    # The shell reads the file itself, because more programs for each look would cost the target 3 % of a core.
    return (
        f"n=0; h=0; until [ -e {file} ]; do [ {heard} -gt 0 ] && exit {GONE}; {_pause(looks)}; done; "
        f"{{ while [ $h -lt {heard} ] && read -r line; do h=$((h+1)); done; "
        f"until read -r line; do [ -e {file} ] || exit {GONE}; {_pause(looks)}; done; "
        f'printf "%s\\n" "$line"; cat; }} <{file} 2>/dev/null; exit 0'
    )


def _pause(looks):
    return f"n=$((n+1)); [ $n -gt {looks} ] && exit 0; sleep {STEP} || sleep 1"


def parsed(text):
    """Return the lines of a file's text, up to an incomplete one. With a terminal in between, they may end with CRLF,
    and texts from stderr may be among them, such as a warning of sudo."""
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
    """Delay SIGTERM while the block runs."""

    def __enter__(self):
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    def __exit__(self, *_error):
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
