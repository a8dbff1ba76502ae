# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about a deploy or rollback that was interrupted, because its run or its host was killed. Pure.

``unfinished``: the journal's entry of it (see _state/journal.py).
"""

from __future__ import annotations

from .._names import other_color
from .._state.journal import AWAITING
from .plan import CREATE, PROMOTE

FINISH, BACK, UNDO, KEEP = "finish", "back", "undo", "keep"
"""FINISH: the release keeps the traffic, and the previous color is retired. BACK: the traffic moves back, and the
release's containers are removed or stopped. UNDO: nginx's file never named it, and its containers are removed or
stopped. KEEP: it keeps the traffic, because there is no other healthy color."""

_OUTCOMES = {FINISH: "deployed", BACK: "rolled_back", UNDO: "rejected", KEEP: "deployed"}


def outcome_of(unfinished, decision):
    """Return how the run ended, as in the journal."""
    return AWAITING if _awaits_again(unfinished, decision) else _OUTCOMES[decision]


def removes_release(unfinished, decision):
    """Return whether the containers of the release are removed, and not only stopped."""
    if decision not in (BACK, UNDO) or _awaits_again(unfinished, decision):
        return False
    return unfinished["how"] in (CREATE, PROMOTE)


def _awaits_again(unfinished, decision):
    """Return whether a release that awaited its promotion awaits it again. A release that was being removed may have
    lost containers already."""
    return decision == UNDO and unfinished["how"] == PROMOTE and not unfinished.get("given_up")


def decide_recovery(unfinished, told, serves, previous_serves):
    """Return FINISH, BACK, UNDO or KEEP.

    ``told``: the color that gets the traffic by nginx's file on disk, or None; ``serves``, ``previous_serves``: whether
    all containers that take traffic answer, of the new color and of the previous one.
    """
    if told != unfinished["color"] or "swap" not in unfinished:
        return UNDO
    if serves and not (unfinished.get("given_up") and previous_serves):
        return FINISH  # nginx only sends traffic to a color that has passed its gate
    return BACK if previous_serves else KEEP


def has_gone_back(unfinished, decision):
    """Return whether a rollback without a release has nothing left to do after this recovery.

    After a killed deploy, such a rollback means the release before that deploy, not the one before that. And a killed
    rollback that recovery has finished must not be followed by another one.
    """
    return decision == FINISH if unfinished["rollback"] else decision in (BACK, UNDO)


def describe_recovery(app, unfinished, decision):
    """Return one line: what was found, and what the role does about it."""
    name = unfinished["release"] or "the stack started by hand"
    color, previous = unfinished["color"], other_color(unfinished["color"])
    found = "an interrupted {} of {} to {} in {}, begun at {}".format(
        "rollback" if unfinished["rollback"] else "deploy", app, name, color, unfinished["begun_at"]
    )
    undone = "it never had the traffic, so the role removes or stops its containers"
    if _awaits_again(unfinished, decision):
        undone = "it never had the traffic, so it awaits its promotion again"
    elif unfinished.get("given_up"):
        undone = "it was being undone, so the role removes or stops the rest of its containers"
    done = {
        FINISH: f"nginx's file names {color}, which is ready, so the role finishes the run: {name} has the traffic",
        BACK: "nginx's file names {}, but the release {}, so the role gives the traffic back to {}".format(
            color, "was being undone" if unfinished.get("given_up") else "is not ready", previous
        ),
        UNDO: undone + (f"; {previous} keeps the traffic" if unfinished["previous"] else ""),
        KEEP: f"nginx's file names {color}, but neither {color} nor {previous} is ready, so the role stops nothing",
    }
    return f"{found}: {done[decision]}"


def is_starting(container, uptime, patience):
    """Return whether it is too early to say that a container does not answer, because it still boots.

    ``uptime``: for how many seconds it runs; ``patience``: for how many it may fail its probe.
    """
    if container["state"] == "running":
        return container["health"] == "starting" or bool(container.get("probe_problem") and uptime < patience)
    return container["state"] == "restarting"
