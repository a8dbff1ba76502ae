# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hotswap.compose.plugins.module_utils import _errors
from ansible_collections.hotswap.compose.plugins.module_utils._deploy import decisions
from ansible_collections.hotswap.compose.plugins.module_utils._errors import PlanError
from ansible_collections.hotswap.compose.plugins.module_utils._state.journal import AWAITING
from ansible_collections.hotswap.compose.tests.unit.stand_ins import HOST_SERVICES, SERVICES, container, stack


def served(*hosts):
    return {"shop-was": [{"host": host, "port": 3000, "weight": 1} for host in hosts]}


def record(deploy, release="v1", outcome="deployed", color="blue", **more):
    kept = {"containers": [], "images": {}, "config_hash": "c0ffee"}
    return dict(kept, deploy=deploy, release=release, outcome=outcome, color=color, **more)


NOTHING = {"blue": [], "green": []}
BLUE = {"blue": stack("blue"), "green": []}
BOTH = {"blue": stack("blue"), "green": stack("green")}
STOPPED = {"blue": stack("blue", state="exited"), "green": stack("green", state="exited")}
HALF = {"blue": stack("blue"), "green": stack("green", state="exited")}
UNHEALTHY = {"blue": stack("blue"), "green": stack("green", health="unhealthy")}
BY_HAND = {"blue": stack("blue", ours=False), "green": []}


@pytest.mark.parametrize(
    "targets, colors, releases, expected",
    [
        ([], NOTHING, [], (None, None)),
        ([], NOTHING, [record("d1")], (None, None)),
        ([], BLUE, [], ("blue", "containers")),
        ([], BY_HAND, [], ("blue", "containers")),
        ([], HALF, [record("d2", color="green")], ("blue", "containers")),
        (["shop-green-was"], NOTHING, [], ("green", "nginx")),
        (["shop-green-was"], BLUE, [record("d1", color="blue")], ("green", "nginx")),
        (["was-blue"], BY_HAND, [], ("blue", "nginx")),
        (["legacy-was-blue-1"], BY_HAND, [], ("blue", "nginx")),
        (["10.0.0.2"], BY_HAND, [], ("blue", "nginx")),
        (["shop-blue-was", "10.0.0.2"], BLUE, [], ("blue", "nginx")),
        # nginx says nothing that leads to a color
        (["127.0.0.1"], BOTH, [record("d1"), record("d2", color="green")], ("green", "journal")),
        ([], BOTH, [record("d1"), record("d2", color="green", outcome="rejected")], ("blue", "journal")),
        ([], STOPPED, [record("d1", color="green")], ("green", "journal")),
        ([], STOPPED, [], (None, None)),
        ([], {"blue": stack("blue", state="exited"), "green": []}, [record("d1", color="green")], (None, None)),
        # what awaits its promotion never had it
        ([], {"blue": stack("blue", deploy="d1"), "green": []}, [record("d1", outcome=AWAITING)], (None, None)),
        (
            [],
            {"blue": stack("blue", deploy="d1"), "green": stack("green", deploy="d2")},
            [record("d1"), record("d2", color="green", outcome=AWAITING)],
            ("blue", "containers"),
        ),
        (
            [],
            {"blue": stack("blue", deploy="d1"), "green": []},
            [record("d0", outcome=AWAITING)],
            ("blue", "containers"),
        ),
    ],
)
def test_who_has_the_traffic(targets, colors, releases, expected):
    assert decisions.active_color("shop", SERVICES, served(*targets) if targets else {}, colors, releases) == expected


@pytest.mark.parametrize(
    "targets, colors, message",
    [
        (
            ["shop-blue-was", "shop-green-was"],
            BOTH,
            (
                "nginx sends the traffic of shop to both colors (shop-blue-was:3000, shop-green-was:3000), so the "
                "active color is unknown; remove one of them from nginx's configuration"
            ),
        ),
        (
            [],
            BOTH,
            "both colors of shop run, but neither nginx nor the journal shows which one has the traffic; stop the "
            "color that has no traffic",
        ),
    ],
)
def test_who_has_the_traffic_cannot_be_known(targets, colors, message):
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        decisions.active_color("shop", SERVICES, served(*targets), colors, [])


@pytest.mark.parametrize(
    "port, published, expected",
    [
        (23000, {}, ("green", "nginx")),
        (13001, {}, ("blue", "nginx")),
        (3000, {3000: 3000}, ("blue", "nginx")),  # by hand, at a port of its own
        (3000, {}, ("blue", "containers")),
    ],
)
def test_who_has_the_traffic_of_an_nginx_on_the_host(port, published, expected):
    targets = {"shop-was": [{"host": "127.0.0.1", "port": port, "weight": 1}]}
    colors = {"blue": stack("blue", published=published), "green": []}
    assert decisions.active_color("shop", HOST_SERVICES, targets, colors, []) == expected


def test_a_container_without_an_address_is_not_served_by_no_address():
    assert (
        decisions.active_color("shop", SERVICES, served(""), {"blue": stack("blue", state="exited"), "green": []}, [])[
            0
        ]
        is None
    )


@pytest.mark.parametrize(
    "containers, release",
    [
        ([], None),
        (stack("blue"), "v1"),
        (stack("blue", ours=False), None),
        ([container("was-blue"), container("signal-blue", release="v2")], None),
    ],
)
def test_live_release(containers, release):
    assert decisions.live_release(containers) == release


REFS = {"was-blue": "was:v1", "signal-blue": "signal:v1"}
IDS = {"was:v1": "sha256:1", "signal:v1": "sha256:1"}
EXPECTED = {"was-blue": 1, "signal-blue": 1}
STOPPED_BLUE = ["shop-blue-signal-blue-1 is exited", "shop-blue-was-blue-1 is exited"]
ENDED = {"state": "exited", "health": None, "restart_policy": {"Name": "no", "MaximumRetryCount": 0}}


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, []),
        ({"containers": []}, ["no container of it runs"]),
        ({"release": "v2"}, ["the release is v1"]),
        ({"config": "other"}, ["the configuration differs"]),
        ({"ids": dict(IDS, **{"was:v1": "sha256:2"})}, ["was:v1 is a different image now"]),
        ({"ids": dict(IDS, **{"was:v1": None})}, ["was:v1 is a different image now"]),
        ({"refs": dict(REFS, job="job:v1")}, []),  # scaled to 0
        (
            {"containers": stack("blue", health="unhealthy")},
            ["shop-blue-signal-blue-1 is unhealthy", "shop-blue-was-blue-1 is unhealthy"],
        ),
        ({"containers": stack("blue")[:1]}, ["signal-blue has no container"]),
        ({"containers": stack("blue"), "expected": {"was-blue": 3}}, ["was-blue has 1 of 3 containers"]),
        ({"containers": stack("blue"), "expected": {**EXPECTED, "init-blue": 0}}, []),  # a one-shot service
        ({"containers": stack("blue", state="exited")}, STOPPED_BLUE),  # stopped by hand, with exit status 0
        ({"containers": stack("blue", state="exited", health=None)}, STOPPED_BLUE),
        ({"containers": stack("blue") + [container("migrate-blue", **ENDED)]}, []),
        (
            {"containers": [container("was-blue", **ENDED), *stack("blue")[1:]]},
            ["shop-blue-was-blue-1 is exited"],
        ),
        (
            {
                "containers": stack("blue") + [container("once-blue", exit_code=1, **ENDED)],
                "expected": {"once-blue": 1},
            },
            ["shop-blue-once-blue-1 is exited"],
        ),
        ({"containers": stack("blue") + [container("foreign-blue", state="exited")]}, []),
        (
            {"containers": stack("blue", ours=False)},
            ["the release is unknown", "the configuration differs"],
        ),
        (
            {"release": "v2", "config": "other", "ids": {}},
            [
                "the release is v1",
                "the configuration differs",
                "signal:v1 is a different image now",
                "was:v1 is a different image now",
            ],
        ),
    ],
)
def test_why_what_is_live_is_not_what_was_asked_for(changes, expected):
    asked = dict(
        {"release": "v1", "config": "c0ffee", "refs": REFS, "ids": IDS, "containers": stack("blue")},
        **{"expected": EXPECTED, **changes},
    )
    assert decisions.changes_since(*asked.values(), ["was-blue", "signal-blue"]) == expected


def back(deploy, release="v1", **more):
    return record(deploy, release, rollback=True, **more)


MOVED = {"was": {"ref": "was:v1", "id": "sha256:moved", "brought": True}}
V1, V2, V3 = record("d1", "v1"), record("d2", "v2"), record("d3", "v3")


@pytest.mark.parametrize(
    "releases, stacked",
    [
        ([], []),
        ([V1], ["d1"]),
        ([V1, V2, V3], ["d1", "d2", "d3"]),
        ([V1, record("d2", "v2", "rejected"), record("d3", "v3", "rolled_back")], ["d1"]),
        ([V1, V2, back("d1")], ["d1"]),
        ([V1, V2, V3, back("d2", "v2")], ["d1", "d2"]),
        ([V1, V2, V3, back("d1")], ["d1"]),
        ([V1, V2, back("d1"), V3], ["d1", "d3"]),
        ([V1, V2, back("d1"), record("d4", "v2")], ["d1", "d4"]),
        ([V1, V2, back("d1"), back("d2", "v2")], ["d1", "d2"]),  # by name, forward again
        ([V1, V2, V3, back("d1"), back("d3", "v3")], ["d1", "d3"]),
        ([V1, V2, back("d1", outcome="rejected")], ["d1", "d2"]),
        ([V1, record("d2", "v1"), record("d3", "v1")], ["d3"]),
        ([V1, V2, record("d3", "v2")], ["d1", "d3"]),
        ([V1, dict(V1, deploy="d2", config_hash="other"), dict(V1, deploy="d3", images=MOVED)], ["d1", "d2", "d3"]),
        ([record("adopted", ""), V1, back("adopted", "")], ["adopted"]),
    ],
)
def test_who_held_the_traffic(releases, stacked):
    assert [each["deploy"] for each in decisions.releases_with_traffic(releases)] == stacked


@pytest.mark.parametrize(
    "releases, wanted, target",
    [
        ([V1, V2], None, "d1"),
        ([V1, V2, V3], None, "d2"),
        ([V1, V2, V3], "v1", "d1"),
        ([V1, V2, V3], "v3", "d3"),
        ([V1, V2, back("d1"), V3], None, "d1"),
        ([V1, V2, back("d1")], "v2", "d2"),
        ([record("adopted", ""), V1], None, "adopted"),
    ],
)
def test_where_a_rollback_goes(releases, wanted, target):
    assert decisions.rollback_target("shop", releases, wanted)["deploy"] == target


@pytest.mark.parametrize(
    "releases, wanted, message",
    [
        ([], None, "there is no release to roll back to: the journal in bluegreen_state_dir has none of shop"),
        (
            [record("d1", outcome="rejected")],
            "v1",
            "there is no release to roll back to: the journal in bluegreen_state_dir has none of shop",
        ),
        (
            [V1],
            None,
            "there is no release to roll back to: v1 is the only release of shop on record that had the traffic",
        ),
        (
            [record("adopted", "")],
            None,
            "there is no release to roll back to: the stack started by hand is the only release of shop on record "
            "that had the traffic",
        ),
        (
            [V1, V2, dict(V1, rollback=True)],
            None,
            "there is no release to roll back to: v2 was rolled back; set bluegreen_release: v2 to return to it",
        ),
        (
            [V1, V2, record("d3", "v3"), dict(V2, rollback=True), dict(V1, rollback=True)],
            None,
            "there is no release to roll back to: v2 was rolled back; set bluegreen_release: v2 to return to it",
        ),
        (
            [V1, V2, record("d3", "v3", "rolled_back"), dict(V1, rollback=True), record("d4", "v4", "rejected")],
            None,
            "there is no release to roll back to: v2 was rolled back; set bluegreen_release: v2 to return to it",
        ),
        (
            [record("adopted", ""), V1, dict(record("adopted", ""), rollback=True)],
            None,
            "there is no release to roll back to: v1 was rolled back; set bluegreen_release: v1 to return to it",
        ),
        (
            [record("d3", "v3", "forgotten"), V1],
            None,
            "there is no release to roll back to: v1 is the only release of shop on record that had the traffic",
        ),
        (
            [record("adopted", ""), V1, V2, V1, record("d3", "v3", "rejected")],
            "v3",
            "bluegreen_release is 'v3', but a rollback can't return to it; give one of the releases that had the "
            "traffic ((adopted), v1, v2), or deploy v3",
        ),
    ],
)
def test_a_rollback_that_has_nowhere_to_go(releases, wanted, message):
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        decisions.rollback_target("shop", releases, wanted)


STEPS = st.lists(
    st.tuples(st.sampled_from(["deploy", "refused", "lost", "back", "named"]), st.sampled_from("abc")), max_size=12
)


@given(STEPS)
def test_a_rollback_by_itself_only_goes_to_what_held_the_traffic_and_was_not_rolled_back_from(steps):
    releases, live, left = [], None, set()
    for number, (step, release) in enumerate(steps):
        outcome = {"refused": "rejected", "lost": "rolled_back"}.get(step, "deployed")
        if step in ("back", "named"):
            try:
                target = decisions.rollback_target("shop", releases, release if step == "named" else None)
            except PlanError:
                continue
            assert (target["deploy"], target["outcome"]) in [(each["deploy"], each["outcome"]) for each in releases]
            assert target["outcome"] == "deployed"
            if step == "back":
                assert target["deploy"] != live
                assert target["deploy"] not in left
                left.add(live)
            done = dict(target, rollback=True)
        else:
            done = record(f"d{number}", release, outcome, rollback=False)
        releases.append(done)
        if done["outcome"] == "deployed":
            live = done["deploy"]
            left.discard(live)
        held = [each["deploy"] for each in decisions.releases_with_traffic(releases)]
        assert len(held) == len(set(held))
        assert held[-1:] == ([live] if live else [])


ONCE = container("once-green", health=None, state="exited", restart_policy={"Name": "no", "MaximumRetryCount": 0})
WITH_ONE_SHOT = {"blue": stack("blue"), "green": [*stack("green"), ONCE]}


def kept(*ids, **more):
    return dict(record("d1"), containers=list(ids), **more)


@pytest.mark.parametrize(
    "ids, colors, active, expected",
    [
        (["was-green-id", "signal-green-id"], HALF, "blue", ("green", "start", 2)),
        (["was-green-id", "signal-green-id"], BOTH, "blue", ("green", "warm", 2)),
        (["was-green-id"], BOTH, "blue", ("green", "warm", 1)),
        (["was-green-id", "signal-green-id"], UNHEALTHY, "blue", ("green", "start", 2)),
        (["was-green-id", "gone"], BOTH, "blue", ("green", "create", 0)),
        (["was-green-id", "signal-green-id", "once-green-id"], WITH_ONE_SHOT, "blue", ("green", "warm", 3)),
        (["was-blue-id", "signal-blue-id"], BOTH, "blue", ("green", "create", 0)),
        ([], BOTH, "green", ("blue", "create", 0)),
        ([], NOTHING, None, ("blue", "create", 0)),
    ],
)
def test_how_a_release_comes_back(ids, colors, active, expected):
    color, how, containers = decisions.way_back(kept(*ids), colors, active, SERVICES)
    assert (color, how, len(containers)) == expected


def test_release_with_fewer_containers_than_expected_comes_back_from_its_file():
    record = kept("was-green-id", "signal-green-id", expected={"was-green": 2, "signal-green": 1})
    assert decisions.way_back(record, BOTH, "blue", SERVICES) == ("green", "create", [])


WAITS = dict(
    record("d2", "v2", "awaiting_promotion", "green"), containers=["was-green-id", "signal-green-id", "once-green-id"]
)


def test_the_newest_release_awaits_its_promotion():
    assert decisions.awaiting_release("shop", [V1, WAITS]) is WAITS


@pytest.mark.parametrize(
    "releases, last",
    [
        ([], "nothing was deployed"),
        ([V1], "the last run was of v1, which was deployed"),
        ([V1, WAITS, record("d2", "v2", "rejected")], "the last run was of v2, which was rejected"),
    ],
)
def test_nothing_awaits_its_promotion(releases, last):
    with pytest.raises(_errors.PlanError) as error:
        decisions.awaiting_release("shop", releases)
    assert str(error.value) == f"no release of shop awaits its promotion here: {last}"


@pytest.mark.parametrize(
    "containers, why",
    [
        ([*stack("green"), ONCE], None),
        ([*stack("green", health=None), ONCE], None),
        (
            [*stack("green", health="unhealthy"), ONCE],
            "shop-green-signal-green-1 is unhealthy, shop-green-was-green-1 is unhealthy",
        ),
        ([*stack("green")[1:], container("was-green", state="exited"), ONCE], "shop-green-was-green-1 is exited"),
        ([*stack("green"), dict(ONCE, exit_code=1)], "shop-green-once-green-1 is exited"),
        (stack("green"), "1 of its containers are gone"),
        ([], "3 of its containers are gone"),
        ([*stack("green", id="another")], "3 of its containers are gone"),
    ],
)
def test_what_awaits_its_promotion_must_still_be_fit(containers, why):
    if why is None:
        decisions.refuse_unfit_release(WAITS, containers, SERVICES)
        return
    with pytest.raises(_errors.PlanError, match=f"v2 in green can't be promoted any more .{why}") as error:
        decisions.refuse_unfit_release(WAITS, containers, SERVICES)
    assert str(error.value).endswith("); abort it, or deploy it again")


def test_an_ipv6_address_in_nginxs_configuration_tells_the_color():
    colors = {"blue": [container("was-blue", "10.0.0.2", "[fd00::2]")], "green": []}
    assert decisions.active_color("shop", SERVICES, served("[fd00::2]"), colors, []) == ("blue", "nginx")


def test_services_that_a_probe_checks():
    services = [{"name": "web-{color}", "probe": {"path": "/"}}, {"name": "api", "probe": None}, {"name": "old"}]
    releases = [{"deploy": "d1", "services": services}, {"deploy": "d2", "services": services[1:]}, {"deploy": "d3"}]
    for deploy, expected in [("d1", {"web-green"}), ("d2", set()), ("d3", set()), ("gone", set()), (None, set())]:
        assert decisions.probed_services([{"deploy": deploy}], "green", releases) == expected
    assert decisions.probed_services([], "green", releases) == set()
