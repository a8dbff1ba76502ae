# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixtures are what Engine 26.1 said of containers that Compose 2.26 and docker run started, cut down. api_1_52
and hook are written by the documentation of the Engine's API 1.52 and by the source of Compose 5.3."""

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker import containers
from ansible_collections.hotswap.compose.tests.unit.stand_ins import StandInEngine, inspected, summary

IMAGES = pathlib.Path(__file__).parents[1] / "fixtures" / "images"
FILES = ["compose.{color}-deploy.yml"]


def test_a_container_of_ours():
    assert containers.summarize(inspected("ours")) == {
        "id": "e5d100788352f263907208ef56e8e3adddd03d1069d2fdc1ac313c715dd2fb3e",
        "name": "store-green-was-green-1",
        "project": "store-green",
        "service": "was-green",
        "state": "running",
        "health": "healthy",
        "was_healthy": False,
        "has_healthcheck": False,  # the fixture has none
        "started_at": None,
        "exit_code": 0,
        "image": "shop-was:v2",
        "image_id": "sha256:4cc8a0f4499d0ac8dbc523cba1df47c199f696b19aefc29d3f63e15b2884bb00",
        "app": "store",
        "color": "green",
        "release": "v2",
        "deploy": "d2",
        "config": "5c1ddb43bcc3d73ca58ee3ef2104357d86f23c8d6d75d0d9ea0fd5684f668416",
        "shared": None,
        "exclusive": False,
        "restart_policy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
        "stop_timeout": 3,
        "networks": {
            "front": {
                "addresses": ["10.200.77.5"],
                "names": ["e5d100788352", "store-green-was", "store-green-was-green-1", "was-green"],
            },
            "store-green_default": {
                "addresses": ["192.168.144.4"],
                "names": ["e5d100788352", "store-green-was-green-1", "was-green"],
            },
        },
        "volumes": {"/var/uploads": "legacy_uploads"},
        "binds": {},
        "published": {},
        "depends_on": ["cache-green"],
    }


@pytest.mark.parametrize(
    "name, expected",
    [
        ("ours_stopped", {"state": "exited", "exit_code": 137, "health": None, "app": "store", "depends_on": []}),
        ("by_hand", {"project": "legacy", "service": "was-blue", "app": None, "color": None, "release": None}),
        (
            "by_hand_cache",
            {"stop_timeout": 10, "volumes": {}, "restart_policy": {"Name": "no", "MaximumRetryCount": 0}},
        ),
        ("docker_run", {"project": None, "service": None, "health": None, "name": "store-loner", "deploy": None}),
    ],
)
def test_what_differs_of_others(name, expected):
    summary = containers.summarize(inspected(name))
    assert {key: summary[key] for key in expected} == expected


def test_what_an_engine_may_leave_out():
    container = inspected("docker_run")
    container["Config"]["Labels"] = None
    container["Config"]["StopTimeout"] = 0
    container["Mounts"] = None
    del container["NetworkSettings"]["Networks"]["front"]["DNSNames"]  # before Engine 25
    container["NetworkSettings"]["Networks"]["front"]["Aliases"] = None
    container["Mounts"] = [{"Type": "bind", "Source": "/srv/data", "Destination": "/srv"}]
    summary = containers.summarize(container)
    assert summary["service"] is None
    assert summary["stop_timeout"] == 0
    assert summary["networks"] == {"front": {"addresses": ["10.200.77.3"], "names": []}}
    assert (summary["volumes"], summary["binds"]) == ({}, {"/srv": "/srv/data"})


def test_a_container_without_the_fields_that_api_1_52_leaves_out():
    summary = containers.summarize(inspected("api_1_52"))
    assert (summary["state"], summary["health"], summary["has_healthcheck"]) == ("running", "healthy", True)
    assert summary["networks"]["front"]["addresses"] == ["10.200.77.5"]
    assert (summary["volumes"], summary["binds"], summary["published"], summary["stop_timeout"]) == ({}, {}, {}, 10)


def test_an_image_without_the_fields_that_api_1_52_leaves_out():
    image = json.loads((IMAGES / "api_1_52.json").read_text())
    assert containers.image_has_healthcheck(image) is False
    del image["Config"]
    assert containers.image_has_healthcheck(image) is False


@pytest.mark.parametrize(
    "name, apart", [("ours", False), ("by_hand", False), ("docker_run", False), ("oneoff", True), ("hook", True)]
)
def test_what_is_no_replica_of_a_service(name, apart):
    assert containers.runs_apart(inspected(name)["Config"]["Labels"]) is apart


def test_the_hooks_of_a_project():
    engine = StandInEngine("ours", "oneoff", "hook")
    assert [each["name"] for each in containers.find_hooks(engine, "store", "green")] == [
        "store-green-was-green-pre_start-0"
    ]
    assert containers.find_hooks(engine, "store", "blue") == []


@pytest.mark.parametrize(
    "ports, published",
    [
        (None, {}),
        ({"3000/tcp": None}, {}),
        ({"3000/tcp": []}, {}),
        ({"3000/udp": [{"HostIp": "", "HostPort": "3000"}]}, {}),
        ({"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "23000"}]}, {3000: 23000}),
        ({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}, {"HostIp": "::", "HostPort": "80"}]}, {80: 80}),
    ],
)
def test_ports_of_the_host(ports, published):
    container = inspected("ours")
    container["NetworkSettings"]["Ports"] = ports
    assert containers.summarize(container)["published"] == published


@pytest.mark.parametrize(
    "network, app, color, expected",
    [
        ("front", "store", "green", ["10.200.77.5"]),
        ("front", "store", "blue", []),
        ("front", "sto", "green", []),
        ("store-green_default", "bank", "green", []),
        ("elsewhere", "store", "green", []),
    ],
)
def test_addresses_behind_our_names(network, app, color, expected):
    assert containers.edge_addresses([summary("ours"), summary("docker_run")], network, app, color) == expected


@pytest.mark.parametrize(
    "ipv4, ipv6, expected",
    [
        ("10.0.0.2", "", ["10.0.0.2"]),
        ("10.0.0.2", "fd00::2", ["10.0.0.2", "[fd00::2]"]),
        ("", "fd00::2", ["[fd00::2]"]),
        ("", "", []),  # it is stopped
        (None, None, []),
    ],
)
def test_addresses_on_a_network(ipv4, ipv6, expected):
    container = inspected("ours")
    container["NetworkSettings"]["Networks"]["front"].update(IPAddress=ipv4, GlobalIPv6Address=ipv6)
    summary = containers.summarize(container)
    assert summary["networks"]["front"]["addresses"] == expected
    assert containers.edge_addresses([summary], "front", "store", "green") == expected


@pytest.mark.parametrize(
    "changes, runs, completed",
    [
        ({}, True, False),
        ({"health": None}, True, False),
        ({"health": "starting"}, False, False),
        ({"health": "unhealthy"}, False, False),
        ({"state": "paused"}, False, False),
        ({"state": "restarting"}, False, False),
        ({"state": "exited", "health": None, "restart_policy": {"Name": "no"}}, False, True),
        ({"state": "exited", "health": None, "restart_policy": {"Name": ""}}, False, True),
        ({"state": "exited", "health": None, "restart_policy": {"Name": "no"}, "exit_code": 1}, False, False),
        ({"state": "created", "health": None, "restart_policy": {"Name": "no"}}, False, False),
        # Stopped by hand, as an application that ends well on SIGTERM is.
        ({"state": "exited", "was_healthy": True, "restart_policy": {"Name": "no"}}, False, False),
        ({"state": "exited", "health": "unhealthy", "restart_policy": {"Name": "no"}}, False, True),
        ({"state": "exited", "health": None, "restart_policy": {"Name": "on-failure"}}, False, True),
        ({"state": "exited", "health": None, "restart_policy": {"Name": "on-failure"}, "exit_code": 1}, False, False),
        ({"state": "exited", "health": None}, False, False),
    ],
)
def test_what_answers_and_what_has_ended_well(changes, runs, completed):
    container = summary("ours", **changes)
    assert (containers.is_ready(container), containers.has_completed(container)) == (runs, completed)


@pytest.mark.parametrize(
    "state, policy, retired",
    [
        ("exited", "no", True),
        ("exited", "", True),
        ("created", "no", True),
        ("dead", "no", True),
        ("exited", "unless-stopped", False),
        ("exited", "on-failure", False),
        ("running", "no", False),
        ("restarting", "no", False),
    ],
)
def test_what_stays_retired(state, policy, retired):
    policy = {"Name": policy, "MaximumRetryCount": 0}
    assert containers.is_retired(summary("ours", state=state, restart_policy=policy)) is retired


def labels(name, **changes):
    return dict(
        inspected(name)["Config"]["Labels"], **{containers.COMPOSE_LABEL + key: value for key, value in changes.items()}
    )


@pytest.mark.parametrize(
    "given_labels, app, project_src, color",
    [
        (labels("ours"), "store", None, "green"),
        (labels("ours"), "store", "/srv/store", "green"),
        (labels("ours"), "bank", "/srv/store", None),
        (labels("ours", oneoff="True"), "store", None, None),
        (labels("ours", hook="pre_start"), "store", None, None),
        (labels("hook"), "store", "/srv/store", None),
        (labels("by_hand"), "store", "/srv/store", "blue"),
        (labels("by_hand"), "store", "/srv/store/", "blue"),
        (labels("by_hand"), "store", "/srv/./store", "blue"),
        (labels("by_hand"), "store", "/srv/bank", None),
        (labels("by_hand"), "store", None, None),
        (labels("oneoff"), "store", "/srv/store", None),
        (inspected("docker_run")["Config"]["Labels"], "store", "/srv/store", None),
        ({}, "store", "/srv/store", None),
    ],
)
def test_whose_color_a_container_is(given_labels, app, project_src, color):
    assert containers.color_of(given_labels, app, project_src, FILES) == color


@pytest.mark.parametrize(
    "config_files, files, color",
    [
        ("compose.green-deploy.yml", FILES, "green"),  # as Compose 1 wrote it, relative to the project's directory
        ("/srv/store/base.yml,/srv/store/compose.blue-deploy.yml", FILES, "blue"),
        ("/srv/store/base.yml,/srv/store/compose.blue-deploy.yml", ["base.yml", *FILES], "blue"),
        ("/srv/store/base.yml", ["base.yml", *FILES], None),
        ("/srv/store/compose.blue-deploy.yml,/srv/store/compose.green-deploy.yml", FILES, None),
        ("", FILES, None),
        ("/srv/store/base.yml", ["base.yml"], "blue"),
        ("/srv/store/base.yml,/srv/store/more.yml", ["base.yml", "other.yml"], "blue"),
        ("/srv/store/more.yml", ["base.yml"], None),
    ],
)
def test_the_color_of_a_stack_by_its_files(config_files, files, color):
    started_by_hand = labels("by_hand", **{"project.config_files": config_files})
    assert containers.color_of(started_by_hand, "store", "/srv/store", files) == color


COMMON = ["compose.yml", "../common/logging.yml"]
STORE, BLOG, LOGGING = "/srv/store/compose.yml", "/srv/blog/compose.yml", "/srv/common/logging.yml"


@pytest.mark.parametrize(
    "directory, config_files, files, color",
    [
        ("/srv/store", [STORE, LOGGING], COMMON, "blue"),
        ("/srv/store", [LOGGING], COMMON, "blue"),  # --project-directory
        ("/srv/common", [LOGGING, STORE], COMMON, "blue"),
        ("/srv", [STORE, "/srv/debug.yml"], COMMON, "blue"),
        ("/srv/store/docker", ["/srv/store/docker/app.yml", "/srv/store/debug.yml"], ["docker/app.yml"], "blue"),
        ("/opt", ["/opt/store.yml"], ["/opt/store.yml"], "blue"),
        ("/srv/blog", [BLOG, LOGGING], COMMON, None),
        ("/srv/common", [LOGGING, BLOG], COMMON, None),
        ("/srv/blog", [BLOG, LOGGING], COMMON[::-1], None),
        ("/srv/blog", [BLOG, STORE], COMMON, None),
        ("/srv/blog", [BLOG, "/srv/common/blue.yml"], ["compose.yml", "../common/{color}.yml"], None),
        ("/srv/common", ["/srv/common/blue.yml", STORE], ["compose.yml", "../common/{color}.yml"], "blue"),
    ],
)
def test_a_file_in_common_makes_no_other_project_ours(directory, config_files, files, color):
    changes = {"project.working_dir": directory, "project.config_files": ",".join(config_files)}
    assert containers.color_of(labels("by_hand", **changes), "store", "/srv/store", files) == color


@pytest.mark.parametrize("project, color", [("store", "blue"), ("current", "blue"), ("blog", None)])
def test_a_link_to_a_common_file_belongs_to_its_project(tmp_path, project, color):
    for name in ("store", "blog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "compose.yml").symlink_to(tmp_path / "stack.yml")
    (tmp_path / "current").symlink_to("store")
    started_from = str(tmp_path / project)
    changes = {"project.working_dir": started_from, "project.config_files": f"{started_from}/compose.yml"}
    assert containers.color_of(labels("by_hand", **changes), "store", str(tmp_path / "store"), ["compose.yml"]) == color


def test_a_project_by_way_of_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "current").symlink_to("real")
    started_by_hand = labels("by_hand", **{"project.config_files": str(tmp_path / "real" / "compose.blue-deploy.yml")})
    assert containers.color_of(started_by_hand, "store", str(tmp_path / "current"), FILES) == "blue"


def test_both_colors_are_found_and_nobody_elses():
    engine = StandInEngine("ours", "ours_stopped", "by_hand", "by_hand_cache", "oneoff", "docker_run", "hook")
    found = containers.find_containers(engine, "store", "/srv/store", FILES)
    assert {color: [each["name"] for each in colored] for color, colored in found.items()} == {
        "blue": ["legacy-cache-blue-1", "legacy-was-blue-1"],
        "green": ["store-green-cache-green-1", "store-green-was-green-1"],
    }
    assert containers.find_containers(engine, "store")["blue"] == []
    assert containers.find_containers(engine, "bank") == {"blue": [], "green": []}


@pytest.mark.parametrize("shared", [(), ("was-blue",)])
def test_nginx_belongs_to_no_color(shared):
    engine = StandInEngine("ours", "by_hand", "by_hand_cache")
    nginx = inspected("by_hand")["Id"]
    colors, apart = containers.find_all_containers(engine, "store", "/srv/store", FILES, shared, edge=nginx)
    assert [each["name"] for each in colors["blue"]] == ["legacy-cache-blue-1"]
    assert apart == {name: [] for name in shared}


def test_one_that_goes_while_it_is_looked_at(monkeypatch):
    engine = StandInEngine("ours", "ours_stopped")
    listed = engine.list_containers([])
    engine.forget("store-green-was-green-1")
    monkeypatch.setattr(engine, "list_containers", lambda labels: listed)
    assert [each["name"] for each in containers.find_containers(engine, "store")["green"]] == [
        "store-green-cache-green-1"
    ]
