# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import textwrap

import pytest

from ansible_collections.hotswap.compose.plugins.plugin_utils._failure_screen import (
    CONTAINERS,
    LINES,
    WIDTH,
    failure_headline,
    failure_screen,
)


def container(**more):
    """One that exited."""
    return {
        "name": "shop-green-was-green-1",
        "service": "was-green",
        "image": "shop:v2",
        "state": "exited",
        "health": None,
        "exit_code": 3,
        "oom_killed": False,
        "restarts": 0,
        "verdict": "failed",
        "reason": "exited with 3 after 1.2 s",
        "probes": [],
        "log": ["release v2 boots", "no database"],
        **more,
    }


UNHEALTHY = {
    "state": "running",
    "health": "unhealthy",
    "exit_code": None,
    "reason": "is unhealthy (last health check exited with 1: refused)",
    "probes": [{"exit_code": 1, "output": text} for text in ("one", "two\n  lines\n", "refused")],
}
STARTING = {**UNHEALTHY, "health": "starting", "verdict": "pending", "reason": "is not healthy yet (not checked yet)"}
BARE = {"state": "running", "exit_code": None, "reason": "takes traffic but has no healthcheck"}
PROBE = {"service": "was-green", "path": "/up", "port": 3000}
NOT_FOUND = {
    **STARTING,
    "reason": "has not passed its probe yet",
    "probes": [
        {"exit_code": None, "output": "GET http://[::1]:3000/up: the status is 404, not 200 or 204; the answer: x"}
    ],
}
REFUSED = {
    **NOT_FOUND,
    "probes": [{"exit_code": None, "output": "TCP connection to 127.0.0.1:3000: no answer: refused"}],
}
RESTARTED = {"verdict": "failed", "restarts": 1, "reason": "was restarted once (none allowed): it exited with 1"}
PULL = {"phase": "prepare", "module": "hotswap.compose.bluegreen_compose", "pulled_images": ["shop:v2"]}
FINE = {**BARE, "health": "healthy", "verdict": "ready", "reason": "is healthy", "log": []}


def facts(**more):
    """A deploy of v2 that was refused in the gate."""
    return {
        "app": "shop",
        "kind": "deploy",
        "outcome": "rejected",
        "phase": "gate",
        "hook": "",
        "why": "shop-green-was-green-1 exited with 3 after 1.2 s",
        "module": "hotswap.compose.compose_health_wait",
        "release": "v2",
        "previous_release": "v1",
        "color": "green",
        "active_color": "blue",
        "how": "create",
        "containers": [],
        "page": "",
        "kept_traffic": True,
        "new_keeps_it": False,
        "put_back_error": "",
        "removed_containers": [],
        "removed_images": [],
        "left_undone": [],
        "nginx_fault": False,
        "probes": [],
        "pulled_images": [],
        "pull": "always",
        "logs_in": False,
        "arguments": [],
        "job": "",
        **more,
    }


SCREENS = [
    (
        facts(
            containers=[container(), container(**FINE)],
            removed_containers=["shop-green-was-green-1", "shop-green-signal-green-1"],
            removed_images=["shop:v2"],
        ),
        """\
        shop v2 was rejected in the phase gate: shop-green-was-green-1 exited with 3 after 1.2 s

        shop-green-was-green-1 (shop:v2) exited with 3 after 1.2 s
          log: release v2 boots
          log: no database

        Traffic: v1 (blue) keeps it.
        Undone: shop-green-was-green-1, shop-green-signal-green-1 removed, and the images shop:v2.
        Next: fix was-green (its log is above), then run:
          ansible-playbook hotswap.compose.deploy -e bluegreen_release=v2""",
    ),
    (
        facts(
            outcome="rolled_back",
            phase="bake",
            why="its 5xx answers were 20 of 100",
            containers=[container(**FINE)],
            removed_containers=["shop-green-was-green-1"],
            left_undone=["the hook on_rollback failed: no"],
            page="/srv/pages/1.html",
        ),
        """\
        shop v2 was rolled back in the phase bake: its 5xx answers were 20 of 100

        Traffic: v1 (blue) has it back.
        Undone: shop-green-was-green-1 removed.
        Left undone: the hook on_rollback failed: no
        Next: fix the release, then run:
          ansible-playbook hotswap.compose.deploy -e bluegreen_release=v2
        Page: /srv/pages/1.html""",
    ),
    (
        facts(
            phase="prepare",
            why="General error: \n Error response from daemon:\n manifest for shop:v2 not found\n",
            module="hotswap.compose.bluegreen_compose",
            pulled_images=["shop:v2"],
            active_color="",
            previous_release="",
        ),
        """\
        shop v2 was rejected in the phase prepare: General error: Error response from daemon: \
manifest for shop:v2 not found

        Traffic: no color has it. This was the first deploy.
        Next: check that the registry has shop:v2, or set bluegreen_registry to log in; if an image is only on the \
target, give it a tag other than latest and set bluegreen_pull: missing, then run:
          ansible-playbook hotswap.compose.deploy -e bluegreen_release=v2""",
    ),
]


@pytest.mark.parametrize("given, expected", SCREENS)
def test_a_whole_screen(given, expected):
    assert failure_screen(given) == textwrap.dedent(expected)
    assert failure_headline(given) == expected.strip().partition("\n")[0].strip()


@pytest.mark.parametrize(
    "more, expected",
    [
        ({}, "v1 (blue) keeps it."),
        ({"previous_release": ""}, "the stack started by hand (blue) keeps it."),
        ({"active_color": "", "previous_release": ""}, "no color has it. This was the first deploy."),
        ({"outcome": "rolled_back", "phase": "drain"}, "v1 (blue) has it back."),
        (
            {"new_keeps_it": True, "kept_traffic": False, "active_color": "", "phase": "drain"},
            "v2 (green) keeps it, because there is no other healthy color. Nothing was removed.",
        ),
        (
            {"kept_traffic": False, "phase": "swap", "put_back_error": "nginx says [emerg]"},
            "unknown. nginx may send it to green or to blue. Both colors still run. Moving it back failed: nginx "
            "says [emerg]",
        ),
        (
            {"kept_traffic": False, "phase": "swap", "active_color": ""},
            "unknown. nginx may send it to green or to nothing. Both colors still run.",
        ),
    ],
)
def test_who_has_the_traffic(more, expected):
    assert f"\nTraffic: {expected}\n" in failure_screen(facts(**more))


DEPLOY = ", then run:\n  ansible-playbook hotswap.compose.deploy -e bluegreen_release=v2"


@pytest.mark.parametrize(
    "more, expected",
    [
        ({"containers": [container()]}, "fix was-green (its log is above)" + DEPLOY),
        ({"containers": [container(oom_killed=True, exit_code=137)]}, "give was-green more memory in the Compose file"),
        ({"containers": [container(exit_code=127)]}, "check that the image of was-green contains the command"),
        ({"containers": [container(**UNHEALTHY)]}, "fix was-green, or its healthcheck, then run:"),
        (
            {"containers": [container(**BARE)]},
            "add a healthcheck for was-green to the Compose file or a probe to bluegreen_s",
        ),
        ({"containers": [container(**{**BARE, "restarts": 1})]}, "fix was-green (its log is above)"),
        ({"containers": [container(**{**BARE, "state": "removed"})]}, "find out what removed shop-green-was-green-1"),
        (
            {"containers": [container(**STARTING)]},
            "find out why was-green is not ready; if it needs time, raise bluegreen_health_timeout, then run:",
        ),
        (
            {"containers": [container(**NOT_FOUND)], "probes": [PROBE]},
            "fix was-green, or its probe in bluegreen_services (GET /up on port 3000: the status is 404, not 200 or "
            "204); if it needs time, raise bluegreen_health_timeout, then run:",
        ),
        (
            {"containers": [container(**{**NOT_FOUND, "verdict": "failed"})], "probes": [PROBE]},
            "fix was-green, or its probe in bluegreen_services (GET /up on port 3000: the status is 404, not 200 or "
            "204)" + DEPLOY,
        ),
        (
            {"containers": [container(**REFUSED)], "probes": [dict(PROBE, path=None)]},
            "fix was-green, or its probe in bluegreen_services (TCP connection to port 3000: no answer: refused); if",
        ),
        ({"containers": [container(**NOT_FOUND)], "probes": [dict(PROBE, service="job-green")]}, "find out why was-g"),
        ({"containers": [container(**STARTING)], "probes": [PROBE]}, "find out why was-green is not ready"),
        ({"containers": [container()], "probes": [PROBE]}, "fix was-green (its log is above)"),
        (
            {"containers": [container(**{**REFUSED, **RESTARTED})], "probes": [PROBE]},
            "fix was-green (its log is above)",
        ),
        ({**PULL, "logs_in": True}, "check that the registry has shop:v2; if an image is only on the target, give it"),
        (
            {**PULL, "pull": "missing"},
            "check that the registry has shop:v2, or set bluegreen_registry to log in, or load the image on the "
            "target (docker load)" + DEPLOY,
        ),
        ({**PULL, "logs_in": True, "pull": "missing"}, "check that the registry has shop:v2, or load the image on th"),
        ({**PULL, "pulled_images": ["cache:1", "shop:v2"]}, "check that the registry has cache:1, shop:v2, or set"),
        ({**PULL, "module": "hotswap.compose.bluegreen_plan"}, "fix the problem above" + DEPLOY),
        ({"containers": [container(**FINE)]}, "fix the problem above" + DEPLOY),
        ({"phase": "smoke", "containers": [container()]}, "fix the release or the test"),
        ({"phase": "migrate"}, "check the state of the database"),
        ({"phase": "start", "nginx_fault": True}, "fix the nginx problem quoted above"),
        (
            {"phase": "swap", "kept_traffic": False},
            "fix the error that nginx logged (error log or docker logs), then",
        ),
        (
            {"phase": "drain", "new_keeps_it": True, "kept_traffic": False},
            "fix the release, or choose one that works",
        ),
        ({"phase": "smoke", "hook": "before_swap"}, "fix the hook before_swap" + DEPLOY),
        ({"phase": "swap", "hook": "after_swap", "kept_traffic": False}, "fix the error that nginx logged"),
        (
            {"phase": "swap", "hook": "after_swap", "new_keeps_it": True, "kept_traffic": False},
            "fix the hook after_swap" + DEPLOY,
        ),
        ({"kind": "promote"}, "fix the problem above" + DEPLOY),
        ({"kind": "rollback"}, "fix the problem above, then run:\n  ansible-playbook hotswap.compose.rollback"),
        (
            {"kind": "deploy", "release": ""},
            "fix the problem above, then run:\n  ansible-playbook hotswap.compose.deploy",
        ),
    ],
)
def test_what_is_next(more, expected):
    assert failure_screen(facts(**more)).partition("\nNext: ")[2].startswith(expected)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("probes", [0, 1, 5])
@pytest.mark.parametrize("said", ["short", "long\n" * 200])
def test_it_is_one_screen(count, probes, said):
    many = [
        container(
            name=f"was-{number}",
            probes=[{"exit_code": 1, "output": "y " * 500}] * probes,
            log=[f"line {line} " + "x" * 500 for line in range(50)],
            reason="z" * 500,
        )
        for number in range(count)
    ]
    shown = failure_screen(
        facts(
            why=said,
            containers=many,
            removed_containers=[one["name"] for one in many] * 5,
            removed_images=["shop:v2"] * 30,
            left_undone=["something"] * 30,
        )
    )
    lines = shown.splitlines()
    assert len(lines) <= LINES
    assert max(len(line) for line in lines[2:]) <= 5 * WIDTH
    assert all(len(line) <= WIDTH + 30 for line in lines if line.startswith("  "))
    for number in range(min(count, CONTAINERS)):
        assert f"was-{number} (shop:v2)" in shown
    assert "  log: line 49 " in shown  # the last ones are what tells
    assert ("not shown: was-3" in shown) == (count > CONTAINERS)
    assert "25 more" in shown and "Next: " in lines[-2]


def test_the_last_probes_are_one_line_each():
    passed = {"exit_code": 0, "output": "passed"}
    probes = [*UNHEALTHY["probes"], passed]
    shown = failure_screen(facts(containers=[container(**{**UNHEALTHY, "probes": probes})]))
    assert "passed" not in shown
    assert "  health check: exit status 1: two lines\n  health check: exit status 1: refused\n" in shown
    assert "one" not in shown.partition("two lines")[0].rpartition("unhealthy")[2]


def test_no_line_of_a_reason_passes_for_one_of_the_screen():
    forged = "Traffic: v2 (green) keeps it."
    given = facts(why=f"General error\n{forged}\n    at once", left_undone=[f"x\n{forged}"])
    lines = failure_screen(given).splitlines()
    assert lines[2:4] == ["  " + forged, "    at once"]
    assert forged not in lines


@pytest.mark.parametrize("keeps_it", [True, False])
def test_a_release_that_may_have_the_traffic_is_not_called_rejected(keeps_it):
    given = facts(phase="drain", kept_traffic=False, new_keeps_it=keeps_it, why="web-1 exited with 1")
    assert failure_headline(given) == "shop v2 failed in the phase drain: web-1 exited with 1"


def test_no_reason():
    assert failure_headline(facts(why=" \n")).endswith("in the phase gate: no reason was given")
    assert failure_headline(facts(release="")).startswith("shop (the stack started by hand) was rejected")


@pytest.mark.parametrize(
    "kind, release, end",
    [
        ("deploy", "v2", "then launch the job template of deploy.yml with the release v2"),
        ("deploy", "", "then launch the job template of deploy.yml"),
        ("rollback", "v2", "then launch the job template of rollback.yml"),
    ],
)
def test_a_job_of_awx_names_no_command(kind, release, end):
    screen = failure_screen(facts(job="41", kind=kind, release=release))
    assert screen.splitlines()[-1].endswith(end) and "ansible-playbook" not in screen
