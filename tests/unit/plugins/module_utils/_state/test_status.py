# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._state import status

NOW = 1769904000.0  # 2026-02-01T00:00:00Z
BY = {"user": "ci", "controller": "runner-3", "job": ""}


def a_container(color, release, **more):
    container = {"name": f"shop-{color}-was-1", "service": "was", "release": release, "image": f"shop-was:{release}"}
    return {**container, "state": "running", "health": "healthy", **more}


def a_run(**more):
    run = {
        "at": "2026-01-31T23:59:00Z",
        "kind": "deploy",
        "outcome": "deployed",
        "release": "v2",
        "color": "green",
        "phases": {"gate": 8.04, "swap": 0.21},
        "by": BY,
        "reason": None,
    }
    return {**run, **more}


def a_status(**more):
    status = {
        "app": "shop",
        "active_color": "green",
        "release": "v2",
        "since": "2026-01-31T21:30:00Z",
        "colors": {
            "blue": [a_container("blue", "v1", state="exited", health="unhealthy")],
            "green": [a_container("green", "v2")],
        },
        "shared": {},
        "awaiting_promotion": None,
        "lock": None,
        "unfinished": False,
        "last_run": a_run(),
        "journal": None,
    }
    return {**status, **more}


def lines(text):
    found = text.split("\n")
    assert max(map(len, found)) <= 100
    return found


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        ("2026-02-01T00:00:05Z", "0 s ago"),  # the target's clock is not the journal's
        ("2026-02-01T00:00:00Z", "0 s ago"),
        ("2026-01-31T23:59:01Z", "59 s ago"),
        ("2026-01-31T23:58:59.5Z", "1 min ago"),
        ("2026-01-31T22:00:01Z", "1 h ago"),
        ("2026-01-01T00:00:00Z", "31 d ago"),
    ],
)
def test_ago(stamp, said):
    assert status.ago(stamp, NOW) == said


def test_status():
    assert lines(status.status_text(a_status(), NOW)) == [
        "shop",
        "  traffic     v2 has it, in green, since 2026-01-31 21:30 UTC (2 h ago)",
        "  lock        free",
        "  last run    deploy of v2: deployed, 1 min ago, by ci@runner-3",
        "",
        "  color          service  container         release  state    health   image",
        "  blue           was      shop-blue-was-1   v1       exited   -        shop-was:v1",
        "  green, active  was      shop-green-was-1  v2       running  healthy  shop-was:v2",
    ]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"active_color": None, "release": None, "since": None}, "  traffic     no color has it"),
        ({"release": None, "since": None}, "  traffic     the stack started by hand has it, in green"),
        ({"awaiting_promotion": "v3"}, "  promotion   v3 is ready and awaits its promotion"),
        ({"unfinished": True}, "  unfinished  a run was interrupted; the next run finishes or undoes it"),
        ({"journal": "the journal /x is not used"}, "  journal     the journal /x is not used"),
        (
            {"lock": {**BY, "kind": "rollback", "release": None, "since": "2026-01-31T23:59:59Z", "age": 1.2}},
            "  lock        a rollback of the previous release by ci on runner-3, since 2026-01-31T23:59:59Z (last",
        ),
        (
            {"last_run": a_run(outcome="rolled_back", by=dict(BY, job="15"), release=None)},
            "  last run    deploy of the stack started by hand: rolled back, 1 min ago, by ci@runner-3, AWX job",
        ),
        (
            {
                "shared": {
                    "db": [a_container("shared", None, name="shop-shared-db-1", service="db", image="postgres:17")]
                }
            },
            "  shared         db       shop-shared-db-1           running  healthy  postgres:17",
        ),
        (
            {"last_run": a_run(kind="abort", outcome="rejected")},
            "  last run    abort of v2: aborted, 1 min ago, by ci@runner-3",
        ),
        (
            {"colors": {"green": [a_container("green", "v2", health=None, probe=True)]}},
            "  green, active  was      shop-green-was-1  v2       running  probe   shop-was:v2",
        ),
        (
            {"colors": {"green": [a_container("green", "v2", probe=True)]}},
            "  green, active  was      shop-green-was-1  v2       running  healthy  shop-was:v2",
        ),
        (
            {"colors": {"green": [a_container("green", "v2", health=None, probe=True, state="exited")]}},
            "  green, active  was      shop-green-was-1  v2       exited  -       shop-was:v2",
        ),
        ({"last_run": a_run(reason="was-1 exited with 3")}, "              was-1 exited with 3"),
        ({"last_run": a_run(reason="word " * 60)}, "              " + "word " * 16 + "word …"),
    ],
)
def test_status_says(more, line):
    assert line in lines(status.status_text(a_status(**more), NOW))


@pytest.mark.parametrize(
    "more",
    [
        {
            "lock": {**BY, "kind": "deploy", "release": "v3", "since": "2026-01-31T23:59:59Z", "age": 1},
            "unfinished": True,
        },
        {"last_run": None, "colors": {"blue": [], "green": []}},
    ],
)
def test_status_does_not_say(more):
    text = status.status_text(a_status(**more), NOW)
    assert ("unfinished" in text, "last run" in text, "container" in text) == (
        False,
        *[more.get("last_run", 1) is not None] * 2,
    )


def test_history():
    runs = [
        a_run(at="2026-01-30T08:00:00Z", release="v1", color="blue", by=dict(BY, job="7")),
        a_run(at="2026-01-31T08:00:00Z", outcome="rejected", reason="was-1 exited with 3 after 1.2 s"),
        a_run(kind="rollback", outcome="rolled_back", release="v1", color=None, phases={}, by=None),
    ]
    assert lines(status.history_text("shop", runs)) == [
        "shop",
        "  ended (UTC)       run       outcome      release  color  took   longest   by",
        "  2026-01-31 23:59  rollback  rolled back  v1",
        "  2026-01-31 08:00  deploy    rejected     v2       green  8.2 s  gate 8 s  ci@runner-3",
        "      was-1 exited with 3 after 1.2 s",
        "  2026-01-30 08:00  deploy    deployed     v1       blue   8.2 s  gate 8 s  ci@runner-3, AWX job 7",
    ]


def test_a_long_history_is_no_wider_than_a_terminal():
    run = a_run(release="r" * 128, by=dict(BY, controller="c" * 60, job="123456"), reason="y" * 300)
    assert len(lines(status.history_text("shop", [run] * 3))) == 8


def test_no_history():
    assert lines(status.history_text("shop", [])) == ["shop", "  no run on record yet"]
