# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Undo a run that has failed before it retired the active color."""

from __future__ import annotations

from .._docker.completeness import previous_services, way_back_lacks
from .._docker.containers import containers_by_id, find_color_with_hooks
from .._docker.lifecycle import give_up, start_containers, stop_containers
from .._edge.options import edge_for
from .._edge.swap import Swap, put_back
from .._errors import BluegreenError, EdgeError
from .._health.probe_run import probed
from .._names import other_color
from .._state.directory import AppState
from .._state.lock import AppLock
from .closing import close_run, extended_record, timed
from .undo import acts_of, decide_undo, may_have_traffic


class Undoer:
    """``params``: the options of the module bluegreen_undo; ``progress``: a Progress.

    ``left_undone``: a text for each failure; ``put_back``: the result of the swap back, with ``failed``.
    """

    def __init__(self, engine, params, progress):
        self.engine = engine
        self.params = params
        self.plan = params["plan"]
        self.progress = progress
        self.lock = AppLock(params["state_dir"], params["app"])
        self.put_back = {"failed": False}
        self.put_back_error = ""
        self.decision = None
        self.acts = {}
        self.taken_down = []
        self.closed = {}
        self.phases = {}
        self.warnings = []
        self.left_undone = []

    def undo(self):
        """Put the traffic back, take the new containers down, record the run. If one of these fails, do the rest."""
        with timed(self.phases, "undo"):
            is_whole = self._go_back()
        if self.acts["kept_traffic"] and is_whole:
            with timed(self.phases, "record"):
                self._tolerate(self._record, "the run was not recorded")
        elif self.params["lock"]:
            self.lock.release(self.params["lock"])  # the next run finishes or undoes this one

    def _go_back(self):
        """Put the traffic and the containers back. Return whether the exclusive services of the active color run."""
        if self.params["put_back"]:
            self._put_back()
        # Without a result, the active color had the traffic all the time.
        put_back = {"failed": self.put_back["failed"], "changed": "drained" in self.put_back}
        self.decision = decide_undo(self.params["phase"], self.plan, self.params["swapped"], put_back)
        self.acts = acts_of(self.decision, self.params["phase"], self.plan)
        if self.acts["remove"] or self.acts["stop"]:
            self.progress.turn_to("the new containers are being stopped")
            self._tolerate(self._take_down, "the new containers still run")
        return not self.acts["start_exclusive"] or self._tolerate(
            self._start_exclusive, "the exclusive services of the active color do not run"
        )

    def result(self):
        """Return what the module returns."""
        acts = ("kept_traffic", "new_keeps_it", "outcome")
        return {
            "changed": True,
            "decision": self.decision,
            **{name: self.acts[name] for name in acts},
            "put_back_error": self.put_back_error,
            "back_at": self.put_back.get("swapped_at"),
            "removed_containers": self.taken_down,
            "removed_images": self.closed.get("removed_images", []),
            "run": self.closed.get("run"),
            "phases": self.phases,
            "left_undone": self.left_undone,
        }

    def _put_back(self):
        try:
            with self.lock.acting(self.params["lock"]):
                self.put_back = dict(self._swap_back(), failed=False)
        except (BluegreenError, OSError) as error:
            self.put_back = {"failed": True}
            self.put_back_error = str(error)
            self.progress.say(f"nginx's previous file is not back: {error}")

    def _swap_back(self):
        params, state = self.params, self._state()
        swap = Swap(edge_for(self.engine, params, state), state, None, False, on_wait=self.progress.wait)
        if may_have_traffic(params["phase"]) and state.unfinished:
            refuse_unhealthy(self.engine, state.unfinished, params)
        result, warnings = put_back(self.engine, swap, params)
        self.warnings += warnings
        return result

    def _take_down(self):
        with self.lock.acting(self.params["lock"]):
            state = self._state()
            state.create()
            if self.acts["remove"]:
                containers = find_color_with_hooks(self.engine, self.params["app"], self.plan["color"])
                if containers:
                    give_up(self.engine, state, containers, volumes=True)
            else:
                ids = self.plan["containers"] + self.plan["exclusive_containers"]
                containers = stop_containers(self.engine, state, containers_by_id(self.engine, ids))
        self.taken_down = [container["name"] for container in containers]

    def _start_exclusive(self):
        with self.lock.acting(self.params["lock"]):
            containers = containers_by_id(self.engine, self.plan["previous_exclusive"])
            start_containers(self.engine, self._state(), containers)

    def _record(self):
        record = extended_record(self.params["record"], self.phases, self.warnings + self.left_undone)
        record["outcome"] = self.acts["outcome"]
        is_planned = bool(self.plan["deploy"])  # else nginx could not be made, so nothing was planned behind it
        self.closed = close_run(self.engine, self._state(), self.lock, self.params["lock"], record, is_planned)
        self.warnings += self.closed["warnings"]

    def _state(self):
        return AppState(self.params["state_dir"], self.params["app"])

    def _tolerate(self, act, what):
        """Act, and return whether that succeeded."""
        try:
            act()
        except (BluegreenError, OSError) as error:
            self.left_undone.append(f"{what}: {error}")
            return False
        return True


def refuse_unhealthy(engine, unfinished, params):
    """Raise EdgeError if the color that had the traffic before the unfinished run can't get it back."""
    containers = containers_by_id(engine, unfinished["previous"])
    services = previous_services(unfinished, containers)
    lacking = way_back_lacks(unfinished, probed(containers, services, other_color(unfinished["color"]), params))
    if lacking:
        raise EdgeError(
            f"the previous color is no longer healthy ({', '.join(lacking)}), so the traffic stays with the new one"
        )
