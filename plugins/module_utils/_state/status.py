# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of an app's status and history. Pure. Times are UTC, as in the journal."""

from __future__ import annotations

import calendar
import textwrap
import time

from .._text import WIDTH, excerpt, format_seconds, format_table, join_lines
from .lock import describe_holder

BY_HAND = "the stack started by hand"
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def ago(stamp, now):
    """Return how long ago a time of the journal was, in one unit. ``now``: seconds since the epoch."""
    seconds = max(0, int(now - calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))))
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{seconds // size} {unit} ago"


def person(by):
    """Return who started a run: ``ci@runner-3, AWX job 15``. Empty if unknown."""
    if not by:
        return ""
    return "{user}@{controller}".format(**by) + (", AWX job " + by["job"] if by["job"] else "")


def shown_outcome(kind, outcome, reason):
    """Return how people are shown the outcome of a run: an abort that did not fail is no rejected release."""
    return "aborted" if kind == "abort" and outcome == "rejected" and not reason else outcome


def status_text(found, now):
    """Return the text of a status, as the module bluegreen_info returns it."""
    lines = [found["app"]]
    facts = [("traffic", _traffic(found, now))]
    if found["awaiting_promotion"]:
        facts.append(("promotion", f"{found['awaiting_promotion']} is ready and awaits its promotion"))
    if found["unfinished"] and not found["lock"]:
        facts.append(("unfinished", "a run was interrupted; the next run finishes or undoes it"))
    lock = found["lock"]
    facts.append(("lock", f"{describe_holder(lock)} (last seen {lock['age']:.0f} s ago)" if lock else "free"))
    if found["last_run"]:
        facts.append(("last run", _last(found["last_run"], now)))
        facts.append(("", found["last_run"].get("reason") or ""))
    if found["journal"]:
        facts.append(("journal", found["journal"]))
    for name, value in facts:
        for number, line in enumerate(textwrap.wrap(value, WIDTH - 14, max_lines=3, placeholder=" …")):
            lines.append(f"  {'' if number else name:<10}  {line}")
    rows = [
        _container(color, color == found["active_color"], each)
        for color, containers in found["colors"].items()
        for each in containers
    ]
    rows += [_container("shared", False, each) for containers in found["shared"].values() for each in containers]
    if rows:
        lines += [""] + format_table(
            [("color", "service", "container", "release", "state", "health", "image"), *rows], "  "
        )
    return join_lines(lines)


def history_text(app, runs):
    """Return the text of a history, as from read_history(), the newest run first."""
    if not runs:
        return f"{app}\n  no run on record yet"
    heading = ("ended (UTC)", "run", "outcome", "release", "color", "took", "longest", "by")
    rows = [_run(each) for each in reversed(runs)]
    lines = format_table([heading, *rows], "  ")
    shown = [app, lines[0]]
    for line, run in zip(lines[1:], reversed(runs)):
        shown.append(line)
        if run.get("reason"):
            shown.append("      " + excerpt(run["reason"], WIDTH - 6))
    return join_lines(shown)


def _traffic(found, now):
    if not found["active_color"]:
        return "no color has it"
    since = f", since {_time(found['since'])} UTC ({ago(found['since'], now)})" if found["since"] else ""
    return f"{found['release'] or BY_HAND} has it, in {found['active_color']}{since}"


def _last(run, now):
    by = person(run.get("by"))
    return "{} {} {}: {}, {}{}".format(
        run["kind"],
        "to" if run["kind"] == "rollback" else "of",
        run.get("release") or BY_HAND,
        _outcome(run),
        ago(run["at"], now),
        f", by {by}" if by else "",
    )


def _outcome(run):
    return shown_outcome(run["kind"], run["outcome"], run.get("reason")).replace("_", " ")


def _container(color, is_active, container):
    return (
        color + (", active" if is_active else ""),
        container["service"] or "",
        container["name"],
        container["release"] or "",
        container["state"],
        _health(container),
        container["image"],
    )


def _health(container):
    """Return the health from the healthcheck, or ``probe`` for a container that only a probe checks."""
    if container["state"] != "running":
        return "-"
    return container["health"] or ("probe" if container.get("probe") else "-")


def _run(run):
    phases = run["phases"]
    longest = max(phases, key=phases.get) if phases else None
    return (
        _time(run["at"]),
        run["kind"],
        _outcome(run),
        run.get("release") or "",
        run.get("color") or "",
        format_seconds(sum(phases.values())) if phases else "",
        f"{longest} {format_seconds(phases[longest])}" if longest else "",
        person(run.get("by")),
    )


def _time(stamp):
    return stamp[:16].replace("T", " ")
