# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.plugin_utils import _page
from ansible_collections.hotswap.compose.plugins.plugin_utils._page import Axis

BEGUN = 1769904000.0  # 2026-02-01T00:00:00Z
PHASES = {"detect": 1.0, "start": 2.0, "gate": 4.0, "swap": 1.0, "bake": 8.0, "drain": 4.0}


def a_container(timeline, **more):
    container = {
        "name": "shop-green-was-1",
        "id": "c0ffee",
        "verdict": "ready",
        "reason": "is healthy",
        "timeline": [{"at": at, "state": state} for at, state in timeline],
        "probes": [],
        "log": [],
    }
    return {**container, **more}


def a_watch(begun_at, elapsed=8.0, tests=None, answers=None, containers=()):
    series = {"tests": tests, "answers": answers}
    return {"begun_at": begun_at, "elapsed": elapsed, "series": series, "containers": list(containers)}


def a_run(phases=None, **more):
    phases = PHASES if phases is None else phases
    result = {
        "outcome": "deployed",
        "active_color": "green",
        "release": "v2",
        "previous_release": "v1",
        "phases": phases,
        "containers": [],
        "warnings": [],
    }
    run = {
        "app": "shop",
        "host": "web1",
        "kind": "deploy",
        "by": {"user": "ci", "controller": "runner-3", "job": ""},
        "release": "v2",
        "color": "green",
        "previous_color": "blue",
        "result": dict(result, **more.pop("result", {})),
        "ended": BEGUN + sum(phases.values()),
        "failed_phase": None,
        "reason": None,
        "unsure": False,
        "images": {},
        "gate": {},
        "watches": [],
        "canary_weights": [],
        "swapped_at": BEGUN + 7.5,
        "back_at": None,
        "clock_ahead": 0.0,
    }
    return {**run, **more}


def refused(outcome="rejected", phase="gate", **more):
    held = {"outcome": outcome, "active_color": "blue", "release": "v1"}
    return a_run(result=held, failed_phase=phase, reason="was-1 exited with 3", **more)


@pytest.mark.parametrize(
    ("total", "at", "x"), [(10, 0, 0), (10, 2.5, 25), (10, 10, 100), (10, -1, 0), (10, 11, 100), (0, 0, 0), (0, 1, 100)]
)
def test_place(total, at, x):
    assert Axis(total).x(at) == x


@pytest.mark.parametrize(
    ("begin", "end", "span"),
    [(0, 10, {"x": 0, "w": 100}), (2, 3, {"x": 20, "w": 10}), (9, 12, {"x": 90, "w": 10}), (3, 2, {"x": 30, "w": 0})],
)
def test_span(begin, end, span):
    assert Axis(10).span(begin, end) == span


@pytest.mark.parametrize(
    ("total", "labels"),
    [
        (0.35, ["0 s", "0.1 s", "0.2 s", "0.3 s"]),
        (4.9, ["0 s", "1 s", "2 s", "3 s", "4 s"]),
        (12, ["0 s", "5 s", "10 s"]),
        (65, ["0 s", "15 s", "30 s", "45 s", "60 s"]),
        (200, ["0 min", "1 min", "2 min", "3 min"]),
        (4000, ["0 min", "20 min", "40 min", "60 min"]),
        (0, ["0 s"]),
    ],
)
def test_ticks(total, labels):
    assert [tick["label"] for tick in Axis(total).ticks()] == labels


@pytest.mark.parametrize("total", [0.01, 0.07, 1, 3.3, 9.99, 61, 119, 601, 5000, 86400, 200000])
def test_ticks_never_meet_nor_leave_the_page(total):
    ticks = Axis(total).ticks()
    assert len(ticks) <= 6 and ticks[0]["x"] == 0
    assert all(later["x"] - tick["x"] >= 16 for tick, later in zip(ticks, ticks[1:]))


def test_phases_follow_each_other():
    bars = _page.page_view(a_run())["phases"]
    assert [(each["name"], each["x"], each["w"], each["took"], each["failed"]) for each in bars] == [
        ("detect", 0, 5, "1 s", False),
        ("start", 5, 10, "2 s", False),
        ("gate", 15, 20, "4 s", False),
        ("swap", 35, 5, "1 s", False),
        ("bake", 40, 40, "8 s", False),
        ("drain", 80, 20, "4 s", False),
    ]


def test_the_phase_that_failed():
    assert [each["name"] for each in _page.page_view(refused())["phases"] if each["failed"]] == ["gate"]


@pytest.mark.parametrize(
    ("more", "markers", "share"),
    [
        ({}, [("▼", "green", 37.5)], "0 % from 0 s, 100 % from 7.5 s"),
        # The target's clock is ahead.
        ({"swapped_at": BEGUN + 107.5, "clock_ahead": 100}, [("▼", "green", 37.5)], "0 % from 0 s, 100 % from 7.5 s"),
        ({"swapped_at": None}, [], "0 % from 0 s"),
        (
            {"back_at": BEGUN + 15},
            [("▼", "green", 37.5), ("▲", "blue", 75)],
            "0 % from 0 s, 100 % from 7.5 s, 0 % from 15 s",
        ),
        # nginx's file was put back, but it had sent nothing to the release.
        ({"swapped_at": None, "back_at": BEGUN + 15}, [], "0 % from 0 s"),
        (
            {"canary_weights": [10, 50], "watches": [a_watch(BEGUN + 3, 2), a_watch(BEGUN + 5, 2), a_watch(BEGUN + 8)]},
            [("▼", "green", 37.5)],
            "0 % from 0 s, 10 % from 3 s, 50 % from 5 s, 100 % from 7.5 s",
        ),
        (
            {
                "canary_weights": [10, 50],
                "watches": [a_watch(BEGUN + 3, 2)],
                "swapped_at": None,
                "back_at": BEGUN + 6,
            },
            [("▲", "blue", 30)],
            "0 % from 0 s, 10 % from 3 s, 0 % from 6 s",
        ),
    ],
)
def test_who_had_the_traffic_when(more, markers, share):
    view = _page.page_view(a_run(**more))
    assert [(marker["sign"], marker["to"], marker["x"]) for marker in view["markers"]] == markers
    assert view["traffic"]["text"] == share
    assert sum(step["w"] for step in view["traffic"]["steps"]) == pytest.approx(100)


def segments(run):
    lanes = _page.page_view(run)["containers"]
    return [[(each["mood"], each["x"], each["w"]) for each in lane["segments"]] for lane in lanes]


def test_containers_by_the_gate():
    gate = {"elapsed": 3.0, "containers": [a_container([(0, "starting"), (2.0, "healthy")])]}
    assert segments(a_run(gate=gate)) == [[("waits", 20, 10), ("ready", 30, 70)]]
    assert _page.page_view(a_run(gate=gate))["containers"][0]["text"] == "starting at 4 s, healthy at 6 s"


def test_containers_of_what_is_refused_end_with_the_gate():
    failed = a_container([(0, "starting"), (1.0, "exited (3)")], verdict="failed", reason="exited with 3")
    gate = {"elapsed": 2.0, "containers": [failed]}
    assert segments(refused(gate=gate, swapped_at=None)) == [[("waits", 25, 5), ("bad", 30, 5)]]


def test_containers_go_on_while_they_are_watched():
    gate = {"elapsed": 4.0, "containers": [a_container([(0, "healthy")])]}
    sick = a_container([(0, "healthy"), (6.0, "unhealthy")], verdict="failed", reason="is unhealthy")
    run = refused("rolled_back", "bake", gate=gate, watches=[a_watch(BEGUN + 8, containers=[sick])])
    assert segments(run) == [[("ready", 15, 55), ("bad", 70, 10)]]


def test_a_container_that_runs_but_failed_is_shown_so():
    failed = a_container([(0, "running")], verdict="failed", reason="takes traffic but has no healthcheck")
    assert segments(refused(gate={"elapsed": 2.0, "containers": [failed]}))[0][0][0] == "bad"


@pytest.mark.parametrize(
    ("state", "mood"),
    [
        ("created", "waits"),
        ("starting", "waits"),
        ("running", "ready"),
        ("healthy", "ready"),
        ("exited (0)", "done"),
        ("exited (3)", "bad"),
        ("restarting (1)", "bad"),
        ("unhealthy", "bad"),
        ("removed", "bad"),
    ],
)
def test_mood(state, mood):
    assert segments(a_run(gate={"elapsed": 2.0, "containers": [a_container([(0, state)])]}))[0][0][0] == mood


def test_series():
    watches = [
        a_watch(BEGUN + 2, 2, tests=[[1.0, 1, 0], [2.0, 2, 0]]),
        a_watch(BEGUN + 8, 8, tests=[[1.0, 2, 1], [2.9, 3, 1], [3.0, 4, 1]], answers=[[4.0, 0, 0]]),
    ]
    view = _page.page_view(a_run(watches=watches, canary_weights=[10]))
    assert view["tests"] == {
        "all": 6,
        "bad": 1,
        "bars": [
            {"x": 10, "w": 5, "h": 50, "bad": 0},
            {"x": 15, "w": 5, "h": 50, "bad": 0},
            {"x": 40, "w": 5, "h": 100, "bad": 50},
            {"x": 45, "w": 10, "h": 50, "bad": 0},
        ],
    }
    assert view["answers"] is None


@pytest.mark.parametrize(
    ("samples", "bars"),
    [
        # The first round is asked at once, and the last is counted with the one before.
        ([[0.03, 1, 0], [1.03, 2, 0], [2.03, 3, 0], [2.2, 3, 0]], [(100, 0), (44, 0)]),
        ([[0.03, 1, 1]], [(100, 100)]),
        ([[0.03, 1, 0], [0.9, 2, 1]], [(100, 50)]),
    ],
)
def test_rates_of_moments_are_none(samples, bars):
    series = _page.page_view(a_run(watches=[a_watch(BEGUN + 8, tests=samples)]))["tests"]
    assert [(each["h"], each["bad"]) for each in series["bars"]] == bars
    assert (series["all"], series["bad"]) == tuple(samples[-1][1:])


@pytest.mark.parametrize(
    ("more", "samples", "bars"),
    [
        # From the swap on, though the bake began later.
        ({}, [[[0.5, 10, 1], [4.5, 18, 1]]], [(37.5, 5, 100, 10), (42.5, 20, 20, 0)]),
        # From the begin of the canary on; what it had is not counted again.
        (
            {"canary_weights": [10], "phases": {"gate": 4.0, "canary": 3.5, "swap": 0.5, "bake": 12.0}},
            [[[2.0, 6, 0]], [[2.0, 16, 0]]],
            [(20, 15, 50, 0), (37.5, 12.5, 100, 0)],
        ),
        ({}, [[[0.0, 0, 0], [8.0, 0, 0]]], None),
    ],
)
def test_answers_are_counted_on(more, samples, bars):
    begins = [BEGUN + 5, BEGUN + 8][-len(samples) :]
    watches = [a_watch(begun_at, answers=each) for begun_at, each in zip(begins, samples)]
    answers = _page.page_view(a_run(watches=watches, **more))["answers"]
    assert (answers and [(each["x"], each["w"], each["h"], each["bad"]) for each in answers["bars"]]) == bars
    assert answers is None or answers["all"] == samples[-1][-1][1]


def test_probes_that_say_the_same_are_said_once():
    probes = [{"exit_code": 1, "output": ""}] * 3 + [{"exit_code": 1, "output": "refused"}]
    run = refused(swapped_at=None)
    run["result"]["containers"] = [a_container([], probes=probes)]
    assert _page.page_view(run)["failed"][0]["probes"] == [
        {"says": "exit status 1", "times": 3},
        {"says": "exit status 1: refused", "times": 1},
    ]


def test_a_watch_that_could_not_begin_is_no_watch():
    watches = [{"msg": "the Engine does not answer"}, a_watch(None)]
    view = _page.page_view(refused("rolled_back", "bake", watches=watches))
    assert (view["tests"], view["containers"]) == (None, [])


@pytest.mark.parametrize(
    ("more", "stem"),
    [
        ({}, "20260201T000000Z-web1-shop-deploy-v2"),
        ({"host": "../../etc/x", "release": None}, "20260201T000000Z-_etc_x-shop-deploy-by-hand"),
        ({"host": "h" * 99}, "20260201T000000Z-" + "h" * 60 + "-shop-deploy-v2"),
    ],
)
def test_stem(more, stem):
    assert _page.page_name(a_run(**more)) == stem


def test_the_page_and_the_index_say_the_same():
    assert _page.page_view(refused())["says"] == _page.page_summary(refused())["says"]


def test_index():
    old = _page.page_summary(a_run())
    new = _page.page_summary(refused(phases={"detect": 1.0, "gate": 4.0}, release="v3"))
    new["begun"] = "2026-02-02 00:00:00"
    rows = _page.page_index([old, {"some": "thing"}, None, [], new])
    assert [(row["release"], row["word"], row["took"], row["w"]) for row in rows] == [
        ("v3", "rejected", "5 s", 25),
        ("v2", "deployed", "20 s", 100),
    ]
    assert _page.page_index([]) == []


@pytest.mark.parametrize(
    ("reason", "word", "mood"), [(None, "aborted", "waits"), ("nginx rejects its configuration", "rejected", "bad")]
)
def test_an_abort_is_no_failure_unless_it_failed(reason, word, mood):
    run = refused(kind="abort")
    run["reason"] = reason
    (row,) = _page.page_index([_page.page_summary(run)])
    view = _page.page_view(run)
    assert (row["word"], row["mood"], view["word"], view["mood"]) == (word, mood, word, mood)
