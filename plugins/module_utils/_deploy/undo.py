# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failed run undoes if it has not retired the previous color. Pure.

A run decides twice: before nginx's file is restored, and after. recovery.py decides the same for a killed run, from the
target alone.
"""

from __future__ import annotations

from .plan import CREATE, PROMOTE, START, WARM
from .recovery import BACK, KEEP, UNDO

UNSURE = "unsure"
"""The traffic could not be moved back, so it is unknown which color has it. No container is removed that may serve."""

STARTS_NOTHING = ("detect", "prepare", "build", "shared")
"""The phases in which the new color has no container yet."""

BEFORE_TRAFFIC = (*STARTS_NOTHING, "migrate", "start", "gate", "smoke", "preview")
"""The phases in which the new color has no traffic yet. In any other, it may have some."""


def may_have_traffic(phase):
    """Return whether the new color may have traffic when a phase fails."""
    return phase not in BEFORE_TRAFFIC


def to_put_back(phase, plan, introduced):
    """Return whether nginx's previous file is restored.

    ``phase``: the one that failed; ``introduced``: whether nginx has loaded the new color's names, or a preview.
    """
    return plan["can_go_back"] if may_have_traffic(phase) else introduced


def decide_undo(phase, plan, swapped, put_back):
    """Return UNDO, BACK, KEEP or UNSURE.

    ``swapped``: whether the swap was proven; ``put_back``: ``{failed, changed}`` of restoring the file, both false if
    it did not run.
    """
    if not may_have_traffic(phase):
        return UNDO
    if not plan["can_go_back"]:
        return KEEP if swapped else UNDO
    if put_back["failed"]:
        return UNSURE
    return BACK if put_back["changed"] else UNDO


def acts_of(decision, phase, plan):
    """Return what the role does: ``{kept_traffic, new_keeps_it, outcome, remove, stop, start_exclusive}``.

    ``kept_traffic``: whether the previous color has the traffic; ``new_keeps_it``: whether the new color keeps it;
    ``remove``, ``stop``: whether the new color's containers are removed, or stopped because they existed before;
    ``start_exclusive``: whether the previous color's exclusive services start again.
    """
    kept = decision in (UNDO, BACK)
    taken_down = kept and _has_started(phase, plan)
    were_there = plan["how"] in (START, WARM)
    return {
        "kept_traffic": kept,
        "new_keeps_it": decision == KEEP,
        "outcome": "rolled_back" if decision == BACK else "rejected",
        "remove": taken_down and not were_there,
        "stop": taken_down and were_there,
        "start_exclusive": kept and may_have_traffic(phase) and bool(plan["previous_exclusive"]),
    }


def _has_started(phase, plan):
    """Return whether this run must remove or stop containers of the new color."""
    if phase in STARTS_NOTHING or (phase == "migrate" and "create" not in plan["steps"]):
        return False  # the containers of the idle color still are the target of a rollback
    return plan["how"] in (CREATE, START, PROMOTE) or bool(plan["exclusive"])
