# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the smoke tests again and again, beside whoever follows the containers, and objects to too many failures."""

from __future__ import annotations

import threading

from ansible_collections.hotswap.compose.plugins.module_utils import _smoke

ASK_EVERY = 1.0
"""s from one round of all tests to the next."""


class Baker:
    """``prober``: a Prober; ``allowed``: how many rounds may fail. A context: the rounds end with it."""

    def __init__(self, prober, allowed):
        self._prober = prober
        self._allowed = allowed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask_until_over, daemon=True)
        self.rounds = 0
        self.failures = []  # what each failed round says
        self.broken = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._over.set()

    def objection(self):
        """Return why the release is to be given up; None where there is nothing against it."""
        if self.broken:
            return f"the smoke tests could not be asked: {self.broken}"
        if len(self.failures) <= self._allowed:
            return None
        allowed = f", {self._allowed} allowed" if self._allowed else ""
        return f"smoke test {self.failures[-1]} ({len(self.failures)} of {self.rounds} rounds failed{allowed})"

    def _ask_until_over(self):
        try:
            while not self._over.is_set():
                said = _smoke.says(self._prober.ask_all(retries=False))
                self.rounds += 1
                if said:
                    self.failures.append(said)
                self._over.wait(ASK_EVERY)
        except Exception as error:  # nobody would hear of it otherwise
            self.broken = f"{type(error).__name__}: {error}"
