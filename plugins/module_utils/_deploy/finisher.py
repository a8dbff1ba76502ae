# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a run that has moved the traffic, or that leaves a release ready: drain, retire, record.

If the drain fails, the run fails and the traffic goes back. After the drain the traffic stays, so a failure is only a
warning.
"""

from __future__ import annotations

import contextlib

from .._docker.aliases import take_aliases, to_take_in_run
from .._docker.containers import containers_by_id
from .._docker.lifecycle import remove_containers, stop_containers
from .._edge.drain import cut_warning, wait_until_drained
from .._edge.options import edge_for
from .._health.look import Look
from .._state.directory import AppState
from .._state.lock import AppLock
from .._state.status import BY_HAND
from .._text import format_seconds, join_lines
from .closing import close_run, extended_record, timed

WORTH_A_LINE = 1.0
"""A drain that takes at least so many seconds is printed."""


class Finisher:
    """``params``: the options of the module bluegreen_finish; ``progress``: a Progress.

    ``phases``: the seconds of each step that has ended; ``changed``: whether a container or the journal has changed;
    ``retired``: whether a previous color was retired; ``left_undone``: a text for each failure after the drain.
    """

    def __init__(self, engine, params, progress):
        self.engine = engine
        self.params = params
        self.progress = progress
        self.lock = AppLock(params["state_dir"], params["app"])
        self.phases = {}
        self.warnings = []
        self.left_undone = []
        self.changed = False
        self.retired = False
        self.closed = {}
        release = params["previous_release"] or BY_HAND
        self.idle = join_lines([f"{release} in {params['previous_color']}"])

    def finish(self):
        """Run the steps. Raises ReleaseFailed if the color with the traffic fails during the drain."""
        steps = self.params["steps"]
        if "drain" in steps:
            with timed(self.phases, "drain"):
                self._drain()
        if "retire" in steps:
            self.progress.turn_to("the previous color is being stopped")
            with timed(self.phases, "retire"), self._tolerated("the idle color could not be retired"):
                self._retire()
        if "record" in steps:
            self.progress.turn_to("the run is being recorded")
            with timed(self.phases, "record"), self._tolerated("the run could not be recorded"):
                self._record()

    def result(self):
        """Return what the module returns."""
        found = {key: self.closed[key] for key in ("removed_images", "run") if key in self.closed}
        return {
            "changed": self.changed,
            "phases": self.phases,
            "retired": self.retired,
            "left_undone": self.left_undone,
            **found,
        }

    def _drain(self):
        params = self.params
        if not params["endpoints"] or params["proved_at"] is None:
            return  # nothing had the traffic, or it has not moved
        edge = edge_for(self.engine, params, self._state())
        timeout = params["drain_timeout"]
        with self._following() as refuse_failed:

            def on_wait(awaits, left):
                refuse_failed()
                self.progress.wait(awaits, left)

            drained, connections, waited = wait_until_drained(
                edge, params["endpoints"], params["old_workers"], params["proved_at"], timeout, on_wait
            )
        if drained and waited >= WORTH_A_LINE:
            self.progress.say(f"{self.idle}: drained after {format_seconds(waited)}")
        elif not drained:
            self.warnings.append(cut_warning(connections, timeout))
            self.progress.say(f"{self.idle}: not drained after {format_seconds(waited)}")

    @contextlib.contextmanager
    def _following(self):
        """Give the block a function that raises ReleaseFailed if the active color has failed."""
        if not self.params["project_name"]:
            yield lambda: None
            return
        look = Look(self.engine, self.params, "after the swap")
        with look.following() as refuse_failed:
            yield refuse_failed
        look.refuse_unready()

    def _retire(self):
        containers, how = containers_by_id(self.engine, self.params["previous"]), self.params["retire"]
        if not containers:
            return
        with self.lock.acting(self.params["lock"]):
            state = self._state()
            state.create()
            if how == "keep":
                self.changed = bool(to_take_in_run(containers, state.unfinished))
                self.warnings += take_aliases(self.engine, containers, state.unfinished)
            elif how == "remove":
                self.changed = True
                remove_containers(self.engine, state, containers, volumes=False)
            else:
                self.changed = bool(stop_containers(self.engine, state, containers))
        self.retired = True

    def _record(self):
        record = extended_record(self.params["record"], self.phases, self.warnings + self.left_undone)
        self.closed = close_run(self.engine, self._state(), self.lock, self.params["lock"], record)
        self.warnings += self.closed["warnings"]
        self.changed = self.changed or self.closed["changed"]

    def _state(self):
        return AppState(self.params["state_dir"], self.params["app"])

    @contextlib.contextmanager
    def _tolerated(self, what):
        """Turn any failure of the block into a warning, because otherwise the run would go back."""
        try:
            yield
        except Exception as error:
            self.left_undone.append(f"{what}: {error}")
