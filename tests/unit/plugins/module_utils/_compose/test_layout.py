# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose import layout, single_file
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError
from ansible_collections.hotswap.compose.plugins.module_utils._names import named_services

AWAITED = {"web": {"depends_on": {"seed": {"condition": "service_completed_successfully"}}}}
ENDLESS = [
    {"restart": "always"},
    {"restart": "unless-stopped"},
    {"deploy": {"restart_policy": {"condition": "any"}}},
]


def params(**changes):
    given = {
        "app": "shop",
        "compose_files": ["compose.yml"],
        "shared_services": ["db"],
        "exclusive_services": ["worker"],
        "nginx_mode": "container",
        "network": "edge",
    }
    return dict(given, **changes)


def rendered(color, **services):
    named = {"web": {"image": "web"}, "worker": {"image": "web"}, "db": {"image": "db"}}
    return {"name": f"shop-{color}", "services": {**named, **services}}


def split(given, **services):
    configs = {color: rendered(color, **services) for color in ("blue", "green")}
    return layout.split_layout(given, named_services("shop", [{"name": "web", "port": 80}]), configs, {})


def test_one_ordinary_file():
    colors, shared, _warnings = split(params())
    assert [sorted(colors[color]["services"]) for color in ("blue", "green")] == [["web", "worker"]] * 2
    assert sorted(shared["services"]) == ["db"]


def test_a_file_for_each_color_is_as_compose_rendered_it():
    given = params(compose_files=["compose.{color}.yml"], shared_services=[], exclusive_services=["worker"])
    colors, shared, warnings = split(given)
    assert (colors["green"], shared, warnings) == (rendered("green"), {"services": {}}, [])


@pytest.mark.parametrize(
    "given, services, words",
    [
        (
            params(exclusive_services=["cron"]),
            {},
            "bluegreen_exclusive_services: the Compose files have no service cron",
        ),
        (params(shared_services=["pg"]), {}, "bluegreen_shared_services: the Compose files have no service pg"),
        *((params(), {**AWAITED, "seed": seed}, "service seed has the restart policy") for seed in ENDLESS),
        (
            params(),
            {"web": {"depends_on": {"worker": {}}}},
            "service web depends on worker, which only starts after the swap, because it must never run in both "
            "colors; remove worker from its depends_on, or from bluegreen_exclusive_services",
        ),
        (
            params(),
            {"runner": {"depends_on": {"worker": {}}}},
            "service runner depends on worker, .*; add runner to bluegreen_exclusive_services",
        ),
    ],
)
def test_what_is_refused(given, services, words):
    with pytest.raises(ComposeError, match=words):
        split(given, **services)


@pytest.mark.parametrize(
    "changes, networks",
    [
        ({}, None),
        ({"compose_files": ["compose.{color}.yml"]}, {"default": None, "edge": {"aliases": ["shop-blue-web"]}}),
        ({"nginx_mode": "host"}, None),
    ],
)
def test_how_nginx_reaches_a_color(changes, networks):
    config = rendered("blue")
    service = {"name": "web", "base": "web", "port": 80, "publish": {"blue": 13000, "green": 23000}}
    layout.reach_for(params(**changes), "blue")(config, "web", service)
    assert config["services"]["web"].get("networks") == networks
    assert ("ports" in config["services"]["web"]) == (changes.get("nginx_mode") == "host")


def test_one_container_name_in_both_colors_is_refused():
    given = params(compose_files=["compose.{color}.yml"], shared_services=[])
    split(given)
    with pytest.raises(ComposeError, match=r"service web has the container_name shop-web in both colors, .*; put \$"):
        split(given, web={"container_name": "shop-web"})


def test_the_joins_are_in_the_file():
    colors, _shared, _warnings = split(params())
    assert colors["green"][single_file.JOINS][0]["aliases"] == ["shop-green-web"]


@pytest.mark.parametrize(
    "seed", [{}, {"restart": "no"}, {"restart": "on-failure:3"}, {"deploy": {"restart_policy": {"condition": "none"}}}]
)
def test_a_one_shot_that_can_complete(seed):
    colors, _shared, _warnings = split(params(), **AWAITED, seed=seed)
    assert "seed" in colors["green"]["services"]


COLORED = {"compose_files": ["compose.{color}.yml"], "shared_services": [], "exclusive_services": []}


def split_colored(networks, endpoint=None, **changes):
    """``networks``: what the service of each color joins, with ``{color}``; ``endpoint``: more of how it joins each."""
    configs = {}
    for color in ("blue", "green"):
        joined = {key: {"aliases": [name.format(color=color) for name in names]} for key, names in networks.items()}
        for each in joined.values():
            each.update(endpoint or {})
        outside = {key: {"name": key, "external": True} for key in networks}
        services = {f"web-{color}": {"image": "web", "networks": joined}}
        configs[color] = {"name": f"shop-{color}", "services": services, "networks": outside}
    return layout.split_layout(params(**{**COLORED, **changes}), [], configs, {})[0]


def test_alias_that_both_colors_files_have_is_the_active_colors():
    green = split_colored({"corp": ["orders-api", "orders-{color}"]})["green"]
    assert green["services"]["web-green"]["networks"] == {"corp": {"aliases": ["orders-green"]}}
    assert green[single_file.JOINS] == [
        {"service": "web-green", "network": "corp", "aliases": ["web-green"], "moving": ["orders-api"]}
    ]


def test_alias_of_one_color_stays_and_one_on_the_network_of_nginx_is_refused():
    green = split_colored({"edge": ["orders-{color}"]})["green"]
    assert green["services"]["web-green"]["networks"] == {"edge": {"aliases": ["orders-green"]}}
    assert single_file.JOINS not in green
    with pytest.raises(ComposeError, match="^service web-blue has the alias orders-api on network edge"):
        split_colored({"edge": ["orders-api"]})


def test_alias_of_an_exclusive_service_stays():
    green = split_colored({"corp": ["jobs"]}, exclusive_services=["web-{color}"])["green"]
    assert green["services"]["web-green"]["networks"] == {"corp": {"aliases": ["jobs"]}}


@pytest.mark.parametrize(
    "endpoint",
    [
        {"ipv4_address": "10.9.0.7"},
        {"ipv6_address": "2001:db8::7"},
        {"link_local_ips": ["169.254.8.8"]},
        {"driver_opts": {"a": "b"}},
        {"gw_priority": 5},
        {"mac_address": "02:42:ac:11:00:05"},
        {"interface_name": "eth5"},
    ],
    ids=lambda endpoint: next(iter(endpoint)),
)
def test_setting_of_a_connection_that_an_alias_would_take_along_is_refused(endpoint):
    (key,) = endpoint
    words = f"^service web-blue has {key} on network corp and the alias orders-api, .*; remove {key}, or the alias$"
    with pytest.raises(ComposeError, match=words):
        split_colored({"corp": ["orders-api"]}, endpoint)
    green = split_colored({"corp": ["orders-{color}"]}, endpoint)["green"]
    assert green["services"]["web-green"]["networks"]["corp"] == {"aliases": ["orders-green"], **endpoint}
