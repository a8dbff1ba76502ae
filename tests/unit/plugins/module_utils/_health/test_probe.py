# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._health import probe
from ansible_collections.hotswap.compose.plugins.module_utils._health.probe import HEALTHY, STARTING, UNHEALTHY
from ansible_collections.hotswap.compose.plugins.module_utils._names import named_services
from ansible_collections.hotswap.compose.tests.unit.stand_ins import container

ONCE = {"healthy_after": 1, "unhealthy_after": 3}
TWICE = {"healthy_after": 2, "unhealthy_after": 2}


def came_to(answers, given, status=STARTING):
    """The state after replies: ``+`` passed, ``-`` failed."""
    state = probe.ProbeState(status)
    for number, answer in enumerate(answers):
        state = state.after(probe.Reply(answer == "+", f"reply {number}", float(number)), given)
    return state


@pytest.mark.parametrize(
    "answers, given, status",
    [
        ("", ONCE, STARTING),
        ("-----", ONCE, STARTING),  # before it was healthy, a failure only means "not yet"
        ("--+", ONCE, HEALTHY),
        ("+--", ONCE, HEALTHY),
        ("+--+--", ONCE, HEALTHY),
        ("+---", ONCE, UNHEALTHY),
        ("+---+", ONCE, HEALTHY),
        ("+", TWICE, STARTING),
        ("+-+", TWICE, STARTING),
        ("-++", TWICE, HEALTHY),
        ("++-", TWICE, HEALTHY),
        ("++--", TWICE, UNHEALTHY),
        ("++--+", TWICE, UNHEALTHY),
    ],
)
def test_what_replies_come_to(answers, given, status):
    assert came_to(answers, given).status == status


def test_one_that_was_healthy_before():
    assert came_to("--", ONCE, HEALTHY).status == HEALTHY
    assert came_to("---", ONCE, HEALTHY).status == UNHEALTHY


def test_the_last_replies_are_kept():
    state = came_to("-" * 9, ONCE)
    assert [reply.text for reply in state.replies] == [f"reply {number}" for number in range(4, 9)]
    assert (state.streak, state.last) == (9, " (reply 8)")
    assert probe.ProbeState().last == " (not probed yet)"


SERVICES = named_services(
    "shop",
    [
        {"name": "was-{color}", "port": 3000, "probe": {"path": "/health", "port": 3999}},
        {"name": "signal-{color}", "port": 3001, "probe": {}},
        {"name": "static", "port": 80},
    ],
)


@pytest.mark.parametrize("mode, network", [("container", "edge"), ("host", None)])
def test_probes_of_a_color(mode, network):
    was, signal = probe.probes_for(SERVICES, "green", "edge", mode)
    assert was == {
        "service": "was-green",
        "port": 3999,
        "path": "/health",
        "network": network,
        "headers_of": "was-{color}",
    }
    assert (signal["service"], signal["port"], signal.get("path")) == ("signal-green", 3001, None)


def test_headers_go_by_the_name_without_color():
    headers = {"was-{color}": {"Host": "shop.example"}, "signal": None}
    probes = [
        {"service": "was-green", "headers_of": "was-{color}"},
        {"service": "signal", "headers_of": None},
        {"service": "was", "headers_of": "was"},  # of a release that ran under another name
    ]
    found = probe.with_headers(probes, headers)
    assert [found[name]["headers"] for name in ("was-green", "signal", "was")] == [
        {"Host": "shop.example"},
        {},
        {"Host": "shop.example"},
    ]


@pytest.mark.parametrize(
    "network, networks, published, place",
    [
        ("edge", {"other": ["10.1.0.2"], "edge": ["10.0.0.2", "[fd00::2]"]}, {3000: 13000}, "10.0.0.2:3000"),
        ("edge", {"edge": ["[fd00::2]"]}, {}, "[fd00::2]:3000"),
        (None, {"edge": ["10.0.0.2"]}, {3000: 13000}, "127.0.0.1:13000"),
        (None, {"edge": ["10.0.0.2"]}, {80: 13000}, "10.0.0.2:3000"),
        ("edge", {"edge": [], "other": ["10.1.0.2"]}, {}, "10.1.0.2:3000"),  # started by hand
        ("edge", {}, {}, None),
    ],
)
def test_where_a_container_is_asked(network, networks, published, place):
    joined = {name: {"addresses": addresses, "names": []} for name, addresses in networks.items()}
    asked = container("was-blue", networks=joined, published=published)
    assert probe.place_to_ask(asked, {"network": network, "port": 3000}) == place


def test_an_http_status():
    assert probe.judge_status({"status": [200, 301]}, 301) is None
    assert probe.judge_status({"status": [200, 204]}, 301) == "the status is 301, not 200 or 204"
