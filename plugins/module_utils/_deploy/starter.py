# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The start of a color: create its containers, start them, let nginx test its new file, wait for the health checks."""

from __future__ import annotations

import time

from .._compose.joins import make_joins
from .._compose.up_run import create_containers, run_up
from .._docker.containers import containers_by_id
from .._docker.lifecycle import remove_containers, start_containers
from .._edge.options import edge_for
from .._edge.swap import Swap
from .._errors import ReleaseFailed
from .._health.gate import wait_until_ready
from .._health.look import LOG_TAIL
from .._state.directory import AppState
from .._state.lock import AppLock
from .closing import timed


class Starter:
    """``params``: the options of the module bluegreen_start; ``progress``: a Progress.

    ``phases``: the seconds of each phase that has begun; ``gate``: the result of the gate, empty before it has ended.
    """

    def __init__(self, params, progress):
        self.params = dict(params, remove_orphans=True, dependencies=True)
        self.progress = progress
        self.began = time.monotonic()
        self.engine = self.state = None
        self.warnings = []
        self.phases = {}
        self.gate = {}
        self.seen = {}
        self.changed = False
        self.introduced = False

    def start(self, engine):
        """Run the steps. Raises ReleaseFailed if a container fails."""
        self.engine = engine
        self.state = AppState(self.params["state_dir"], self.params["app"])
        steps = self.params["steps"]
        if self.params["leftovers"]:
            self._remove_leftovers()
        if "create" in steps:
            self._create()
        if "start" in steps:
            with timed(self.phases, "start"):
                self._bring_up()
                self._test_file()  # the containers boot meanwhile
        if "gate" in steps:
            with timed(self.phases, "gate"):
                self._wait()

    def result(self):
        """Return what the module returns."""
        return {
            "changed": self.changed or self.introduced,
            "introduced": self.introduced,
            "gate": self.gate,
            "phases": self.phases,
        }

    def _create(self):
        params = self.params
        if params["project"]:
            create_containers(self.engine, params["project"], params["recreate"], params["timeout"], self.progress)
            self.changed = True
        self.changed |= make_joins(self.engine, params)

    def _remove_leftovers(self):
        with self._acting():
            remove_containers(self.engine, self.state, self._containers("leftovers"), volumes=False)
        self.changed = True

    def _bring_up(self):
        if self.params["project"]:
            is_created = "create" in self.params["steps"]
            params = {**self.params, "recreate": "auto" if is_created else self.params["recreate"]}
            up = run_up(self.engine, params, self.began, self.progress)
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
        self.progress.turn_to("nginx tests its new file")
        with self._acting():
            edge = edge_for(self.engine, params, self.state)
            swap = Swap(edge, self.state, None, False, params["answer_log"], self.progress.wait)
            result = swap.judge(params["content"], params["introduction"], params["previous_content"])
        self.introduced = result["changed"]
        if swap.unprepared or swap.unread:
            self.warnings.append(swap.warning)

    def _wait(self):
        self.progress.turn_to("the health checks run")
        params = {**self.params, "seen": self.seen, "began": self.began, "network": self.params["gate_network"]}
        found, warnings = wait_until_ready(self.engine, {**params, "log_tail": LOG_TAIL}, self.progress)
        self.warnings += warnings
        containers = found.pop("containers")
        self.gate = found
        if not found["ready"]:
            raise ReleaseFailed(found["verdict"], containers)
        self.gate["containers"] = containers

    def _acting(self):
        return AppLock(self.params["state_dir"], self.params["app"]).acting(self.params["lock"])

    def _containers(self, option):
        return containers_by_id(self.engine, self.params[option])
