# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run undoes that has failed before it retired the active color. Pure.

A run decides twice: before nginx's file is put back, and after. recovery.py decides the same for a run that was killed,
from the target alone.
"""

from __future__ import annotations

from .plan import CREATE, PROMOTE, START, WARM
from .recovery import BACK, KEEP, UNDO

UNSURE = "unsure"
"""The traffic could not be put back, so nobody knows which color has it. Nothing is removed that may serve."""

MOVES_TRAFFIC = ("canary", "swap", "exclusive", "bake", "drain")
"""The phases in which the new color may have traffic."""

STARTS_NOTHING = ("detect", "prepare", "build", "shared")
"""The phases in which the new color has no container yet."""


def to_put_back(phase, plan, introduced):
    """Return whether nginx's file of before is put back.

    ``phase``: the one that failed; ``introduced``: whether nginx was told of the new color's names, or of a preview.
    """
    return plan["can_go_back"] if phase in MOVES_TRAFFIC else introduced


def decide_undo(phase, plan, swapped, put_back):
    """Return UNDO, BACK, KEEP or UNSURE.

    ``swapped``: whether the swap was proven; ``put_back``: ``{failed, changed}`` of that task, both false if it did not
    run.
    """
    if phase not in MOVES_TRAFFIC:
        return UNDO
    if not plan["can_go_back"]:
        return KEEP if swapped else UNDO
    if put_back["failed"]:
        return UNSURE
    return BACK if put_back["changed"] else UNDO


def acts_of(decision, phase, plan):
    """Return what the role does: ``{kept_traffic, new_keeps_it, outcome, remove, stop, start_exclusive}``.

    ``kept_traffic``: whether the color that was active has the traffic; ``new_keeps_it``: whether the new color keeps
    it; ``remove``, ``stop``: whether the new color's containers are removed, or stopped because they were there before;
    ``start_exclusive``: whether the active color's exclusive services start again.
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
        "start_exclusive": kept and phase in MOVES_TRAFFIC and bool(plan["previous_exclusive"]),
    }


def _has_started(phase, plan):
    """Return whether containers of the new color are this run's to take down."""
    if phase in STARTS_NOTHING or (phase == "migrate" and "create" not in plan["steps"]):
        return False  # the containers of the idle color still are what a rollback starts
    return plan["how"] in (CREATE, START, PROMOTE) or bool(plan["exclusive"])
