# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a run of the role so far, from the results that its tasks have registered. Pure.

Each result of an action plugin of the role has a ``stamp``: ``{run, phase, began, ended}``. ``run`` tells the results
of this run from those that an earlier run in the same play has left; ``began`` and ``ended`` are in seconds since the
epoch by the controller's clock.
"""

from __future__ import annotations

from ..module_utils._deploy.plan import REFRESH, WARM
from ..module_utils._deploy.steps import ORDER, UNTIMED
from ..module_utils._state.journal import AWAITING

PREFIX = "__bluegreen_"

RESULTS = (
    "planned",
    "pulled",
    "built",
    "shared_pulled",
    "shared_started",
    "shared_joined",
    "shared_resumed",
    "shared_gate",
    "cleared",
    "created",
    "joined",
    "migration",
    "migrated",
    "migration_recorded",
    "started",
    "gate",
    "smoked",
    "previewed",
    "awaited",
    "canary_routed",
    "swapped",
    "exclusive_stopped",
    "exclusive_started",
    "exclusive_resumed",
    "exclusive_gate",
    "baked",
    "finished",
    "closed",
    "removed",
    "recorded",
    "undone",
)
"""The names that the role's tasks register their results under, without PREFIX: those that belong to a phase."""

OTHERS = ("failure", "tolerated_failures", "reported")
"""The names of the results that say something of the run, and that belong to no phase."""

WARNING = ("planned", "started", "gate", "swapped", "exclusive_gate", "baked", "undone", "finished")
"""The results whose warnings are those of the run, in this order."""


class Run:
    """``task_vars`` has values as they are: a variable that is a template is none here.

    ``id``; ``kind``: deploy, rollback, promote or abort; ``settings``; ``planned``: what the last plan returned, of
    which ``plans`` are the earlier ones; ``plan``: a dict; ``results``: by name, those of this run; ``failure``: what
    failed, empty if nothing has."""

    def __init__(self, task_vars):
        validated = task_vars.get(PREFIX + "validated") or {}
        self.id = run_id(task_vars)
        self.kind = task_vars.get(PREFIX + "kind")
        self.settings = validated.get("settings") or {}
        found = {name: task_vars.get(PREFIX + name) for name in RESULTS + OTHERS}
        self.results = {name: result for name, result in found.items() if self._is_ours(result)}
        self.planned = self.results.get("planned", {})
        self.plan = self.planned.get("plan") or {}
        self.failure = self.results.get("failure", {})

    def of(self, name):
        """Return a result by its name; empty if that task has not run."""
        return self.results.get(name, {})

    def _is_ours(self, result):
        stamps = [each["stamp"] for each in _items(result) if isinstance(each.get("stamp"), dict)]
        return any(stamp.get("run") == self.id for stamp in stamps)

    def stamps(self):
        """Return ``[(stamp, phases)]`` of each task that belongs to a phase, in their order in time. ``phases``: the
        seconds of the phases that the task itself consists of, or empty."""
        found = [
            (each["stamp"], each.get("phases") or {})
            for name in RESULTS
            for each in _items(self.results.get(name))
            if each.get("stamp", {}).get("phase") and each["stamp"].get("run") == self.id
        ]
        found += [(each["stamp"], {}) for each in self.planned.get("plans", [])]
        failed = self.failure.get("failed_stamp")
        if failed:
            found.append((failed, (self.failure.get("evidence") or {}).get("phases") or {}))
        return sorted(found, key=lambda each: each[0]["began"])

    def phases(self):
        """Return the seconds of each phase so far, in their order: a phase lasts until the next one begins."""
        stamps = self.stamps()
        seconds = {}
        for number, (stamp, parts) in enumerate(stamps):
            end = stamps[number + 1][0]["began"] if number + 1 < len(stamps) else stamp["ended"]
            for phase, lasted in _split(stamp["phase"], max(0.0, end - stamp["began"]), parts).items():
                seconds[phase] = seconds.get(phase, 0.0) + lasted
        return {phase: round(lasted, 2) for phase, lasted in seconds.items()}

    def last_phase(self):
        """Return the phase of the last task that has ended."""
        stamps = self.stamps()
        return stamps[-1][0]["phase"] if stamps else "detect"

    def ended(self):
        """Return when the last task of a phase ended; None if there is none."""
        stamps = self.stamps()
        return stamps[-1][0]["ended"] if stamps else None

    def next_phase(self):
        """Return the phase that may have failed if nothing tells which one did: the next of the plan after the last
        one that has ended."""
        last = self.last_phase()
        timed = [step for step in self.plan.get("steps") or [] if step not in UNTIMED]
        later = [step for step in timed if last not in ORDER or ORDER.index(step) > ORDER.index(last)]
        return next((step for step in later if step not in ("retire", "record")), last)

    def evidence_of(self, name, module):
        """Return the result ``name``; if the task of that module is what failed, its evidence."""
        failed = self.failure.get("evidence") or {}
        is_it = failed and self.failure.get("module") == f"hotswap.compose.{module}"
        if is_it and (name != "gate" or self.failure.get("phase") == "gate"):
            return failed
        return self.of(name)

    def is_swap(self, result):
        """Return whether a result of bluegreen_swap is that of the swap itself, and the traffic has moved by it."""
        return result.get("state") == "live" and bool(result.get("swapped_at"))

    def is_introduced(self):
        """Return whether nginx was told of the new color's names, or of a preview."""
        return bool(self.of("started").get("introduced") or self.of("previewed").get("changed"))

    def gate(self):
        """Return what the gate found."""
        return self.evidence_of("gate", "compose_health_wait")

    def baked(self):
        """Return what the last watch found."""
        return self.evidence_of("baked", "bluegreen_bake")

    def containers(self):
        """Return the new color's containers, as a module saw them last: the one that failed, else the one that
        passed."""
        failing = (self.failure.get("evidence") or {}).get("containers") or []
        exclusive = self.plan.get("exclusive") or []
        shown = {container["name"] for container in failing}
        passed = self.baked().get("containers") or self.gate().get("containers") or []
        found = [each for each in passed if each["service"] not in exclusive and each["name"] not in shown]
        after = self.of("exclusive_gate").get("containers") or []
        return found + [each for each in after if each["service"] in exclusive] + failing

    def left_undone(self):
        """Return what was not done, or not undone, a text each."""
        found = [each for name in ("finished", "undone") for each in self.of(name).get("left_undone") or []]
        if self.failure and self.of("migrated").get("rc") == 0:
            found.insert(0, f"the migration ({self.settings['migrate']['command']}) has been run")
        return found + (self.of("tolerated_failures").get("left_undone") or [])

    def warnings(self):
        """Return what a person should read."""
        results = [*self.planned.get("plans", []), *map(self.of, WARNING)]
        found = [text for result in results for text in result.get("warnings") or []]
        found += (self.failure.get("evidence") or {}).get("warnings") or []
        # Which Python interpreter Ansible discovered says nothing about the release.
        texts = [text for text in map(str, found) if "discovered Python interpreter" not in text]
        return list(dict.fromkeys(texts + self.left_undone()))

    def outcome(self):
        """Return how the run has ended, as bluegreen_result has it."""
        if self.failure:
            return self.of("undone").get("outcome") or "rejected"
        return "rejected" if self.kind == "abort" else self.plan.get("outcome")

    def result(self):
        """Return bluegreen_result."""
        plan, outcome = self.plan, self.outcome()
        if self.failure:
            new_is_active = self.of("undone").get("new_keeps_it", False)
        else:
            new_is_active = outcome == "deployed" or self.kind == "rollback"
        return {
            "outcome": outcome,
            "active_color": plan.get("color") if new_is_active else plan.get("active_color"),
            "release": plan.get("release") if new_is_active else plan.get("previous_release"),
            "previous_release": plan.get("previous_release"),
            "phases": self.phases(),
            "containers": self.containers(),
            "warnings": self.warnings(),
        }

    def record(self):
        """Return what the modules that close a run are told of it (see _deploy/closing.py)."""
        plan = self.plan
        return {
            "outcome": AWAITING if plan.get("awaits_promotion") else "deployed",
            "services": [service["name"] for service in self.settings.get("services") or []],
            "keep_releases": int(self.settings.get("keep_releases", 3)),
            "run": {
                "kind": self.kind,
                "release": plan.get("release"),
                "previous_release": plan.get("previous_release"),
                "color": plan.get("color"),
                "phases": self.phases(),
                "warnings": self.warnings(),
                "reason": self.failure.get("why"),
            },
        }

    def look_options(self):
        """Return what the new color must still be, once it has passed its gate; its exclusive services too, once they
        have passed theirs: LOOK_ARGUMENTS of _health/look.py."""
        plan = self.plan
        exclusive = plan.get("exclusive") or [] if "seen" in self.of("exclusive_gate") else []
        return {
            # A refresh has no new color.
            "project_name": "" if plan.get("how") == REFRESH else plan.get("project", ""),
            "services": (plan.get("services") or []) + exclusive,
            "traffic_services": plan.get("traffic_services") or [],
            "replicas": plan.get("expected") or {},
            # A color that ran all the time may have been restarted before.
            "max_restarts": -1 if plan.get("how") == WARM else self.allowed_restarts(),
            "seen": self.last_seen(),
            "probes": plan.get("probes") or [],
        }

    def allowed_restarts(self):
        """Return how often a container may have been restarted by now."""
        more = self.settings.get("bake_failures") or 0 if self.of("baked") else 0
        return int(self.settings.get("max_restarts") or 0) + int(more)

    def last_seen(self):
        """Return the containers as the last look saw them. The Engine may have been restarted meanwhile, and its
        containers with it."""
        looks = [self.of(name).get("seen") for name in ("baked", "exclusive_gate", "gate")]
        return next((seen for seen in looks if seen), {})


def run_id(task_vars):
    """Return what tells this run from others of the same play; None before its variables are validated."""
    return (task_vars.get(PREFIX + "validated") or {}).get("run_id")


def _items(result):
    """Return the results of a task: several if it was a loop."""
    if not isinstance(result, dict):
        return []
    items = result.get("results")
    looped = isinstance(items, list) and "stamp" not in result
    return [each for each in items if isinstance(each, dict)] if looped else [result]


def _split(phase, lasted, parts):
    """Return the seconds of the phases of a task. ``parts``: those that it has measured; the first one gets what is
    left, such as the way to the target."""
    if not parts:
        return {phase: lasted}
    first, *later = parts
    return {first: max(0.0, lasted - sum(parts[each] for each in later)), **{each: parts[each] for each in later}}
