# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import decisions
from ansible_collections.hotswap.compose.plugins.module_utils._docker import traffic
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.app_file import (
    DOCKER_RESOLVER,
    app_text,
    followed_names,
)
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import parse_upstreams
from ansible_collections.hotswap.compose.tests.unit.stand_ins import HOST_SERVICES, SERVICES, container, stack


@pytest.mark.parametrize(
    "color, names, expected",
    [
        ("blue", ["was-blue", "signal-blue", "cache"], ["was-{color}", "signal-{color}"]),
        ("blue", ["was", "signal"], ["was", "signal"]),
        ("green", ["green-was", "signal_green"], ["{color}-was", "signal_{color}"]),
        ("blue", ["was"], ["was", "signal-{color}"]),
        ("blue", [], ["was-{color}", "signal-{color}"]),
    ],
)
def test_services_have_the_names_that_they_ran_under(color, names, expected):
    services = traffic.services_as_run(SERVICES, color, names)
    assert [each["name"] for each in services] == expected
    assert [dict(each, name="") for each in services] == [dict(each, name="") for each in SERVICES]


def test_service_with_the_name_of_a_color_in_it():
    services = [{"name": "blueprint", "base": "blueprint", "port": 80, "upstream": "shop-blueprint"}]
    assert traffic.services_as_run(services, "blue", ["blueprint"]) == services


def targets_of(upstreams):
    return {each["name"]: [(target["host"], target["port"]) for target in each["targets"]] for each in upstreams}


@pytest.mark.parametrize(
    "containers, mode, was, signal",
    [
        ([], "container", ("shop-blue-was", 3000), ("shop-blue-signal", 3001)),
        (stack("blue"), "container", ("shop-blue-was", 3000), ("shop-blue-signal", 3001)),
        (stack("blue", ours=False), "container", ("was-blue", 3000), ("signal-blue", 3001)),
        ([], "host", ("127.0.0.1", 13000), ("127.0.0.1", 13001)),
        (stack("blue"), "host", ("127.0.0.1", 13000), ("127.0.0.1", 13001)),
        (stack("blue", ours=False, published={3000: 80}), "host", ("127.0.0.1", 80), ("127.0.0.1", 13001)),
    ],
)
def test_upstreams_go_to_our_names_and_by_hand_to_the_services_own(containers, mode, was, signal):
    made = traffic.upstreams_of("shop", "blue", HOST_SERVICES, containers, mode)
    assert targets_of(made) == {"shop-was": [was], "shop-signal": [signal]}


def test_nginx_does_not_follow_what_was_started_by_hand():
    by_hand = traffic.upstreams_of("shop", "blue", SERVICES, stack("blue", ours=False), "container")
    ours = traffic.upstreams_of("shop", "blue", SERVICES, stack("blue"), "container")
    assert {target.get("at_load", False) for each in by_hand for target in each["targets"]} == {True}
    assert {target.get("at_load", False) for each in ours for target in each["targets"]} == {False}


def test_the_options_of_an_upstream_are_kept_while_names_are_introduced():
    now = {"name": "shop-was", "targets": [{"host": "a", "port": 1}], "options": {"balance": "ip_hash"}}
    (introduced,) = traffic.introduce_upstreams([now], [dict(now, targets=[{"host": "b", "port": 1}])], set())
    assert introduced["options"] == {"balance": "ip_hash"}


def test_nginx_gets_to_know_where_the_traffic_will_go_while_it_goes_where_it_goes():
    previous = traffic.upstreams_of("shop", "blue", SERVICES[:1], [], "container")
    coming = traffic.upstreams_of("shop", "green", SERVICES[:1], [], "container")
    blue, green = {"host": "shop-blue-was", "port": 3000}, {"host": "shop-green-was", "port": 3000}
    for followed, expected in (
        ({"shop-blue-was:3000"}, [blue, dict(green, down=True)]),
        (set(), [dict(blue, at_load=True), dict(blue, down=True), dict(green, down=True)]),
    ):
        assert traffic.introduce_upstreams(previous, coming, followed) == [{"name": "shop-was", "targets": expected}]


def test_from_and_to_what_was_started_by_hand():
    by_hand = traffic.upstreams_of("shop", "blue", SERVICES[:1], stack("blue", ours=False), "container")
    ours = traffic.upstreams_of("shop", "green", SERVICES[:1], [], "container")
    blue, green = {"host": "was-blue", "port": 3000}, {"host": "shop-green-was", "port": 3000}
    ((there,), (back,)) = (
        traffic.introduce_upstreams(by_hand, ours, set()),
        traffic.introduce_upstreams(ours, by_hand, {"shop-green-was:3000"}),
    )
    assert there["targets"] == [dict(blue, at_load=True), dict(blue, down=True), dict(green, down=True)]
    assert back["targets"] == [green, dict(blue, at_load=True, down=True)]


@given(st.sampled_from(["blue", "green"]), st.booleans(), st.booleans(), st.booleans())
def test_while_nginx_gets_to_know_names_the_traffic_goes_where_it_goes(color, now_by_hand, then_by_hand, followed):
    other = "green" if color == "blue" else "blue"
    previous = traffic.upstreams_of("shop", color, SERVICES, stack(color, ours=not now_by_hand), "container")
    coming = traffic.upstreams_of("shop", other, SERVICES, stack(other, ours=not then_by_hand), "container")

    def text(upstreams):
        return app_text("shop", color, "v1", upstreams, DOCKER_RESOLVER)

    known = followed_names(text(previous)) if followed else set()
    introduced = text(traffic.introduce_upstreams(previous, coming, known))
    assert parse_upstreams(introduced) == parse_upstreams(text(previous))
    # What is followed then is what nginx goes on with, without a look-up of its own.
    assert followed_names(text(coming)) | followed_names(text(previous)) <= followed_names(introduced)
    colors = {color: stack(color, ours=not now_by_hand), other: stack(other, ours=not then_by_hand)}
    assert decisions.active_color("shop", SERVICES, parse_upstreams(introduced), colors, []) == (color, "nginx")


def test_endpoints_of_what_takes_traffic():
    containers = [*stack("blue"), container("worker-blue", "10.0.0.9"), container("was-blue", networks={})]
    assert traffic.endpoints_of(containers, SERVICES, "blue", "edge", "container") == ["10.0.0.2:3000", "10.0.0.3:3001"]
    assert traffic.endpoints_of(containers, SERVICES, "blue", "other", "container") == []
    assert traffic.endpoints_of([container("was-blue")], SERVICES, "blue", "edge", "container") == []
    assert traffic.endpoints_of(containers, HOST_SERVICES, "blue", None, "host") == [
        "127.0.0.1:13000",
        "127.0.0.1:13001",
    ]


def test_endpoints_over_ipv6():
    containers = [container("was-blue", "10.0.0.2", "[fd00::2]"), container("signal-blue", "[fd00::3]")]
    every = ["10.0.0.2:3000", "[fd00::2]:3000", "[fd00::3]:3001"]
    assert traffic.endpoints_of(containers, SERVICES, "blue", "edge", "container") == every
    first = ["10.0.0.2:3000", "[fd00::3]:3001"]
    assert traffic.endpoints_of(containers, SERVICES, "blue", "edge", "container", most=1) == first


def test_endpoints_of_a_service_with_two_ports():
    services = [SERVICES[0], dict(SERVICES[0], port=3100, upstream="other")]
    containers = stack("blue")
    assert traffic.endpoints_of(containers, services, "blue", "edge", "container") == ["10.0.0.2:3000", "10.0.0.2:3100"]


@pytest.mark.parametrize(
    "names, host",
    [
        ([["was-blue"]], "was-blue"),
        ([["shop-blue-was"]], "shop-blue-was"),  # it was connected for this
        ([["shop-blue-was"], ["was-blue"]], "was-blue"),
    ],
)
def test_name_of_what_was_started_by_hand(names, host):
    here = [container("was-blue", ours=False, networks={"edge": {"addresses": [], "names": each}}) for each in names]
    upstreams = traffic.upstreams_of("shop", "blue", SERVICES[:1], here, "container")
    assert upstreams[0]["targets"] == [{"host": host, "port": 3000, "at_load": True}]


@pytest.mark.parametrize(
    "ours, network, places",
    [
        (False, "edge", ["10.0.0.2:3000", "10.0.1.2:3000"]),
        (False, "front", ["10.0.1.2:3000"]),
        (False, None, ["10.0.0.2:3000", "10.0.1.2:3000"]),
        (True, "edge", []),
    ],
)
def test_endpoints_on_the_networks_that_nginx_shares(ours, network, places):
    networks = {
        "back": {"addresses": ["10.0.0.2"], "names": []},
        "front": {"addresses": ["10.0.1.2"], "names": []},
    }
    here = [container("was-blue", ours=ours, networks=networks)]
    assert traffic.endpoints_of(here, SERVICES[:1], "blue", network, "container") == places
