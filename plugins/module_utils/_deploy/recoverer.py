# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finishes or undoes an interrupted run, from the actual state of the target."""

from __future__ import annotations

import time

from .._docker.aliases import hand_back, hand_over, take_aliases
from .._docker.completeness import previous_services, record_lacks, way_back_lacks
from .._docker.containers import containers_by_id, containers_of_run, find_hooks
from .._docker.lifecycle import give_up, remove_containers, start_containers, stop_containers
from .._docker.traffic import service_names
from .._edge.drain import cut_warning, wait_until_drained
from .._edge.swap import addresses_at_load, endpoints_of_unfinished
from .._health.probe_run import probed
from .._health.verdict import epoch
from .._names import other_color
from .._nginx.app_file import app_file_name, without_sections
from .._nginx.upstream import parse_upstreams
from .._state.history import append_run, ended_run
from .decisions import active_color, live_release
from .plan import PROMOTE, START
from .recorder import Recorder
from .recovery import (
    FINISH,
    KEEP,
    UNDO,
    decide_recovery,
    describe_recovery,
    is_starting,
    outcome_of,
    removes_release,
)

_POLL = 0.5


class Recoverer:
    """``swap``: a Swap of the app; ``params``: the options of the module bluegreen_recover."""

    def __init__(self, engine, swap, params):
        self.engine = engine
        self.swap = swap
        self.edge = swap.edge
        self.state = swap.state
        self.params = params
        self.found = self.state.journal["unfinished"]
        self.images = {}
        self.warnings = []

    def recover(self, check_mode):
        """Finish or undo. Return ``(decision, one line)``. Raises EdgeError, EngineError and OSError."""
        decision = self._decide()
        said = describe_recovery(self.state.app, self.found, decision)
        if not check_mode:
            before = live_release(self._previous())
            self._end(decision)
            self._remember(decision, said, before)
        return decision, said

    def release(self, decision):
        """Return the release that has the traffic after that. Empty if it was started by hand."""
        gone = decision in (FINISH, KEEP)
        return self.found["release"] if gone else live_release(self._previous()) or ""

    def _end(self, decision):
        if decision == FINISH:
            self._finish()
        elif decision == KEEP:
            self._make_sure()
            self.warnings += hand_over(self.engine, self.state.app, self.found)
        else:
            self._go_back()
            self.warnings += hand_back(self.engine, self.state.app, self.found)
            self._take_down(decision)
            before = set(self.found.get("previous_exclusive", []))
            exclusive = [container for container in self._previous() if container["id"] in before]
            start_containers(self.engine, self.state, exclusive)
        services = [service["name"] for service in self.found["services"]]
        recorder = Recorder(self.engine, self.state, services, self.params["keep_releases"])
        recorder.close(self.found, outcome_of(self.found, decision))
        self.images = recorder.images
        self.warnings += recorder.warnings

    def _remember(self, decision, said, before):
        """Add the run to the history. ``before``: the release that had the traffic before it."""
        kind = "rollback" if self.found["rollback"] else "promote" if self.found["how"] == PROMOTE else "deploy"
        run = {
            "kind": kind,
            "outcome": outcome_of(self.found, decision),
            "release": self.found["release"],
            "previous_release": before,
            "color": self.found["color"],
            "phases": {},
            "reason": said,
        }
        run = ended_run(run, self.found["begun_at"], self.found.get("by"), self.images, self.warnings)
        self.warnings += append_run(self.state.directory, run)

    def _decide(self):
        deadline = time.monotonic() + self.params["health_timeout"]
        while True:
            ours, previous = self._probed()
            serves = not record_lacks(self._noted(ours), ours, self.found["services"])
            previous_serves = not way_back_lacks(self.found, previous)
            decision = decide_recovery(self.found, self._told(), serves, previous_serves)
            too_early = any(map(self._is_starting, ours + previous)) and time.monotonic() < deadline
            if decision in (FINISH, UNDO) or not too_early:
                return decision
            time.sleep(_POLL)

    def _probed(self):
        """Return the containers of the run and the previous ones, each probed once."""
        ours, previous = self._ours(), self._previous()
        before = previous_services(self.found, previous)
        return (
            probed(ours, self.found["services"], self.found["color"], self.params, patient=False),
            probed(previous, before, other_color(self.found["color"]), self.params, patient=False),
        )

    def _is_starting(self, container):
        began = epoch(container["started_at"])
        uptime = time.time() - began if began else 0
        return is_starting(container, uptime, self.params["health_timeout"])

    def _noted(self, ours):
        """Return what the color must have, as in a record. A run of an older version did not record it."""
        least = dict.fromkeys(service_names(self.found["services"], self.found["color"]), 1)
        return {"expected": least, **self.found, "containers": [container["id"] for container in ours]}

    def _told(self):
        served = parse_upstreams(without_sections(self.edge.read(app_file_name(self.state.app))) or "")
        if not served:
            return None  # a first deploy of an adopted stack may be killed before the file is written
        colors = {self.found["color"]: self._ours(), other_color(self.found["color"]): self._previous()}
        told, source = active_color(self.state.app, self.found["services"], served, colors, [])
        return told if source == "nginx" else None

    def _ours(self):
        return containers_of_run(self.engine, self.state.app, self.found)

    def _previous(self):
        return containers_by_id(self.engine, self.found["previous"])

    def _make_sure(self):
        addresses = addresses_at_load(self.engine, self.swap, self.params["network"], self.found["color"])
        return self.swap.make_sure(addresses)

    def _finish(self):
        self._make_sure()
        self.warnings += hand_over(self.engine, self.state.app, self.found)
        # Of every reload since, because that of the killed run also closed connections.
        old_workers = [worker for worker, leaving in self.edge.workers().items() if leaving]
        timeout = self.params["drain_timeout"]
        drained, connections, _waited = wait_until_drained(
            self.edge, self.found["endpoints"], old_workers, time.monotonic(), timeout, self.swap.on_wait
        )
        if not drained:
            self.warnings.append(cut_warning(connections, timeout))
        previous = self._previous()
        if self.params["retire"] == "remove":
            remove_containers(self.engine, self.state, previous, volumes=False)
        elif self.params["retire"] == "keep":
            self.warnings += take_aliases(self.engine, previous, self.found)
            exclusive = [each for each in previous if each["id"] in self.found.get("previous_exclusive", [])]
            stop_containers(self.engine, self.state, exclusive)
        else:
            stop_containers(self.engine, self.state, previous)
        exclusive = [container for container in self._ours() if self._is_exclusive(container)]
        start_containers(self.engine, self.state, exclusive)

    def _is_exclusive(self, container):
        return container["exclusive"] or container["id"] in self.found.get("exclusive_containers", [])

    def _go_back(self):
        endpoints = endpoints_of_unfinished(self.engine, self.state, self.params["network"], self.params["nginx_mode"])
        result = self.swap.back(endpoints, self.params["drain_timeout"])
        if not result.get("drained", True):
            self.warnings.append(cut_warning(result["connections"], self.params["drain_timeout"]))

    def _take_down(self, decision):
        if removes_release(self.found, decision):
            hooks = find_hooks(self.engine, self.state.app, self.found["color"])
            give_up(self.engine, self.state, self._ours() + hooks, volumes=True)
        else:
            started = set(self.found["started"]) if self.found["how"] == START else set()
            ours = [each for each in self._ours() if each["id"] in started or self._is_exclusive(each)]
            stop_containers(self.engine, self.state, ours)
