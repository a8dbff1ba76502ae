# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.plugin_utils import _summary


def a_run(**more):
    """A deploy of v2 that went well."""
    result = {
        "outcome": "deployed",
        "active_color": "green",
        "release": "v2",
        "previous_release": "v1",
        "phases": {"detect": 0.4, "gate": 4.2, "swap": 0.4, "drain": 5.0},
        "warnings": [],
    }
    run = {
        "app": "shop",
        "kind": "deploy",
        "release": "v2",
        "color": "green",
        "previous_color": "blue",
        "result": dict(result, **more.pop("result", {})),
        "failed_phase": None,
        "reason": None,
        "unsure": False,
        "by": {"user": "ann", "controller": "awx", "job": ""},
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


TRAFFIC = "shop: v2, in green, has the traffic."
TOOK = "It took 10 s, of which drain 5 s and gate 4.2 s."
BACK = "Back to v1: ansible-playbook hotswap.compose.rollback"
IN_AWX = {"user": "ann", "controller": "awx", "job": "41"}
READY = {"outcome": "awaiting_promotion", "active_color": "blue", "release": "v1"}


@pytest.mark.parametrize(
    ("run", "page", "lines"),
    [
        (a_run(), None, [TRAFFIC, TOOK, BACK]),
        (a_run(), "/pages/1.html", [TRAFFIC, TOOK, BACK, "Page: /pages/1.html"]),
        (
            a_run(result={"warnings": ["slow", "old\nand odd"]}),
            None,
            [TRAFFIC, TOOK, "Warning: slow", "Warning: old and odd", BACK],
        ),
        (a_run(previous_color=None, result={"previous_release": None}), None, [TRAFFIC, TOOK]),
        (a_run(previous_color="green"), None, [TRAFFIC, TOOK]),  # nginx's file alone has changed
        (
            a_run(result={"phases": {"detect": 0.2, "swap": 0.5}, "previous_release": None}),
            None,
            [TRAFFIC, "It took 0.7 s."],
        ),
        (
            a_run(result=READY),
            None,
            [
                "shop: v2 is ready in green and awaits its promotion; v1, in blue, has the traffic.",
                TOOK,
                "Next: ansible-playbook hotswap.compose.promote, or hotswap.compose.abort",
            ],
        ),
        (a_run(by=IN_AWX), None, [TRAFFIC, TOOK, "Back to v1: launch the job template of rollback.yml"]),
        (
            a_run(by=IN_AWX, result=READY),
            None,
            [
                "shop: v2 is ready in green and awaits its promotion; v1, in blue, has the traffic.",
                TOOK,
                "Next: approve or deny it in the workflow, or launch the job template of promote.yml or abort.yml",
            ],
        ),
        (
            a_run(kind="rollback", release="v1", color="blue", result={"outcome": "rolled_back", "release": "v1"}),
            None,
            ["shop: v1, in green, has the traffic again.", TOOK],
        ),
        (
            a_run(result={"outcome": "unchanged"}),
            None,
            ["shop: v2, in green, has the traffic already; there is nothing to do."],
        ),
    ],
)
def test_the_last_lines(run, page, lines):
    assert _summary.closing_lines(run, False, page).splitlines() == lines


BUILD = {"image": "shop/web:v2", "services": ["job", "web"], "context": "/srv/shop"}


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (a_run(), "v2 would get the traffic in green; nothing was changed"),
        (a_run(color=None), "v2 would get the traffic; nothing was changed"),
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
            "v2, in green, has the traffic; the run would build shop/web:v2 (job and web) and deploy it if the "
            "image differs",
        ),
    ],
)
def test_check_mode_says_what_would_be(run, line):
    assert _summary.closing_lines(run, True, None) == f"shop: {line}."
