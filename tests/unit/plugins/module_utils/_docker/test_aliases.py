# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker import aliases
from ansible_collections.hotswap.compose.tests.unit.stand_ins import StandInHost, container, inspected_service

MOVING = [{"service": "was-blue", "network": "corp", "aliases": ["shop-blue-was"], "moving": ["orders-api"]}]


def on_corp(*names, **changes):
    """A container that is on corp under these names and those that the Engine gives it; not there without any."""
    each = container("was-blue", "10.0.0.2", id="0123456789abcdef", **changes)
    if names:
        each["networks"]["corp"] = {"addresses": ["10.1.0.2"], "names": [*names, each["name"], "0123456789ab"]}
    return each


@pytest.mark.parametrize(
    "names, given, taken",
    [
        (["shop-blue-was"], ["orders-api", "shop-blue-was"], None),
        (["shop-blue-was", "orders-api"], None, ["shop-blue-was"]),
        (["shop-blue-was", "orders-api", "more"], None, ["more", "shop-blue-was"]),
        (["shop-blue-was", "more"], ["more", "orders-api", "shop-blue-was"], None),
        ([], ["orders-api", "shop-blue-was"], ["shop-blue-was"]),
    ],
    ids=["idle", "active", "active-and-more", "idle-and-more", "killed-between"],
)
def test_who_is_connected_anew(names, given, taken):
    each = on_corp(*names)
    assert aliases.to_give([each], MOVING) == ([] if given is None else [(each, "corp", given)])
    assert aliases.to_take([each], MOVING) == ([] if taken is None else [(each, "corp", taken)])


def test_other_services_are_left_alone():
    assert aliases.to_give([container("signal-blue")], MOVING) == []
    assert aliases.to_take([container("signal-blue")], MOVING) == []


@pytest.mark.parametrize(
    "service, there, moving",
    [
        ("was-blue", True, [{"service": "was-green", "network": "corp", "aliases": [], "moving": ["orders-api"]}]),
        ("was-green", True, [{"service": "was-green", "network": "corp", "aliases": [], "moving": ["orders-api"]}]),
        ("signal-blue", True, []),
        ("was-blue", False, []),
    ],
)
def test_aliases_of_a_stack_that_has_none_of_its_own(service, there, moving):
    networks = {"corp": {"addresses": [], "names": []}} if there else {}
    other = [dict(MOVING[0], service=service)]
    assert aliases.as_moving_of(other, [container("was-green", networks=networks)]) == moving


def test_a_service_whose_name_holds_a_color_twice_is_found():
    there = container("bluebird-green", networks={"corp": {"addresses": [], "names": []}})
    (entry,) = aliases.as_moving_of([dict(MOVING[0], service="bluebird-blue")], [there])
    assert entry["service"] == "bluebird-green"


class Corp(StandInHost):
    """Has blue's and green's was on corp, and connects and disconnects them. ``next_address``: of the next one that is
    connected; as it was without."""

    def __init__(self, next_address=None):
        super().__init__([inspected_service("was-blue", "d1"), inspected_service("was-green", "d2")])
        self.next_address = next_address
        for number, each in enumerate(self._all.values()):
            color = "blue" if "blue" in each["Name"] else "green"
            names = [f"shop-{color}-was"] + (["orders-api"] if color == "blue" else [])
            each["Config"]["Labels"]["hotswap.compose.deploy"] = "d1" if color == "blue" else "d2"
            each["NetworkSettings"]["Networks"]["corp"] = {"IPAddress": f"10.1.0.{number}", "Aliases": names}
        self._before = copy.deepcopy(self._all)

    def leave_network(self, container_id, network):
        self.told.append(("off", container_id, network))
        del self._all[container_id]["NetworkSettings"]["Networks"][network]

    def join_network(self, container_id, network, aliases):
        self.told.append(("on", container_id, network))
        before = self._before[container_id]["NetworkSettings"]["Networks"][network]
        self._all[container_id]["NetworkSettings"]["Networks"][network] = {
            "IPAddress": self.next_address or before["IPAddress"],
            "Aliases": aliases,
        }

    def called(self, name):
        networks = {key: each["NetworkSettings"]["Networks"]["corp"] for key, each in self._all.items()}
        return sorted(key for key, network in networks.items() if name in network["Aliases"])


UNFINISHED = {
    "color": "green",
    "deploy": "d2",
    "previous": ["was-blue-d1"],
    "moving_aliases": [dict(MOVING[0], service="was-green", aliases=["shop-green-was"])],
    "previous_moving_aliases": MOVING,
}


def test_both_colors_have_the_alias_until_the_idle_one_is_retired():
    engine = Corp()
    assert aliases.hand_over(engine, "shop", UNFINISHED) == []
    assert engine.called("orders-api") == ["was-blue-d1", "was-green-d2"]
    assert engine.told == [("off", "was-green-d2", "corp"), ("on", "was-green-d2", "corp")]
    assert aliases.hand_over(engine, "shop", UNFINISHED) == [] and len(engine.told) == 2
    previous = aliases.containers_by_id(engine, ["was-blue-d1"])
    aliases.take_aliases(engine, previous, UNFINISHED)
    assert engine.called("orders-api") == ["was-green-d2"]
    assert engine.called("shop-blue-was") == ["was-blue-d1"]


def test_aliases_go_back():
    engine = Corp()
    aliases.hand_over(engine, "shop", UNFINISHED)
    aliases.take_aliases(engine, aliases.containers_by_id(engine, ["was-blue-d1"]), UNFINISHED)
    del engine.told[:]
    aliases.hand_back(engine, "shop", UNFINISHED)
    assert engine.called("orders-api") == ["was-blue-d1"]
    assert [each[1] for each in engine.told] == ["was-blue-d1", "was-blue-d1", "was-green-d2", "was-green-d2"]


def test_another_address_is_told():
    lines = aliases.hand_over(Corp("10.1.0.9"), "shop", UNFINISHED)
    assert len(lines) == 1
    assert "got another address on network corp when its aliases moved (it was 10.1.0.1)" in lines[0]


ONE_FILE = {
    "deploy": "d2",
    "previous": ["old"],
    "moving_aliases": [
        {"service": "web", "network": network, "aliases": ["shop-green-web"], "moving": ["orders-api"]}
        for network in ("corp", "added")
    ],
    "previous_moving_aliases": [
        {"service": "web", "network": network, "aliases": ["shop-blue-web"], "moving": ["orders-api"]}
        for network in ("corp", "left")
    ],
}
"""A run of one ordinary file, whose service is no longer on one network, and on another one instead."""


def web(identity, deploy, *networks):
    """A container of the service that has the alias on these networks."""
    joined = {network: {"addresses": ["10.1.0.2"], "names": ["orders-api"]} for network in networks}
    return dict(container("was-blue"), service="web", id=identity, deploy=deploy, networks=joined)


@pytest.mark.parametrize(
    "each, unfinished, networks, kept",
    [
        (web("old", "d1", "corp", "left"), ONE_FILE, ["corp", "left"], ["shop-blue-web"]),
        (web("old", None, "corp", "left"), ONE_FILE, ["corp", "left"], ["shop-blue-web"]),
        (web("new", "d2", "corp", "added"), ONE_FILE, ["corp", "added"], ["shop-green-web"]),
        (
            web("back", None, "corp", "added"),
            dict(ONE_FILE, containers=["back"]),
            ["corp", "added"],
            ["shop-green-web"],
        ),
        (web("older", "d0"), ONE_FILE, [], []),
        (web("old", "d1", "corp"), None, [], []),
        (web("old", "d1", "corp"), {}, [], []),
    ],
    ids=["previous", "started-by-hand", "of-the-run", "goes-back-by-hand", "of-neither", "no-run", "not-a-deploy"],
)
def test_a_color_is_taken_off_nothing_but_its_own_aliases(each, unfinished, networks, kept):
    joins = aliases.to_take_in_run([each], unfinished)
    assert joins == [(each, network, kept) for network in networks]
