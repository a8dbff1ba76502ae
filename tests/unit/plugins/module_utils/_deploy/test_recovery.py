# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import recovery


def unfinished(**more):
    return dict(
        {
            "deploy": "20260131T235959Z-c0ffee",
            "release": "v2",
            "color": "green",
            "rollback": False,
            "how": "create",
            "previous": ["4f5e"],
            "begun_at": "2026-01-31T23:59:59Z",
            "swap": {"from": "upstream shop-was {}\n"},
        },
        **more,
    )


NEVER_TOLD = {key: value for key, value in unfinished().items() if key != "swap"}


@pytest.mark.parametrize(
    "found, told, serves, previous_serves, decision",
    [
        # nginx's file was never written
        (NEVER_TOLD, "blue", True, True, "undo"),
        (NEVER_TOLD, "blue", False, False, "undo"),
        (NEVER_TOLD, None, False, False, "undo"),
        (NEVER_TOLD, "green", True, True, "undo"),
        # the names were made known, or the traffic was put back
        (unfinished(), "blue", True, True, "undo"),
        (unfinished(), "blue", True, False, "undo"),
        (unfinished(), None, True, True, "undo"),
        # it was told of the new color
        (unfinished(), "green", True, True, "finish"),
        (unfinished(), "green", True, False, "finish"),
        (unfinished(), "green", False, True, "back"),
        # and was given up before its run died
        (unfinished(given_up=True), "blue", True, True, "undo"),
        (unfinished(given_up=True), "green", True, True, "back"),
        (unfinished(given_up=True), "green", False, True, "back"),
        (unfinished(given_up=True), "green", True, False, "finish"),
        (unfinished(given_up=True), "green", False, False, "keep"),
        (unfinished(), "green", False, False, "keep"),
    ],
)
def test_what_becomes_of_it(found, told, serves, previous_serves, decision):
    assert recovery.decide_recovery(found, told, serves, previous_serves) == decision


@pytest.mark.parametrize(
    "how, decision, outcome",
    [
        ("create", "finish", "deployed"),
        ("create", "back", "rolled_back"),
        ("create", "undo", "rejected"),
        ("create", "keep", "deployed"),
        ("promote", "finish", "deployed"),
        ("promote", "back", "rolled_back"),
        ("promote", "undo", "awaiting_promotion"),
        ("promote", "keep", "deployed"),
    ],
)
def test_how_it_ended(how, decision, outcome):
    assert recovery.outcome_of(unfinished(how=how), decision) == outcome


@pytest.mark.parametrize(
    "how, given_up, decision, outcome, removed",
    [
        ("create", False, "undo", "rejected", True),
        ("create", True, "undo", "rejected", True),
        ("create", False, "back", "rolled_back", True),
        ("create", True, "keep", "deployed", False),
        ("start", False, "undo", "rejected", False),
        ("warm", True, "undo", "rejected", False),
        ("promote", False, "undo", "awaiting_promotion", False),
        ("promote", True, "undo", "rejected", True),
        ("promote", False, "back", "rolled_back", True),
        ("promote", True, "finish", "deployed", False),
    ],
)
def test_whether_its_containers_go(how, given_up, decision, outcome, removed):
    found = unfinished(how=how, **({"given_up": True} if given_up else {}))
    assert recovery.outcome_of(found, decision) == outcome
    assert recovery.removes_release(found, decision) == removed


@pytest.mark.parametrize(
    "rollback, decision, done",
    [
        (False, "undo", True),
        (False, "back", True),
        (False, "finish", False),
        (False, "keep", False),
        (True, "finish", True),
        (True, "undo", False),
        (True, "back", False),
        (True, "keep", False),
    ],
)
def test_whether_a_rollback_has_anything_left_to_do(rollback, decision, done):
    assert recovery.has_gone_back(unfinished(rollback=rollback), decision) is done


def test_a_promotion_that_was_killed_before_its_swap():
    line = recovery.describe_recovery("shop", unfinished(how="promote"), "undo")
    assert line.endswith("it never had the traffic, so it awaits its promotion again; blue keeps the traffic")


BEGUN = "of shop to v2 in green, begun at 2026-01-31T23:59:59Z: "


@pytest.mark.parametrize(
    "found, decision, line",
    [
        (
            unfinished(),
            "finish",
            (
                f"an interrupted deploy {BEGUN}nginx's file names green, which is ready, so the role finishes the run: "
                "v2 has the traffic"
            ),
        ),
        (
            unfinished(rollback=True),
            "back",
            f"an interrupted rollback {BEGUN}nginx's file names green, but the release is not ready, so the role gives "
            "the traffic back to blue",
        ),
        (
            unfinished(),
            "undo",
            (
                f"an interrupted deploy {BEGUN}it never had the traffic, so the role removes or stops its containers; "
                "blue keeps the traffic"
            ),
        ),
        (
            unfinished(previous=[]),
            "undo",
            f"an interrupted deploy {BEGUN}it never had the traffic, so the role removes or stops its containers",
        ),
        (
            unfinished(),
            "keep",
            f"an interrupted deploy {BEGUN}nginx's file names green, but neither green nor blue is ready, so the role "
            "stops nothing",
        ),
    ],
)
def test_one_line_says_what_was_found_and_done(found, decision, line):
    assert recovery.describe_recovery("shop", found, decision) == line


def test_a_rollback_to_what_was_started_by_hand_has_a_name_too():
    line = recovery.describe_recovery("shop", unfinished(release="", rollback=True), "finish")
    assert line.endswith("so the role finishes the run: the stack started by hand has the traffic")


@pytest.mark.parametrize(
    "state, health, more, starting",
    [
        ("running", "starting", {}, True),
        ("restarting", None, {}, True),
        ("restarting", "unhealthy", {}, True),
        ("running", "healthy", {}, False),
        ("running", "unhealthy", {}, False),
        ("running", None, {}, False),
        ("running", None, {"probe_problem": None}, False),
        ("running", None, {"probe_problem": "no answer"}, True),
        ("exited", None, {}, False),
        ("exited", "starting", {}, False),  # a container that was killed while it started keeps this word
        ("created", None, {}, False),
    ],
)
def test_whether_it_is_too_early_to_say(state, health, more, starting):
    container = {"state": state, "health": health, **more}
    assert recovery.is_starting(container, uptime=30, patience=60) is starting


def test_one_that_fails_its_probe_for_long_is_not_starting():
    failing = {"state": "running", "health": None, "probe_problem": "no answer"}
    assert recovery.is_starting(failing, uptime=59, patience=60)
    assert not recovery.is_starting(failing, uptime=60, patience=60)
