# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of a run's page, and the layout of its time axis. Pure.

A run, as the role collects it. Moments are seconds since the epoch by the controller's clock::

    {"app": str, "host": str, "kind": "deploy" | "rollback" | "promote" | "abort",
     "by": {"user": str, "controller": str, "job": str},
     "release": None | str, "color": str, "previous_color": None | str,             # what was to get the traffic
     "result": {...},                           # as in bluegreen_result
     "phases": {name: s},                       # as in the history, which ends before its own record is written
     "ended": moment,                           # the end of the last phase
     "failed_phase": None | str, "reason": None | str,
     "unsure": bool,                            # whether it is unknown which color has the traffic
     "images": {service: {"ref", "id", "digest"}},
     "gate": {"elapsed": s, "containers": [...]} | {},                              # of compose_health_wait
     "watches": [{...}],                        # of bluegreen_bake: one a step of the canary, one for the bake
     "canary_weights": [percent],               # of its steps
     "swapped_at": None | moment, "back_at": None | moment,
     "clock_ahead": s}                          # the target's clock; swapped_at, back_at and the watches go by that

On the axis, a place is ``x`` and a length is ``w``, both in percent of the run's time.
"""

from __future__ import annotations

import re
import time

from ..module_utils._names import other_color
from ..module_utils._state.status import BY_HAND, person, shown_outcome
from ..module_utils._text import format_seconds
from ._summary import describe_end

WORDS = {
    "deployed": ("✓", "deployed", "good"),
    "rolled_back": ("↩", "rolled back", "back"),
    "rejected": ("✗", "rejected", "bad"),
    "aborted": ("⊘", "aborted", "waits"),
    "awaiting_promotion": ("…", "awaits promotion", "waits"),
}
"""For each outcome, as shown_outcome() names it: a sign, a word, and a CSS class."""

SUMMARY = {"file", "begun", "app", "host", "kind", "outcome", "release", "color", "seconds", "by", "says"}
"""The keys of a run in the index."""

_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)
_TICKS = 5
_SHORTEST = 0.5
"""The fewest seconds between samples."""

_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")


class Axis:
    """``total``: seconds from the run's begin to its end."""

    def __init__(self, total):
        self.total = max(total, 0.01)

    def x(self, at):
        """Return the place of a time, in seconds since the begin."""
        return round(100 * min(max(at / self.total, 0), 1), 2)

    def span(self, begin, end):
        """Return ``{"x", "w"}`` of a span from one time to another."""
        return {"x": self.x(begin), "w": round(max(self.x(end) - self.x(begin), 0), 2)}

    def ticks(self):
        """Return ``[{"x", "label"}]`` at round times."""
        step = next((each for each in _STEPS if self.total / each <= _TICKS), _STEPS[-1])
        times = [number * step for number in range(int(self.total / step) + 1)]
        return [{"x": self.x(at), "label": _label(at, step)} for at in times]


def page_name(run):
    """Return the name of a run's files without the suffix. Names sort by time."""
    begun = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(begun_at(run)))
    parts = (begun, run["host"], run["app"], run["kind"], run["release"] or "by-hand")
    return "-".join(_STRANGE.sub("_", part)[:60] for part in parts)


def begun_at(run):
    """Return the moment at which a run began."""
    return run["ended"] - sum(run["result"]["phases"].values())


def page_summary(run):
    """Return the entry of a run in the index, which is stored next to its page."""
    return {
        "file": page_name(run) + ".html",
        "begun": stamp(begun_at(run)),
        "app": run["app"],
        "host": run["host"],
        "kind": run["kind"],
        "outcome": shown_outcome(run["kind"], run["result"]["outcome"], run["reason"]),
        "release": run["release"] or BY_HAND,
        "color": run["color"],
        "seconds": round(sum(run["result"]["phases"].values()), 2),
        "by": person(run["by"]),
        "says": describe_end(run),
    }


def page_index(summaries):
    """Return the rows of the index, the newest first, each with its ``sign``, ``word``, ``mood`` and ``w``, which is
    100 for the longest run. Anything that is not a summary is ignored."""
    known = [each for each in summaries if isinstance(each, dict) and set(each) >= SUMMARY]
    longest = max((each["seconds"] for each in known), default=0) or 1
    rows = []
    for each in sorted(known, key=lambda each: (each["begun"], each["file"]), reverse=True):
        sign, word, mood = WORDS.get(each["outcome"], ("?", each["outcome"], "waits"))
        width = round(100 * each["seconds"] / longest, 2)
        rows.append(dict(each, sign=sign, word=word, mood=mood, w=width, took=format_seconds(each["seconds"])))
    return rows


def stamp(moment):
    """Return a moment as text, UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


def page_view(run):
    """Return the values for the page's template."""
    result = run["result"]
    sign, word, mood = WORDS[shown_outcome(run["kind"], result["outcome"], run["reason"])]
    begun = begun_at(run)
    axis = Axis(run["ended"] - begun)
    watches = _watches(run, begun)
    phases = _phases(run, axis)
    ends = {phase["name"]: phase["end"] for phase in phases}
    markers = _markers(run, begun, axis, watches)
    return {
        "title": f"{run['app']} {run['release'] or BY_HAND} on {run['host']}",
        "run": run,
        "sign": sign,
        "word": word,
        "mood": mood,
        "says": describe_end(run),
        "begun": stamp(begun),
        "took": format_seconds(axis.total),
        "person": person(run["by"]),
        "release": run["release"] or BY_HAND,
        "previous_release": result["previous_release"] or (BY_HAND if run["previous_color"] else "nothing"),
        "ticks": axis.ticks(),
        "phases": phases,
        "markers": markers,
        "containers": _containers(run, axis, ends, watches),
        "traffic": _traffic(run, axis, watches, markers),
        "tests": _tests(axis, watches),
        "answers": _answers(axis, watches, phases, markers),
        "failed": [
            dict(each, probes=_probes(each["probes"])) for each in result["containers"] if each["log"] or each["probes"]
        ],
        "images": run["images"],
        "warnings": result["warnings"],
    }


def _probes(probes):
    """Return ``[{"says", "times"}]``, one entry for equal probes in a row."""
    rows = []
    for probe in probes:
        said = [] if probe["exit_code"] is None else [f"exit status {probe['exit_code']}"]
        says_so = ": ".join([*said, *([probe["output"]] if probe["output"] else [])])
        if rows and rows[-1]["says"] == says_so:
            rows[-1]["times"] += 1
        else:
            rows.append({"says": says_so, "times": 1})
    return rows


def _label(at, step):
    if step >= 60:
        return f"{at / 60:g} min"
    return f"{round(at, 1):g} s"


def _phases(run, axis):
    rows, at = [], 0.0
    for name, length in run["result"]["phases"].items():
        rows.append(
            {
                "name": name,
                "took": format_seconds(length),
                "begin": at,
                "end": at + length,
                "failed": name == run["failed_phase"],
                **axis.span(at, at + length),
            }
        )
        at += length
    return rows


def _watches(run, begun):
    """Return the watches that began, with their ``share`` of the requests and ``at``, seconds since the run's begin."""
    weights = run["canary_weights"] + [100] * len(run["watches"])
    return [
        dict(watch, share=weight, at=watch["begun_at"] - run["clock_ahead"] - begun)
        for watch, weight in zip(run["watches"], weights)
        if watch.get("begun_at")
    ]


def _markers(run, begun, axis, watches):
    """Return the swap, and the way back from it or from a canary, if there were any."""
    before = run["previous_color"] or "nothing"
    moves = [("▼", run["color"], 100, run["swapped_at"])]
    if run["swapped_at"] or watches:  # otherwise the release had no traffic
        moves.append(("▲", before, 0, run["back_at"]))
    rows = []
    for sign, to, share, moment in moves:
        if moment:
            at = moment - run["clock_ahead"] - begun
            rows.append(
                {"sign": sign, "to": to, "share": share, "at": at, "x": axis.x(at), "took": format_seconds(max(at, 0))}
            )
    return rows


def _containers(run, axis, ends, watches):
    """Return a lane for each container: its states over time, from the gate and then from each watch."""
    looks = [(watch["at"], watch["at"] + watch["elapsed"], watch["containers"]) for watch in watches]
    if run["gate"].get("containers") and "gate" in ends:
        # The gate ends with its phase. Before it begins, Ansible sends the module to the target.
        begin = ends["gate"] - run["gate"]["elapsed"]
        looks.insert(0, (begin, ends["gate"], run["gate"]["containers"]))
    lanes = {}
    for begin, end, containers in looks:
        for container in containers:
            lane = lanes.setdefault(container["id"], {"states": []})
            lane.update(name=container["name"], last=end)
            lane["failed"] = container["reason"] if container["verdict"] == "failed" else None
            for state in container["timeline"]:
                if not lane["states"] or lane["states"][-1][1] != state["state"]:
                    lane["states"].append((begin + state["at"], state["state"]))
    stays = run["result"]["active_color"] == run["color"] or run["result"]["outcome"] == "awaiting_promotion"
    return [_lane(lane, axis, axis.total if stays else lane["last"]) for lane in lanes.values()]


def _lane(lane, axis, end):
    moments = [at for at, _state in lane["states"]][1:] + [end]
    segments = []
    for (begin, state), until in zip(lane["states"], moments):
        segments.append({"state": state, "mood": _mood(state), **axis.span(begin, until)})
    if lane["failed"] and segments:
        segments[-1]["mood"] = "bad"
    text = ", ".join(f"{state} at {format_seconds(max(at, 0))}" for at, state in lane["states"])
    return {"name": lane["name"], "segments": segments, "text": text, "failed": lane["failed"]}


def _mood(state):
    if state in ("healthy", "running"):
        return "ready"
    if state in ("created", "starting"):
        return "waits"
    return "done" if state == "exited (0)" else "bad"


def _traffic(run, axis, watches, markers):
    """Return the release's share of the requests over time, as steps, and the colors."""
    changes = [(0.0, 0)]
    changes += [(watch["at"], watch["share"]) for watch in watches if watch["share"] < 100]
    changes += [(marker["at"], marker["share"]) for marker in markers]
    changes.sort()
    moments = [at for at, _share in changes][1:] + [axis.total]
    steps = [
        {"share": share, "at": format_seconds(max(at, 0)), **axis.span(at, until)}
        for (at, share), until in zip(changes, moments)
    ]
    return {
        "steps": steps,
        "color": run["color"],
        "before": run["previous_color"] or other_color(run["color"]),
        "served": run["previous_color"] is not None,
        "text": ", ".join(f"{step['share']} % from {step['at']}" for step in steps),
    }


def _tests(axis, watches):
    """Return the rounds of the smoke tests, as from _bars()."""
    return _bars(axis, [[(watch["at"], 0, 0), *_samples(watch, "tests")] for watch in watches])


def _answers(axis, watches, phases, markers):
    """Return the answers of the release, as from _bars(). They also count between the watches."""
    moments = [0.0] + [phase["begin"] for phase in phases if phase["name"] == "canary"]
    moments += [marker["at"] for marker in markers]
    pieces, last = [], (0.0, 0, 0)
    for watch in watches:
        samples = _samples(watch, "answers")
        if samples:
            begin = max(moment for moment in [*moments, last[0]] if moment <= max(watch["at"], 0))
            pieces.append([(begin, *last[1:]), *samples])
            last = samples[-1]
    return _bars(axis, pieces)


def _samples(watch, name):
    """Return the samples of a watch, ``(seconds since the run's begin, all, those that failed)``."""
    return [(watch["at"] + at, count, bad) for at, count, bad in watch["series"][name] or []]


def _bars(axis, pieces):
    """Return ``{"all", "bad", "bars": [{"x", "w", "h", "bad"}]}`` from lists of samples, or None if the counts did not
    grow. Heights are in percent of the highest rate."""
    spans = [span for piece in pieces for span in _spans(piece)]
    total = sum(count for _begin, _end, count, _bad in spans)
    if not total:
        return None
    highest = max(count / (end - begin) for begin, end, count, _bad in spans)
    bars = [
        {
            "h": round(100 * count / (end - begin) / highest, 1),
            "bad": round(100 * bad / (end - begin) / highest, 1),
            **axis.span(begin, end),
        }
        for begin, end, count, bad in spans
        if count
    ]
    return {"all": total, "bad": sum(bad for _begin, _end, _count, bad in spans), "bars": bars}


def _spans(samples):
    """Return ``[(begin, end, all, those that failed)]`` between samples that are far enough apart for a rate."""
    kept = samples[:1]
    for sample in samples[1:]:
        if sample[0] - kept[-1][0] >= _SHORTEST:
            kept.append(sample)
    if kept[-1] != samples[-1]:
        kept[max(len(kept) - 1, 1) :] = [samples[-1]]
    return [
        (before[0], max(after[0], before[0] + 0.01), after[1] - before[1], after[2] - before[2])
        for before, after in zip(kept, kept[1:])
    ]
