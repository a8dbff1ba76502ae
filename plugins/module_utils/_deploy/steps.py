# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a run after its plan, and its outcome if nothing fails. Pure.

A step is a phase, or one of those that are UNTIMED.

``request``: from complete_request(); ``plan``: a Plan.
"""

from __future__ import annotations

from .._state.journal import AWAITING
from .plan import CREATE, PROMOTE, REFRESH, WARM, Plan
from .recovery import FINISH

GROUPS = {
    "prepare": ("nginx", "prepare", "build", "plan_again", "shared", "before_start", "migrate"),
    "checks": ("smoke", "preview", "await", "before_swap", "canary", "ask"),
    "after_swap": ("after_swap", "exclusive", "bake"),
    "hooks": ("after_retire", "on_rollback"),
}
"""The steps that few runs have. The role includes the file of a group if the run has one of its steps.

``create`` creates the containers, unless they exist, and connects them before the first one starts. With a migration,
phases/migrate.yml does that first.

``ask`` notifies the handler of the swap. If a run has a gate and no checks, the task with the gate does that instead.
"""

ORDER = (
    *GROUPS["prepare"],
    "create",
    "start",
    "gate",
    *GROUPS["checks"],
    "swap",
    *GROUPS["after_swap"],
    "drain",
    "retire",
    "record",
    *GROUPS["hooks"],
)
"""The order of the steps in the role's phases.yml and in the files of its groups, for every host."""

UNTIMED = (
    *("nginx", "plan_again", "before_start", "create", "await", "before_swap", "ask", "after_swap"),
    *GROUPS["hooks"],
)
"""The steps that are not phases. The time of ``create`` belongs to start, that of the others to the phase before."""


def blind_plan(request):
    """Return the Plan of a run before nginx runs, when the target can't be read: start nginx, then plan again."""
    plan = Plan(release=request["release"])
    complete_plan(request, plan)
    plan.steps = ["nginx"]
    plan.groups = groups_of(plan.steps)
    return plan


def complete_plan(request, plan):
    """Set the fields of a Plan that depend on all others."""
    plan.steps = steps_of(request, plan)
    plan.groups = groups_of(plan.steps)
    plan.awaits_promotion = awaits_promotion(request, plan)
    plan.answer_log = answer_log_of(request, plan)
    plan.outcome = outcome_of(request, plan)


def steps_of(request, plan):
    """Return the steps of a run, in their order. Empty if the request is already fulfilled and nothing is to be pulled
    or built.

    A change of nginx's file alone is a swap. A rollback to a color that still runs needs no gate, because the plan has
    just seen it healthy. A rollback is not baked, because it must not return by itself to the release just left.
    """
    coming = {"prepare": plan.pulls, "build": plan.builds, "plan_again": plan.plans_again}
    if plan.unchanged:
        chosen = coming
    elif plan.how == REFRESH:
        chosen = {"swap": True, "record": True, "on_rollback": runs_on_rollback(request)}
    else:
        chosen = {**coming, **_steps_of_change(request, plan)}
    chosen["ask"] = chosen.get("swap") and (not chosen.get("gate") or any(map(chosen.get, GROUPS["checks"])))
    return [step for step in ORDER if chosen.get(step)]


def _steps_of_change(request, plan):
    """Return ``{step: whether the run has it}`` of a run that gives the traffic to another release."""
    hooks, waits = request["hooks"], awaits_promotion(request, plan)
    before_swap = {
        "shared": plan.shared.get("waits"),
        "before_start": "before_start" in hooks and plan.how not in (WARM, PROMOTE),
        "migrate": request["kind"] == "deploy" and request["migrate"],
        "create": plan.joins or (plan.how == CREATE and plan.exclusive),
        "start": plan.how != WARM,
        "gate": plan.how != WARM,
        "smoke": request["smoke_tests"],
        "preview": opens_preview(request, plan),
        "await": waits,
        "record": True,
    }
    from_swap = {
        "before_swap": "before_swap" in hooks,
        "canary": has_canary(request, plan),
        "swap": True,
        "after_swap": "after_swap" in hooks,
        "exclusive": plan.exclusive or plan.previous_exclusive,
        "bake": request["bake_seconds"],
        "drain": True,
        "retire": True,
        "after_retire": "after_retire" in hooks,
        "on_rollback": runs_on_rollback(request),
    }
    return before_swap if waits else {**before_swap, **from_swap}


def groups_of(steps):
    """Return the GROUPS that steps belong to."""
    return [name for name, group in GROUPS.items() if set(group) & set(steps)]


def runs_on_rollback(request):
    """Return whether the hook on_rollback runs at the end. It also runs after a failure that gave the traffic back."""
    return request["kind"] == "rollback" and "on_rollback" in request["hooks"]


def awaits_promotion(request, plan):
    """Return whether the release is left ready, without traffic."""
    return request["kind"] == "deploy" and not request["auto_promote"] and plan.how == CREATE


def opens_preview(request, plan):
    """Return whether nginx opens a preview: only if a person or a hook can use it before the swap."""
    used = awaits_promotion(request, plan) or "before_swap" in request["hooks"]
    return bool(request["preview"]) and request["kind"] == "deploy" and plan.active_color is not None and used


def has_canary(request, plan):
    """Return whether the release gets a share of the requests first: only if there is a color to go back to."""
    return bool(request["canary_steps"]) and plan.can_go_back


def answer_log_of(request, plan):
    """Return the deploy for which nginx logs the app's answers; empty if the release is not judged by them."""
    judged = {"bake", "canary"} & set(plan.steps)
    wanted = judged and request["vhost"] and request["bake_error_ratio"] > 0 and plan.active_color is not None
    return plan.deploy if wanted else ""


def outcome_of(request, plan):
    """Return the outcome of a run in which nothing fails, as in bluegreen_result."""
    recovered = request["recovered"]
    done = "gone_back_to" in recovered if request["kind"] == "rollback" else recovered.get("decision") == FINISH
    if plan.unchanged and not done:
        return "unchanged"
    if request["kind"] == "rollback":
        return "rolled_back"
    return AWAITING if awaits_promotion(request, plan) else "deployed"
