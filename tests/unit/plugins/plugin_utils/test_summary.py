# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest

from ansible_collections.hotswap.compose.plugins.plugin_utils import _summary
from ansible_collections.hotswap.compose.plugins.plugin_utils._run import Run


def a_run(**more):
    """A deploy of v2 that went well."""
    result = {
        "outcome": "deployed",
        "active_color": "green",
        "release": "v2",
        "previous_release": "v1",
        "warnings": [],
    }
    run = {
        "app": "shop",
        "kind": "deploy",
        "release": "v2",
        "color": "green",
        "previous_color": "blue",
        "result": dict(result, **more.pop("result", {})),
        "phases": {"detect": 0.4, "gate": 4.2, "swap": 0.4, "drain": 5.0},
        "retired": "stop",
        "failed_phase": None,
        "reason": None,
        "unsure": False,
        "builds": [],
        "pulled_images": {},
        "job": "",
        "arguments": ["-i", "hosts.yml"],
    }
    return {**run, **more}


def refused(outcome="rejected", phase="gate", **more):
    held = {"outcome": outcome, "active_color": "blue", "release": "v1"}
    return a_run(result=held, failed_phase=phase, reason="was-1 exited with 3", **more)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (a_run(), "v2, in green, has the traffic"),
        (a_run(kind="rollback", result={"outcome": "rolled_back"}), "v2, in green, has the traffic again"),
        (refused(), "v2 was rejected in the phase gate; v1, in blue, keeps the traffic"),
        (refused("rolled_back", "bake"), "v2 lost the traffic in the phase bake; v1, in blue, has it back"),
        (
            a_run(
                result={"outcome": "rejected", "active_color": None, "release": None},
                failed_phase="gate",
                reason="x",
                previous_color=None,
            ),
            "v2 was rejected in the phase gate; no color has the traffic",
        ),
        (refused(unsure=True), "v2 failed in the phase gate; it is unknown which color has the traffic"),
        (
            a_run(result={"outcome": "rejected"}, failed_phase="bake", reason="x"),
            "v2 failed in the phase bake and keeps the traffic, because there is no other healthy color",
        ),
        (
            a_run(kind="abort", result={"outcome": "rejected", "active_color": "blue", "release": "v1"}),
            "v2 was aborted and removed; v1, in blue, keeps the traffic",
        ),
        (
            a_run(result={"outcome": "awaiting_promotion", "active_color": "blue", "release": None}),
            "v2 is ready in green and awaits its promotion; the stack started by hand, in blue, has the traffic",
        ),
        (
            a_run(release=None, result={"release": None}, kind="rollback"),
            "the stack started by hand, in green, has the traffic",
        ),
        (a_run(result={"outcome": "unchanged"}), "v2, in green, has the traffic already; there is nothing to do"),
    ],
)
def test_says(run, says):
    assert _summary.describe_end(run) == says


TOOK = "It took 10 s, of which drain 5 s and gate 4.2 s."
TRAFFIC = f"shop: v2, in green, has the traffic. {TOOK}"
BACK = "v1 in blue is stopped, kept for a rollback: ansible-playbook -i hosts.yml hotswap.compose.rollback"
READY = {"outcome": "awaiting_promotion", "active_color": "blue", "release": "v1"}


@pytest.mark.parametrize(
    ("run", "page", "lines"),
    [
        (a_run(), None, [TRAFFIC, BACK]),
        (a_run(), "/pages/1.html", [TRAFFIC, BACK, "Page: /pages/1.html"]),
        (
            a_run(result={"warnings": ["slow", "old\nand odd"]}),
            None,
            [TRAFFIC, "Warning: slow", "Warning: old and odd", BACK],
        ),
        (a_run(retired="keep"), None, [TRAFFIC, BACK.replace("is stopped, kept", "still runs,")]),
        (a_run(retired="remove"), None, [TRAFFIC, BACK.replace("is stopped, kept for a rollback", "is removed")]),
        (
            a_run(result={"previous_release": None}),
            None,
            [TRAFFIC, "the stack started by hand in blue is stopped, kept for a rollback."],
        ),
        (a_run(previous_color=None, retired=None, result={"previous_release": None}), None, [TRAFFIC]),
        (a_run(previous_color="green", retired=None), None, [TRAFFIC]),  # nginx's file alone has changed
        (a_run(retired=None), None, [TRAFFIC]),  # it could not be retired, as a warning says
        (
            a_run(phases={"detect": 0.2, "swap": 0.5}, result={"previous_release": None}, retired=None),
            None,
            ["shop: v2, in green, has the traffic. It took 0.7 s."],
        ),
        (
            a_run(result=READY, retired=None),
            None,
            [
                f"shop: v2 is ready in green and awaits its promotion; v1, in blue, has the traffic. {TOOK}",
                "Next: promote or remove the release:",
                "  ansible-playbook -i hosts.yml hotswap.compose.promote",
                "  ansible-playbook -i hosts.yml hotswap.compose.abort",
            ],
        ),
        (
            a_run(job="41"),
            None,
            [TRAFFIC, "v1 in blue is stopped, kept for a rollback: launch the job template of rollback.yml"],
        ),
        (
            a_run(job="41", result=READY, retired=None),
            None,
            [
                f"shop: v2 is ready in green and awaits its promotion; v1, in blue, has the traffic. {TOOK}",
                "Next: approve or deny it in the workflow, or launch the job template of promote.yml or abort.yml",
            ],
        ),
        (
            a_run(
                kind="rollback",
                release="v1",
                color="blue",
                previous_color="green",
                result={"outcome": "rolled_back", "release": "v1", "active_color": "blue", "previous_release": "v2"},
            ),
            None,
            [
                f"shop: v1, in blue, has the traffic again. {TOOK}",
                f"{BACK.replace('v1 in blue', 'v2 in green')} -e bluegreen_release=v2",
            ],
        ),
        (
            a_run(result={"outcome": "unchanged"}, retired=None),
            None,
            ["shop: v2, in green, has the traffic already; there is nothing to do."],
        ),
    ],
)
def test_the_last_lines(run, page, lines):
    assert _summary.closing_lines(run, False, page).splitlines() == lines


BLIND = (
    "would start nginx first; nothing was changed. Not checked, because nginx does not run: the Compose files, the "
    "images, and the color that would get the traffic"
)
BUILD = {"image": "shop/web:v2", "services": ["job", "web"], "context": "/srv/shop"}


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (a_run(), "v2 would get the traffic in green; nothing was changed"),
        (a_run(color=None), f"the deploy of v2 {BLIND}"),
        (a_run(color=None, release=None, kind="rollback"), f"the rollback {BLIND}"),
        (
            a_run(pulled_images={"cache:1": True, "shop:v2": True}, builds=[BUILD]),
            "v2 would get the traffic in green, once the run has pulled cache:1, shop:v2 and built shop/web:v2 from "
            "/srv/shop (job and web); nothing was changed",
        ),
        (
            a_run(pulled_images={"cache:1": True, "shop:v2": False}),
            "v2 would get the traffic in green, once the run has pulled cache:1, shop:v2; nothing was changed. shop:v2 "
            "is not on the target, and no registry has confirmed it, so the pull may fail",
        ),
        (
            a_run(pulled_images={"cache:1": False, "shop:v2": False}, result=READY),
            "v2 would be started in green and await its promotion, once the run has pulled cache:1, shop:v2; nothing "
            "was changed. cache:1, shop:v2 are not on the target, and no registry has confirmed them, so the pull may "
            "fail",
        ),
        (
            a_run(pulled_images={"shop:v2": True}, result={"outcome": "unchanged"}),
            "v2, in green, has the traffic; the run would pull shop:v2, and deploy if an image differs",
        ),
        (
            a_run(release=None, kind="rollback"),
            "the stack started by hand would get the traffic in green; nothing was changed",
        ),
        (a_run(result=READY), "v2 would be started in green and await its promotion; nothing was changed"),
        (a_run(kind="abort", result={"outcome": "rejected"}), "v2 would be removed; nothing was changed"),
        (a_run(result={"outcome": "unchanged"}), "v2, in green, has the traffic already; there is nothing to do"),
        (
            a_run(builds=[BUILD]),
            "v2 would get the traffic in green, once the run has built shop/web:v2 from /srv/shop (job and web); "
            "nothing was changed",
        ),
        (
            a_run(builds=[dict(BUILD, context="")], result={"outcome": "unchanged"}),
            "v2, in green, has the traffic; the run would build shop/web:v2 (job and web), and deploy if an "
            "image differs",
        ),
    ],
)
def test_check_mode_says_what_would_be(run, line):
    assert _summary.closing_lines(run, True, None) == f"shop: {line}."


def a_plan(**more):
    return {
        "unchanged": False,
        "steps": ["start"],
        "how": "create",
        "release": "v2",
        "color": "green",
        "previous_release": "v1",
        "active_color": "blue",
        **more,
    }


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (a_plan(), "shop: v1 in blue → v2 in green"),
        (a_plan(previous_release=None), "shop: the stack started by hand in blue → v2 in green"),
        (a_plan(previous_release=None, active_color=None), "shop: v2 in green, the first deploy"),
        (a_plan(steps=["nginx"]), "shop: nginx does not run, so it is started first"),
        (a_plan(how="refresh"), "shop: nginx's file is written again; v2 in green keeps the traffic"),
        (a_plan(unchanged=True), ""),
        (None, ""),
    ],
)
def test_the_plan_in_a_line(plan, line):
    assert _summary.plan_line("shop", plan) == line


SWAPPED = "v2 in green has the traffic, proven 0.12 s after the reload"


@pytest.mark.parametrize(
    ("module", "result", "line"),
    [
        ("bluegreen_swap", {"state": "live", "swapped_at": 107.4, "reload_seconds": 0.12}, SWAPPED),
        ("bluegreen_swap", {"state": "live"}, ""),  # nginx had the file already
        ("bluegreen_swap", {"state": "canary", "swapped_at": 107.4, "reload_seconds": 0.12}, ""),
        ("bluegreen_undo", {"outcome": "rolled_back", "back_at": 107.4}, "v1 in blue has the traffic again"),
        ("bluegreen_undo", {"outcome": "rejected", "back_at": 107.4}, ""),  # it never had any
        ("bluegreen_undo", {"outcome": "rejected", "back_at": None}, ""),
        ("compose_health_wait", {}, ""),
    ],
)
def test_the_moment_of_a_swap(module, result, line):
    run = Run({"__bluegreen_planned": {"plan": a_plan(), "clock_ahead": 100, "stamp": {"run": None}}})
    clock = time.strftime("%H:%M:%S: ", time.localtime(7.4)) if line else ""
    assert _summary.traffic_line(module, result, run) == clock + line
