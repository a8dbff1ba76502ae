# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a run of the role, from the results that its tasks have registered so far. Pure.

Each result of an action plugin of the role has a ``stamp``: ``{run, phase, began, ended}``. ``run`` is the id of the
run, because an earlier run in the same play also leaves results. ``began`` and ``ended`` are in seconds since the epoch
by the controller's clock.
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
    "created",
    "migration",
    "migrated",
    "migration_recorded",
    "started",
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
"""The names under which the tasks of the phases register their results, without PREFIX."""

OTHERS = ("failure", "tolerated_failures", "reported")
"""The names of the results that describe the run and belong to no phase."""

WARNING = ("planned", "started", "swapped", "exclusive_gate", "baked", "undone", "finished")
"""The results whose warnings are warnings of the run, in this order."""


class Run:
    """``task_vars`` are not templated, so this class reads no variable that contains a template.

    ``id``; ``kind``: deploy, rollback, promote or abort; ``settings``; ``planned``: the result of the last plan, with
    the earlier ones as ``plans``; ``plan``: a dict; ``results``: the results of this run by name; ``failure``: the
    failure, empty if nothing failed."""

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
        """Return a result by its name. Empty if that task has not run."""
        return self.results.get(name, {})

    def _is_ours(self, result):
        stamps = [each["stamp"] for each in _items(result) if isinstance(each.get("stamp"), dict)]
        return any(stamp.get("run") == self.id for stamp in stamps)

    def stamps(self):
        """Return ``[(stamp, phases)]`` of each task that belongs to a phase, the earliest first.

        ``phases``: the seconds of the phases that the task itself measured, or empty.
        """
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
        """Return the seconds of each phase so far, in their order. A phase lasts until the next one begins."""
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
        """Return when the last task of a phase ended. None if no task of a phase has ended."""
        stamps = self.stamps()
        return stamps[-1][0]["ended"] if stamps else None

    def next_phase(self):
        """Return the phase that is assumed to have failed if the failure names none. It is the plan's next phase after
        the last one that has ended."""
        last = self.last_phase()
        timed = [step for step in self.plan.get("steps") or [] if step not in UNTIMED]
        later = [step for step in timed if last not in ORDER or ORDER.index(step) > ORDER.index(last)]
        return next((step for step in later if step not in ("retire", "record")), last)

    def evidence_of(self, name, module):
        """Return the result ``name``, or the evidence of the failure if the task of that module failed."""
        failed = self.failure.get("evidence")
        is_it = failed and self.failure.get("module") == f"hotswap.compose.{module}"
        return failed if is_it else self.of(name)

    def is_introduced(self, failure):
        """Return whether nginx has loaded the new color's names, or a preview. True if that is unknown, because
        bluegreen_start ended without a result. ``failure``: from failure_of()."""
        if failure["module"] == "hotswap.compose.bluegreen_start":
            return bool(failure["evidence"].get("introduced", True))
        return bool(self.of("started").get("introduced") or self.of("previewed").get("changed"))

    def gate(self):
        """Return the result of the gate. Empty if it has not ended."""
        started = self.evidence_of("started", "bluegreen_start")
        found = started.get("gate") or {}
        return {"containers": started.get("containers") or [], **found} if found else {}

    def baked(self):
        """Return the result of the last canary or bake."""
        return self.evidence_of("baked", "bluegreen_bake")

    def containers(self):
        """Return the new color's containers as a module saw them last. Those that failed are the last ones."""
        failing = (self.failure.get("evidence") or {}).get("containers") or []
        exclusive = self.plan.get("exclusive") or []
        shown = {container["name"] for container in failing}
        passed = self.baked().get("containers") or self.gate().get("containers") or []
        found = [each for each in passed if each["service"] not in exclusive and each["name"] not in shown]
        after = self.of("exclusive_gate").get("containers") or []
        return found + [each for each in after if each["service"] in exclusive] + failing

    def left_undone(self):
        """Return a text for each act that the run did not do or did not undo."""
        found = [each for name in ("finished", "undone") for each in self.of(name).get("left_undone") or []]
        if self.failure and self.of("migrated").get("rc") == 0:
            found.insert(0, f"the migration ({self.settings['migrate']['command']}) has been run")
        return found + (self.of("tolerated_failures").get("left_undone") or [])

    def warnings(self):
        """Return the warnings of the run."""
        results = [*self.planned.get("plans", []), *map(self.of, WARNING)]
        found = [text for result in results for text in result.get("warnings") or []]
        found += (self.failure.get("evidence") or {}).get("warnings") or []
        # Which Python interpreter Ansible discovered says nothing about the release.
        texts = [text for text in map(text_of_warning, found) if "discovered Python interpreter" not in text]
        return list(dict.fromkeys(texts + self.left_undone()))

    def outcome(self):
        """Return the outcome, as in bluegreen_result."""
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
        """Return the RECORD_ARGUMENTS of the modules that close a run (see _deploy/closing.py)."""
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
        """Return the LOOK_ARGUMENTS of _health/look.py: the state in which the new color must still be after its gate,
        and its exclusive services after theirs."""
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

    def gate_options(self):
        """Return the options of bluegreen_start for its gate, from the settings."""
        settings = self.settings
        # nginx may reach a stack that was started by hand, which has no release, over any network.
        is_on = settings.get("nginx_mode") == "container" and self.plan.get("release")
        return {
            "timeout": settings["health_timeout"],
            "stable_for": settings["health_stable_for"],
            "no_healthcheck": settings["no_healthcheck"],
            "min_uptime": settings["min_uptime"],
            "gate_network": settings["network"] if is_on else None,
        }

    def allowed_restarts(self):
        """Return how many restarts of a container are allowed so far."""
        more = self.settings.get("bake_failures") or 0 if self.of("baked") else 0
        return int(self.settings.get("max_restarts") or 0) + int(more)

    def last_seen(self):
        """Return the containers as the last look saw them. The Engine may have been restarted meanwhile, and its
        containers with it."""
        looks = [each.get("seen") for each in (self.of("baked"), self.of("exclusive_gate"), self.gate())]
        return next((seen for seen in looks if seen), {})


def text_of_warning(warning):
    """Return the text of a warning in a result. From ansible-core 2.19 on, a warning may be an object."""
    return warning if isinstance(warning, str) else warning.event.msg


def run_id(task_vars):
    """Return the id of this run. None before its variables are validated."""
    return (task_vars.get(PREFIX + "validated") or {}).get("run_id")


def _items(result):
    """Return the results of a task. A loop has several."""
    if not isinstance(result, dict):
        return []
    items = result.get("results")
    looped = isinstance(items, list) and "stamp" not in result
    return [each for each in items if isinstance(each, dict)] if looped else [result]


def _split(phase, lasted, parts):
    """Return the seconds of the phases of a task. ``parts``: the seconds that it measured. The first phase also gets
    the rest, such as the time of the connection."""
    if not parts:
        return {phase: lasted}
    first, *later = parts
    return {first: max(0.0, lasted - sum(parts[each] for each in later)), **{each: parts[each] for each in later}}
