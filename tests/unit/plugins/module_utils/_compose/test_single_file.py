# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration is what Compose 2.26 rendered of one compose.yml with everything at once."""

from __future__ import annotations

import copy
import json
import pathlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose import single_file
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError
from ansible_collections.hotswap.compose.plugins.module_utils._names import named_services

FIXTURE = pathlib.Path(__file__).parents[1] / "fixtures" / "compose" / "ordinary.json"
SERVICES = named_services("shop", [{"name": "web", "port": 3000}])


def rendered():
    """Without what is refused; each of that has a test."""
    config = json.loads(FIXTURE.read_text())
    del config["secrets"]["envsecret"]
    config["networks"]["back"]["ipam"] = {}
    config["services"]["cache"]["networks"]["back"] = None
    del config["services"]["web"]["networks"]["front"]["aliases"]
    return config


def colored(config=None, shared=("db",), exclusive=(), network="edge", services=None):
    config = rendered() if config is None else config
    return single_file.color_part(config, "shop", "blue", services or SERVICES, list(shared), list(exclusive), network)


def change(**services):
    config = rendered()
    for name, changed in services.items():
        config["services"][name].update(changed)
    return config


def test_what_a_color_has():
    config = rendered()
    before = copy.deepcopy(config)
    result, _warnings = colored(config)
    assert config == before
    web = result["services"]["web"]
    assert sorted(result["services"]) == ["cache", "init", "web", "worker"]
    assert not {"container_name", "ports"} & set(web)
    assert sorted(web["depends_on"]) == ["cache", "init"]
    assert web["links"] == ["cache"]
    assert web["networks"] == {"back": {"aliases": ["shop-web"]}}
    assert "depends_on" not in result["services"]["worker"]
    assert result["networks"] == {"back": {"name": "0-shop-blue_back"}}
    assert web["environment"] == {"A": "1"}


def test_who_joins_what_when():
    result, _warnings = colored()
    assert result[single_file.JOINS] == [
        {"service": "web", "network": "edge", "aliases": ["shop-blue-web"]},
        {"shared": "db", "network": "0-shop-blue_back", "aliases": ["database", "db", "pg"]},
    ]


def test_nginx_on_the_host_has_no_network():
    result, _warnings = colored(network=None)
    assert [join.get("shared") for join in result[single_file.JOINS]] == [None, "db"]
    assert result[single_file.JOINS][0] == {"service": "web", "network": "edge", "aliases": ["shop-blue-web"]}


def test_a_network_of_others_is_joined_by_whoever_was_on_it():
    config = rendered()
    config["networks"]["corp"] = {"name": "corp", "external": True}
    config["services"]["worker"]["networks"] = {"corp": None}
    result, _warnings = colored(config)
    assert {"service": "worker", "network": "corp", "aliases": ["shop-blue-worker"]} in result[single_file.JOINS]
    assert result["services"]["worker"]["networks"] == {"default": None}
    assert result["networks"]["default"] == {"name": "0-shop-blue_default"}


def on_corp(joined, service="worker"):
    config = rendered()
    config["networks"]["corp"] = {"name": "corp", "external": True}
    config["services"][service]["networks"] = {"corp": joined}
    return config


def test_alias_on_a_network_of_others_is_the_active_colors():
    config = on_corp({"aliases": ["orders-api"]})
    result, _warnings = colored(config)
    join = {"service": "worker", "network": "corp", "aliases": ["shop-blue-worker"], "moving": ["orders-api"]}
    assert join in result[single_file.JOINS]
    assert single_file.moving_aliases(result[single_file.JOINS]) == [join]
    # An exclusive service never runs in both colors.
    result, _warnings = colored(config, exclusive=["worker"])
    assert {"service": "worker", "network": "corp", "aliases": ["orders-api", "shop-blue-worker"]} in result[
        single_file.JOINS
    ]
    assert single_file.moving_aliases(result[single_file.JOINS]) == []


def test_alias_on_the_network_of_nginx_is_refused():
    config = rendered()
    config["services"]["web"]["networks"]["front"]["aliases"] = ["orders-api"]
    with pytest.raises(
        ComposeError, match="^service web has the alias orders-api on network edge, which nginx is on. Both "
    ):
        colored(config)
    result, _warnings = colored(config, network=None)  # nginx on the host is on none
    assert result[single_file.JOINS][0]["moving"] == ["orders-api"]


@pytest.mark.parametrize(
    "joined, changes, network, words",
    [
        (None, {}, "edge", ["service worker by the name worker; "]),
        (None, {"container_name": "jobs"}, "edge", ["service worker by the name jobs or worker; "]),
        ({"aliases": ["worker"]}, {}, "edge", []),
        (None, {}, "corp", []),
        (None, {}, None, ["others on network edge can't reach service web", "others on network corp can't reach "]),
    ],
)
def test_names_that_others_can_t_call_are_told(joined, changes, network, words):
    config = on_corp(joined)
    config["services"]["worker"].update(changes)
    config["services"]["web"]["container_name"] = None
    if network:
        del config["services"]["web"]["networks"]["front"]
    warnings = single_file.names_left(config, ["db"], network)
    assert len(warnings) == len(words)
    assert all(word in "".join(warnings) for word in words)


def test_a_network_with_a_name_is_each_colors_own():
    config = rendered()
    config["networks"]["back"]["name"] = "shopnet"
    result, _warnings = colored(config)
    assert result["networks"]["back"]["name"] == "0-shop-blue_back"


def test_a_default_network_of_others_is_a_plain_one_of_each_color():
    config = rendered()
    config["networks"]["default"] = {"name": "proxy", "external": True}
    config["services"]["worker"]["networks"] = {"default": None}
    result, _warnings = colored(config)
    assert {"service": "worker", "network": "proxy", "aliases": ["shop-blue-worker"]} in result[single_file.JOINS]
    assert result["networks"]["default"] == {"name": "0-shop-blue_default"}


def test_a_network_that_is_defined_anew_is_another_one():
    config = rendered()
    config["networks"]["back"]["internal"] = True
    result, _warnings = colored(config)
    assert result["networks"]["back"]["internal"]
    assert result["networks"]["back"]["name"].startswith("0-shop-blue_back_")


def test_a_hostname_is_the_colors_own():
    result, warnings = colored(change(cache={"hostname": "redis", "container_name": "shop-cache"}))
    (told,) = [text for text in warnings if "hostname" in text]
    assert told.startswith("service cache runs without its hostname redis, because the hostname is a DNS name")
    assert "hostname" not in result["services"]["cache"]
    assert result["services"]["cache"]["networks"] == {"back": {"aliases": ["redis", "shop-cache"]}}


@pytest.mark.parametrize(
    "names, expected",
    [
        (["shop-blue-web-1", "shop-blue-web"], []),
        (["shop-blue-web-1"], [("shop-blue-web-1", "edge", ["shop-blue-web"])]),
        (None, [("shop-blue-web-1", "edge", ["shop-blue-web"])]),
    ],
)
def test_which_joins_are_missing(names, expected):
    networks = {} if names is None else {"edge": {"addresses": [], "names": names}}
    web = {"name": "shop-blue-web-1", "service": "web", "networks": networks}
    db = {
        "name": "db",
        "service": "db",
        "networks": {"0-shop-blue_back": {"addresses": [], "names": ["db", "pg", "database"]}},
    }
    result, _warnings = colored()
    found = single_file.missing_joins(result[single_file.JOINS], [web], {"db": [db]})
    assert [(container["name"], network, aliases) for container, network, aliases in found] == expected
    with pytest.raises(ComposeError, match="service db has no container that could join the network 0-shop-blue_back"):
        single_file.missing_joins(result[single_file.JOINS], [web], {})
    with pytest.raises(ComposeError, match="service web has no container"):
        single_file.missing_joins(result[single_file.JOINS], [], {"db": [db]})


def test_one_shots():
    assert single_file.one_shot_services(rendered()) == {"init": "web"}


def test_a_service_without_a_network():
    config = rendered()
    config["services"]["worker"].update(networks={}, network_mode="host")
    config["services"]["worker"].pop("networks")
    result, _warnings = colored(config)
    assert "networks" not in result["services"]["worker"]


def test_warnings():
    assert colored()[1] == []
    (warning,) = colored(shared=[])[1]
    assert "service db publishes no host port" in warning


@pytest.mark.parametrize(
    "config, words",
    [
        (change(web={"networks": {"back": {"ipv4_address": "10.9.0.7"}}}), "service web has the address 10.9.0.7"),
        (change(worker={"volumes_from": ["db:ro"]}), "service worker has volumes_from db, but db is a shared service"),
        (
            change(worker={"network_mode": "service:db"}),
            "service worker has network_mode service:db, but db is a shared service",
        ),
        (
            change(web={"networks": {"front": {"mac_address": "02:42:ac:11:00:05"}}}),
            "service web has mac_address on network front, but the role connects it there with aliases only; remove",
        ),
        (
            dict(rendered(), networks={"back": {"driver": "macvlan", "driver_opts": {"parent": "eth0"}}}),
            r"network back has the driver option parent \(eth0\), which only one network can have",
        ),
        (
            dict(rendered(), networks={"back": {"ipam": {"config": [{"subnet": "10.9.0.0/24"}]}}}),
            "network back has the subnet 10.9.0.0/24",
        ),
    ],
)
def test_what_is_refused_by_name(config, words):
    with pytest.raises(ComposeError, match=words):
        colored(config)


def test_a_service_that_is_not_there():
    with pytest.raises(
        ComposeError, match="bluegreen_shared_services: the Compose files have no service dbb, only cac"
    ):
        single_file.refuse_unknown_services(rendered(), "shared_services", ["db", "dbb"])
    single_file.refuse_unknown_services(rendered(), "shared_services", ["db"])


def test_what_runs_once():
    config = rendered()
    result = single_file.shared_part(config, "shop", ["cache", "db"], {})
    db = result["services"]["db"]
    assert sorted(result["services"]) == ["cache", "db"]
    assert (db["container_name"], db["ports"][0]["published"]) == ("shop-db", "5432")
    assert result["name"] == "shop-shared"
    assert result["networks"] == {"back": {"name": "shop-shared_back", "ipam": {}}}
    assert result["volumes"] == {"data": {"name": "shopdata"}, "uploads": {"name": "shop_uploads"}}
    assert {key: value for key, value in db["labels"].items() if not key.endswith("config")} == {
        "hotswap.compose.app": "shop",
        "hotswap.compose.shared": "db",
    }


def test_what_runs_once_is_the_same_in_every_release():
    config = json.loads(json.dumps(rendered()).replace("web:v1", "web:v2"))
    assert single_file.shared_part(config, "shop", ["db"], {}) == single_file.shared_part(
        rendered(), "shop", ["db"], {}
    )


@pytest.mark.parametrize("more", [{"depends_on": {"init": {"condition": "service_started"}}}, {"links": ["init:i"]}])
def test_what_runs_once_needs_nothing_of_a_color(more):
    with pytest.raises(ComposeError, match="shared service db depends on init"):
        single_file.shared_part(change(db=more), "shop", ["db"], {})


@pytest.mark.parametrize(
    "network, in_file, name",
    [
        ("edge", True, "0-shop-blue_back"),  # a container of the service's own name may be on it
        ("webshop_default", True, "shop-blue_back"),  # it sorts last as it is
        ("edge", False, "shop-blue_back"),
    ],
)
def test_a_colors_own_networks_answer_before_that_of_nginx(network, in_file, name):
    services = {"web": {"image": "web", "networks": {"back": None, **({"front": None} if in_file else {})}}}
    networks = {"back": {"name": "shop_back"}}
    networks.update({"front": {"name": network, "external": True}} if in_file else {})
    result, _warnings = colored({"name": "shop", "services": services, "networks": networks}, (), network=network)
    assert result["networks"] == {"back": {"name": name}}
