# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The start of a color: create its containers, start them, and let nginx test its new file."""

from __future__ import annotations

import time

from .._compose.joins import make_joins
from .._compose.up_run import create_containers, run_up
from .._docker.containers import containers_by_id
from .._docker.lifecycle import remove_containers, start_containers
from .._edge.options import edge_for
from .._edge.swap import Swap
from .._state.directory import AppState
from .._state.lock import AppLock


class Starter:
    """``params``: the options of the module bluegreen_start; ``progress``: a Progress.

    ``is_up``: whether the containers have started, so that a failure from now on is a fault of nginx.
    """

    def __init__(self, engine, params, progress):
        self.engine = engine
        self.params = dict(params, remove_orphans=True, dependencies=True)
        self.progress = progress
        self.began = time.monotonic()
        self.state = AppState(params["state_dir"], params["app"])
        self.warnings = []
        self.seen = {}
        self.changed = False
        self.introduced = False
        self.is_up = False

    def start(self):
        """Create the containers and, with the state ``started``, start them. Raises ReleaseFailed if one fails."""
        params = self.params
        if params["leftovers"]:
            self._remove_leftovers()
        if params["create_first"]:
            create_containers(self.engine, params["project"], params["recreate"], params["timeout"], self.progress)
            params["recreate"] = "auto"
            self.changed = True
        self.changed |= make_joins(self.engine, params)
        if params["state"] == "started":
            self._bring_up()
            self.is_up = True
            self.progress.turn_to("nginx tests its new file")
            self._test_file()

    def result(self):
        """Return what the module returns."""
        return {
            "began": self.began,
            "changed": self.changed or self.introduced,
            "introduced": self.introduced,
            "seen": self.seen,
        }

    def _remove_leftovers(self):
        with self._acting():
            remove_containers(self.engine, self.state, self._containers("leftovers"), volumes=False)
        self.changed = True

    def _bring_up(self):
        if self.params["project"]:
            up = run_up(self.engine, self.params, self.began, self.progress)
            self.seen = up["seen"]
            self.changed |= up["changed"]
            return
        with self._acting():
            started = start_containers(self.engine, self.state, self._containers("containers"))
        for container in started:
            self.progress.say(f"{container['name']}: started")
        self.changed |= bool(started)

    def _test_file(self):
        """Let nginx test the new file, and introduce the new names."""
        params = self.params
        with self._acting():
            edge = edge_for(self.engine, params, self.state)
            swap = Swap(edge, self.state, None, False, params["answer_log"], self.progress.wait)
            result = swap.judge(params["content"], params["introduction"], params["previous_content"])
        self.introduced = result["changed"]
        if swap.unprepared or swap.unread:
            self.warnings.append(swap.warning)

    def _acting(self):
        return AppLock(self.params["state_dir"], self.params["app"]).acting(self.params["lock"])

    def _containers(self, option):
        return containers_by_id(self.engine, self.params[option])
