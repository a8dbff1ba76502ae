# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repeated checks during canary and bake, in addition to the containers: the smoke tests and nginx's answer log."""

from __future__ import annotations

import contextlib
import threading
import time

from .._errors import EdgeError
from .._nginx.answer_log import Answers, count_answers, error_objection
from .smoke import describe_results
from .wait import SILENCE

ASK_EVERY = 1.0
"""Seconds from one check to the next."""

LAST_READ = 5.0
"""Seconds for which the last read of a log may fail."""

SAMPLES = 60
"""The most samples of a series."""


def thin_out(samples, most):
    """Return at most so many of the samples, at even distances, including the last one."""
    step = -(-len(samples) // most)
    return samples[::-1][:: step or 1][::-1]


class Watch:
    """Calls ``ask()`` repeatedly while the block runs. A subclass has ``about``, the checked thing, for messages, and
    ``counted()``, ``(all, those that failed)`` so far."""

    def __init__(self):
        self._began = time.monotonic()
        self._samples = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask_until_over, daemon=True)
        self._broken = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._over.set()

    def finish(self):
        """End the checks, and wait for the last answers."""
        self._over.set()
        self._thread.join()

    def objection(self):
        """Return why the release must be given up, or None."""
        return f"{self.about} could not be checked: {self._broken}" if self._broken else self.found()

    def series(self):
        """Return how the counts grew, ``[[seconds since the begin, all, those that failed], …]``, up to now."""
        return thin_out([*self._samples, self._sample()], SAMPLES)

    def _sample(self):
        return [round(time.monotonic() - self._began, 2), *self.counted()]

    def _ask_until_over(self):
        try:
            while not self._over.is_set():
                self.ask()
                self._samples.append(self._sample())
                self._over.wait(ASK_EVERY)
        except Exception as error:  # otherwise it would be lost in the thread
            self._broken = f"{type(error).__name__}: {error}"


class SmokeWatch(Watch):
    """``smoke_run``: a SmokeRun; ``allowed``: how many of its rounds may fail; ``say``: called with each failed
    round."""

    about = "the smoke tests"

    def __init__(self, smoke_run, allowed, say):
        super().__init__()
        self._smoke_run = smoke_run
        self._allowed = allowed
        self._say = say
        self.rounds = 0
        self.failures = []  # the text of each failed round

    def ask(self):
        said = describe_results(self._smoke_run.ask_all(retries=False))
        self.rounds += 1
        if said:
            self.failures.append(said)
            self._say(f"smoke test {said} (round {self.rounds})")

    def counted(self):
        return self.rounds, len(self.failures)

    def found(self):
        if len(self.failures) <= self._allowed:
            return None
        allowed = f", {self._allowed} allowed" if self._allowed else ""
        return f"smoke test {self.failures[-1]} ({len(self.failures)} of {self.rounds} rounds failed{allowed})"


class AnswerLogWatch(Watch):
    """``edge``: whose nginx keeps the log of ``app`` (see _nginx/answer_log.py); ``deploy``, ``color``, ``endpoints``:
    as for count_answers(); ``ratio``: as for error_objection(); ``before``: the Answers ``(of the release, of the
    previous one)`` from an earlier watch, or empty; ``send``: sends a request to the app through nginx and returns
    whether nginx answered, or None if no URL is known."""

    about = "nginx's log of the app's answers"

    def __init__(self, edge, app, deploy, color, endpoints, ratio, before=(), send=None):
        super().__init__()
        self._edge = edge
        self._app = app
        self._release = (deploy, color, endpoints)
        self._ratio = ratio
        self._send = send
        self._is_sent = False
        self._has_lines = False
        self._unread = None
        self._read_at = time.monotonic()
        self.new, self.old = before or (Answers(), Answers())

    def ask(self):
        if self._send and not self._is_sent:
            self._is_sent = self._send()
        try:
            text = self._edge.take_answers(self._app)
        except EdgeError as error:
            self._unread = str(error)
            if time.monotonic() - self._read_at > SILENCE:
                raise
            return  # the Engine or nginx is restarting, and the next read gets these answers
        self._unread = None
        self._read_at = time.monotonic()
        new, old = count_answers(text.splitlines(), *self._release)
        self._has_lines = self._has_lines or bool((new + old).requests)
        self.new, self.old = self.new + new, self.old + old

    def finish(self):
        super().finish()
        deadline = time.monotonic() + LAST_READ
        while self._unread and not self._broken and time.monotonic() < deadline:
            time.sleep(LAST_READ / 10)
            with contextlib.suppress(EdgeError):
                self.ask()
        if self._unread:
            self._broken = self._broken or self._unread
        elif self._is_sent and not self._has_lines:
            self._broken = self._broken or "nginx answered a request but did not log it"

    def counted(self):
        return self.new

    def found(self):
        return error_objection(self.new, self.old, self._ratio)

    def objection(self):
        why = super().objection()
        return f"{why}; set bluegreen_bake_error_ratio: 0 to turn this check off" if self._broken else why
