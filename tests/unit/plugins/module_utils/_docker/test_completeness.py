# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker import completeness
from ansible_collections.hotswap.compose.tests.unit.stand_ins import SERVICES, container, stack

ENDED = {"state": "exited", "health": None, "restart_policy": {"Name": "no", "MaximumRetryCount": 0}}
INIT = container("init-blue", **ENDED)
ON_FAILURE = {"restart_policy": {"Name": "on-failure", "MaximumRetryCount": 0}}
CHECKED = {"health": "unhealthy"}  # as the Engine has it of any container with a healthcheck that ended
EXPECTED = {"signal-blue": 1, "was-blue": 1}
THREE = [container("was-blue", id=f"was-{number}") for number in range(3)]


@pytest.mark.parametrize(
    "expected, containers, texts",
    [
        ({}, [], []),
        (EXPECTED, stack("blue"), []),
        (EXPECTED, stack("blue", health=None), []),
        (EXPECTED, stack("blue", probe_problem=None), []),
        (
            {"was-blue": 1},
            [container("was-blue", probe_problem="GET /: no answer")],
            ["shop-blue-was-blue-1 fails its probe (GET /: no answer)"],
        ),
        (EXPECTED, [], ["signal-blue has no container", "was-blue has no container"]),
        (EXPECTED, stack("green"), ["signal-blue has no container", "was-blue has no container"]),
        ({"was-blue": 3}, THREE, []),
        ({"was-blue": 3}, THREE[1:], ["was-blue has 2 of 3 containers"]),
        ({"was-blue": 1}, THREE, []),  # somebody scaled it up
        (
            {"was-blue": 2},
            [container("was-blue", health="starting"), container("foreign-blue", state="exited")],
            ["was-blue has 1 of 2 containers", "shop-blue-was-blue-1 is starting"],
        ),
        (EXPECTED, stack("blue", state="paused")[:1] + stack("blue")[1:], ["shop-blue-was-blue-1 is paused"]),
        ({"init-blue": 1}, [INIT], []),
        ({"init-blue": 1}, [dict(INIT, exit_code=1)], ["shop-blue-init-blue-1 is exited"]),
        ({"init-blue": 1}, [dict(INIT, **ON_FAILURE)], []),
        ({"init-blue": 1}, [dict(INIT, **CHECKED)], []),
        ({"init-blue": 1}, [dict(INIT, was_healthy=True)], ["shop-blue-init-blue-1 is exited"]),
        ({"init-blue": 0}, [], []),
        ({"init-blue": 0}, [dict(INIT, was_healthy=True)], []),
        ({"init-blue": 0}, [dict(INIT, exit_code=1)], ["shop-blue-init-blue-1 is exited"]),
        ({"was-blue": 1}, [container("was-blue", **ENDED)], ["shop-blue-was-blue-1 is exited"]),
    ],
)
def test_lacks(expected, containers, texts):
    assert completeness.lacks(expected, containers, ["was-blue", "signal-blue"]) == texts


@pytest.mark.parametrize(
    "containers, serves",
    [
        (stack("blue"), True),
        (stack("blue", health=None), True),
        (stack("blue") + [container("worker-blue", state="exited")], True),
        (stack("blue") + [container("was-blue", health="unhealthy")], False),
        (stack("blue", health="starting"), False),
        (stack("blue")[:1], False),
        (stack("green"), False),
        ([], False),
    ],
)
def test_serving_lacks(containers, serves):
    assert (not completeness.serving_lacks(containers, SERVICES, "blue")) is serves


RENAMED = [dict(each, name=each["base"]) for each in SERVICES]


@pytest.mark.parametrize(
    "noted, containers, lacking",
    [
        ({"previous_services": SERVICES}, stack("blue"), []),
        ({"previous_services": SERVICES}, stack("blue")[:1], ["signal-blue has no container"]),
        ({}, stack("blue"), []),  # a run of an older version
        ({}, stack("blue")[:1], ["signal has no container"]),
    ],
)
def test_way_back_is_judged_by_the_services_of_then(noted, containers, lacking):
    unfinished = {"color": "green", "services": RENAMED, **noted}
    assert completeness.way_back_lacks(unfinished, containers) == lacking


@pytest.mark.parametrize(
    "more, containers, gone, lacking",
    [
        ({"expected": EXPECTED}, stack("blue"), False, []),
        ({}, stack("blue"), False, []),
        ({"expected": {"was-blue": 2, "signal-blue": 1}}, stack("blue"), True, ["was-blue has 1 of 2 containers"]),
        ({"expected": EXPECTED}, stack("blue")[:1], True, ["signal-blue has no container"]),
        ({"expected": {"was-blue": 1, "signal-blue": 0}}, stack("blue")[:1], False, []),  # a one-shot that was pruned
        ({}, stack("blue")[:1], True, ["1 of its containers are gone"]),
        (
            {"expected": {**EXPECTED, "cron-blue": 1}},
            [*stack("blue"), container("cron-blue", exclusive=True, **ENDED)],
            False,
            [],
        ),
        ({}, stack("blue", state="exited")[:1] + stack("blue")[1:], False, ["shop-blue-was-blue-1 is exited"]),
        ({}, stack("blue", id="another"), True, ["2 of its containers are gone"]),
    ],
)
def test_release_by_its_record(more, containers, gone, lacking):
    ids = ["was-blue-id", "signal-blue-id"] + (["cron-blue-id"] if "cron-blue" in more.get("expected", {}) else [])
    record = {"color": "blue", "containers": ids, **more}
    ours = [each for each in containers if each["id"] in ids]
    assert completeness.has_gone(record, ours) is gone
    assert completeness.record_lacks(record, containers, SERVICES) == lacking
