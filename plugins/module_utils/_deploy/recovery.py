# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a deploy or rollback that was begun and never ended: its run was killed, or its host was. Pure.

``unfinished`` is what the journal has of it (see _state/journal.py).
"""

from __future__ import annotations

from .._names import other_color
from .._state.journal import AWAITING
from .plan import CREATE, PROMOTE

FINISH, BACK, UNDO, KEEP = "finish", "back", "undo", "keep"
"""It gets the traffic and the color before it is retired; the traffic goes back, and its containers go; it never was
told to nginx, and its containers go; it keeps the traffic, for there is nothing to go back to."""

_OUTCOMES = {FINISH: "deployed", BACK: "rolled_back", UNDO: "rejected", KEEP: "deployed"}


def outcome_of(unfinished, decision):
    """Return how the run ended, as the journal has it."""
    return AWAITING if _awaits_again(unfinished, decision) else _OUTCOMES[decision]


def removes_release(unfinished, decision):
    """Return whether the containers of the release are removed, and not only stopped again."""
    if decision not in (BACK, UNDO) or _awaits_again(unfinished, decision):
        return False
    return unfinished["how"] in (CREATE, PROMOTE)


def _awaits_again(unfinished, decision):
    """Return whether a release that awaited its promotion awaits it again. A release that was given up may have lost
    some of its containers already."""
    return decision == UNDO and unfinished["how"] == PROMOTE and not unfinished.get("given_up")


def decide_recovery(unfinished, told, serves, previous_serves):
    """Return FINISH, BACK, UNDO or KEEP.

    ``told``: the color that nginx's file on disk sends the traffic to, or None; ``serves``, ``previous_serves``:
    whether all containers that take traffic answer, of the color that was to have it and of the one before.
    """
    if told != unfinished["color"] or "swap" not in unfinished:
        return UNDO
    if serves and not (unfinished.get("given_up") and previous_serves):
        return FINISH  # nginx is only told of a color that has passed its gate
    return BACK if previous_serves else KEEP


def has_gone_back(unfinished, decision):
    """Return whether a rollback that names no release has nothing left to do, now that this was done.

    Whoever asks for one after a deploy that was killed means the release before that deploy, not the one before that;
    and a rollback that was killed and finished now is not to be followed by another.
    """
    return decision == FINISH if unfinished["rollback"] else decision in (BACK, UNDO)


def describe_recovery(app, unfinished, decision):
    """Return one line: what was found, and what is done about it."""
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
    """Return whether it is too early to say that a container answers: it boots, with its host perhaps.

    ``uptime``: for how many s it runs; ``patience``: for how many it may fail its probe.
    """
    if container["state"] == "running":
        return container["health"] == "starting" or bool(container.get("probe_problem") and uptime < patience)
    return container["state"] == "restarting"
