# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last lines of a run. Pure. _page.py describes a run."""

from __future__ import annotations

import time

from ..module_utils._deploy.plan import REFRESH
from ..module_utils._state.status import BY_HAND
from ..module_utils._text import format_seconds, join_lines
from ._commands import how_to_run
from ._failure_screen import first_few

LONGEST = 2
"""The number of phases that are named: the longest ones, if they took at least 1 s."""


def plan_line(app, plan):
    """Return one line about what a run will do. Empty if it has nothing to do. ``plan``: a dict, or None."""
    if not plan or plan["unchanged"]:
        return ""
    if "nginx" in plan["steps"]:
        return f"{app}: nginx does not run, so it is started first"
    coming = f"{plan['release'] or BY_HAND} in {plan['color']}"
    if plan["how"] == REFRESH:
        return f"{app}: nginx's file is written again; {coming} keeps the traffic"
    if not plan["active_color"]:
        return f"{app}: {coming}, the first deploy"
    return f"{app}: {plan['previous_release'] or BY_HAND} in {plan['active_color']} → {coming}"


def traffic_line(module, result, run):
    """Return one line about when and to which color the traffic moved. Empty if the task did not move it. ``run``: a
    Run."""
    plan = run.plan
    if module == "bluegreen_swap" and result.get("state") == "live" and result.get("swapped_at"):
        moment, holder = result["swapped_at"], f"{plan['release'] or BY_HAND} in {plan['color']} has the traffic"
        holder += f", proven {format_seconds(result['reload_seconds'])} after the reload"
    elif module == "bluegreen_undo" and result.get("outcome") == "rolled_back" and result.get("back_at"):
        moment = result["back_at"]
        holder = f"{plan['previous_release'] or BY_HAND} in {plan['active_color']} has the traffic again"
    else:
        return ""
    clock = time.strftime("%H:%M:%S", time.localtime(moment - run.planned.get("clock_ahead", 0)))
    return f"{clock}: {holder}"


def closing_lines(run, check, page):
    """Return the last lines of a run that did not fail; ``check``: whether it was in check mode, ``page``: the path of
    its page, None for none."""
    if check:
        return f"{run['app']}: {_would(run)}."
    lines = [
        f"{run['app']}: {describe_end(run)}.{_took(run)}",
        *(f"Warning: {each}" for each in first_few(run["result"]["warnings"])),
    ]
    if run["result"]["outcome"] == "awaiting_promotion" and run["job"]:
        lines.append("Next: approve or deny it in the workflow, or launch the job template of promote.yml or abort.yml")
    elif run["result"]["outcome"] == "awaiting_promotion":
        lines += [
            "Next: promote or remove the release:",
            *(f"  {how_to_run(each, run)}" for each in ("promote", "abort")),
        ]
    lines += _idle(run)
    if page:
        lines.append(f"Page: {page}")
    return join_lines(lines)


def describe_end(run):
    """Return how a run ended, as a sentence."""
    result, asked = run["result"], run["release"] or BY_HAND
    outcome, failed = result["outcome"], bool(run["reason"])
    holder = f"{result['release'] or BY_HAND}, in {result['active_color']}" if result["active_color"] else None
    if outcome == "unchanged":
        return f"{holder}, has the traffic already; there is nothing to do"
    if outcome == "awaiting_promotion":
        return f"{asked} is ready in {run['color']} and awaits its promotion; " + (
            f"{holder}, has the traffic" if holder else "no color has the traffic yet"
        )
    if outcome in ("deployed", "rolled_back") and not failed:
        return f"{holder}, has the traffic{' again' if outcome == 'rolled_back' else ''}"
    if run["unsure"]:
        return f"{asked} failed in the phase {run['failed_phase']}; it is unknown which color has the traffic"
    if failed and result["active_color"] == run["color"]:
        return (
            f"{asked} failed in the phase {run['failed_phase']} and keeps the traffic, because there is no other "
            "healthy color"
        )
    keeps = "has it back" if outcome == "rolled_back" else "keeps the traffic"
    rest = f"{holder}, {keeps}" if holder else "no color has the traffic"
    if run["kind"] == "abort" and not failed:
        return f"{asked} was aborted and removed; {rest}"
    if outcome == "rolled_back":
        return f"{asked} lost the traffic in the phase {run['failed_phase']}; {rest}"
    return f"{asked} was rejected in the phase {run['failed_phase']}; {rest}"


def _would(run):
    """Return what a run would do, and what the check could not find out."""
    if not run["color"]:
        release = f" of {run['release']}" if run["release"] else ""
        return (
            f"the {run['kind']}{release} would start nginx first; nothing was changed. Not checked, because nginx does "
            "not run: the Compose files, the images, and the color that would get the traffic"
        )
    pulls = ", ".join(first_few(list(run["pulled_images"])))
    builds = ", ".join(first_few([_build_in_words(build) for build in run["builds"]]))
    unsure = _unsure_pull([name for name, is_known in run["pulled_images"].items() if not is_known])
    if run["result"]["outcome"] == "unchanged" and (pulls or builds):
        holder = f"{run['result']['release']}, in {run['result']['active_color']}"
        coming = _coming("pull", pulls, "build", builds)
        return f"{holder}, has the traffic; the run would {coming}, and deploy if an image differs{unsure}"
    if run["result"]["outcome"] == "unchanged":
        return describe_end(run)
    verb = {
        "awaiting_promotion": f"would be started in {run['color']} and await its promotion",
        "rejected": "would be removed",
    }.get(run["result"]["outcome"], f"would get the traffic in {run['color']}")
    brought = _coming("pulled", pulls, "built", builds)
    once = f", once the run has {brought}" if brought else ""
    return f"{run['release'] or BY_HAND} {verb}{once}; nothing was changed{unsure}"


def _coming(pull, pulls, build, builds):
    """Return what a run pulls and builds, by these verbs. ``pulls``, ``builds``: the names, empty for none."""
    return " and ".join(f"{verb} {names}" for verb, names in ((pull, pulls), (build, builds)) if names)


def _unsure_pull(images):
    """Return that a pull may fail. ``images``: those that neither the target nor a registry is known to have."""
    if not images:
        return ""
    verb, them = ("is", "it") if len(images) == 1 else ("are", "them")
    names = ", ".join(first_few(images))
    return f". {names} {verb} not on the target, and no registry has confirmed {them}, so the pull may fail"


def _build_in_words(build):
    context = f" from {build['context']}" if build["context"] else ""
    return f"{build['image']}{context} ({' and '.join(build['services'])})"


RETIRED = {"stop": "is stopped, kept for a rollback", "keep": "still runs, for a rollback", "remove": "is removed"}
"""What became of the previous color, by bluegreen_retire."""


def _idle(run):
    """Return what became of the previous color, and the command that returns the traffic to it."""
    if not run["retired"] or not run["previous_color"]:
        return []
    before = run["result"]["previous_release"]
    line = f"{before or BY_HAND} in {run['previous_color']} {RETIRED[run['retired']]}"
    if not before:
        return [f"{line}."]
    # A rollback without a release never chooses one that was rolled back.
    release = before if run["result"]["outcome"] == "rolled_back" else None
    return [f"{line}: {how_to_run('rollback', run, release)}"]


def _took(run):
    """Return how long the run took, and which phases took longest. These are the figures of the history."""
    phases = run["phases"]
    if run["result"]["outcome"] == "unchanged":
        return ""
    longest = [name for name in sorted(phases, key=phases.get, reverse=True)[:LONGEST] if phases[name] >= 1]
    named = " and ".join(f"{name} {format_seconds(phases[name])}" for name in longest)
    return f" It took {format_seconds(sum(phases.values()))}" + (f", of which {named}." if named else ".")
