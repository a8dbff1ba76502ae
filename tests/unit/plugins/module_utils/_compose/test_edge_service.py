# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose.builds import build_file, release_builds
from ansible_collections.hotswap.compose.plugins.module_utils._compose.edge_service import (
    edge_service,
    refuse_named_edge,
    stack_network,
    without_edge,
)
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError


def config(**proxy):
    """What Compose renders of a stack that has nginx in it; ``proxy``: more of nginx's service."""
    return {
        "name": "shop-green",
        "services": {
            "web": {"image": "web", "networks": {"default": None}},
            "proxy": dict({"image": "nginx", "networks": {"default": None}}, **proxy),
        },
        "networks": {"default": {"name": "shop-green_default", "ipam": {}}},
    }


def on(service, **changes):
    """The stack with changes of another service than nginx's."""
    result = config()
    result["services"][service].update(changes)
    return result


@pytest.mark.parametrize(
    "proxy, started_as, found",
    [
        ({"container_name": "edge-nginx"}, None, "proxy"),  # not started yet, or started by the role
        ({}, "proxy", "proxy"),  # shop-proxy-1, as Compose calls it
        ({"container_name": "edge-nginx"}, "web", "proxy"),
        ({"container_name": "another"}, None, None),
        ({}, None, None),
        ({}, "gone", None),  # the service was renamed since
    ],
)
def test_the_service_that_is_nginx(proxy, started_as, found):
    assert edge_service(config(**proxy), "edge-nginx", started_as) == found


@pytest.mark.parametrize(
    "variable, value",
    [
        ("services", [{"name": "proxy", "port": 80}]),
        ("shared_services", ["proxy"]),
        ("exclusive_services", ["proxy"]),
    ],
)
def test_no_variable_names_nginx(variable, value):
    request = {"services": [{"name": "web", "port": 3000}], "shared_services": [], "exclusive_services": []}
    refuse_named_edge("proxy", request)
    with pytest.raises(
        ComposeError, match=f"bluegreen_{variable} names proxy, which is the service of nginx itself .* remove it"
    ):
        refuse_named_edge("proxy", dict(request, **{variable: value}))


def test_no_color_has_nginx():
    given = config(depends_on={"web": {"condition": "service_healthy"}})
    assert without_edge(given, "proxy") == {
        "name": "shop-green",
        "services": {"web": {"image": "web", "networks": {"default": None}}},
        "networks": {"default": {"name": "shop-green_default", "ipam": {}}},
    }
    assert "proxy" in given["services"]


@pytest.mark.parametrize(
    "given, left",
    [
        ({"depends_on": {"proxy": {}}}, {}),
        ({"depends_on": {"proxy": {}, "db": {}}}, {"depends_on": {"db": {}}}),
        ({"links": ["proxy", "proxy:proxy", "db:store"]}, {"links": ["db:store"]}),
        (
            {"network_mode": "service:db", "volumes_from": ["db"]},
            {"network_mode": "service:db", "volumes_from": ["db"]},
        ),
    ],
)
def test_what_depends_on_nginx_finds_it_running(given, left):
    web = without_edge(on("web", **given), "proxy")["services"]["web"]
    assert web == {"image": "web", "networks": {"default": None}, **left}


@pytest.mark.parametrize(
    "given, words",
    [
        ({"network_mode": "service:proxy"}, "network_mode service:proxy"),
        ({"pid": "service:proxy"}, "pid service:proxy"),
        ({"volumes_from": ["proxy:ro"]}, "volumes_from proxy:ro"),
        ({"links": ["proxy:gateway"]}, "links proxy:gateway"),
    ],
)
def test_what_a_color_can_t_have_of_nginx_is_refused(given, words):
    with pytest.raises(ComposeError, match=f"service web has {words}, but proxy is nginx .*; remove that line"):
        without_edge(on("web", **given), "proxy")


@pytest.mark.parametrize("scale", [{"scale": 2}, {"deploy": {"replicas": 2}}])
def test_nginx_has_one_container(scale):
    with pytest.raises(ComposeError, match="has 2 replicas, but a deploy reloads only one"):
        without_edge(config(**scale), "proxy")


def test_volumes_configs_and_secrets_of_nginx_alone_are_its_own():
    given = config(
        volumes=[
            {"type": "volume", "source": "certs", "target": "/certs"},
            {"type": "volume", "source": "static", "target": "/static"},
            {"type": "volume", "target": "/cache"},
            {"type": "bind", "source": "/srv/conf.d", "target": "/etc/nginx/conf.d"},
        ],
        configs=[{"source": "main", "target": "/etc/nginx/nginx.conf"}],
        secrets=[{"source": "key"}, {"source": "token"}],
    )
    given["services"]["web"].update(
        volumes=[{"type": "volume", "source": "static", "target": "/static"}], secrets=[{"source": "token"}]
    )
    given.update(volumes={"certs": {}, "static": {}}, configs={"main": {}}, secrets={"key": {}, "token": {}})
    left = without_edge(given, "proxy")
    assert (left["volumes"], left["configs"], left["secrets"]) == ({"static": {}}, {}, {"token": {}})


def test_a_secret_of_nginx_that_another_service_is_built_with_stays():
    given = config(secrets=[{"source": "token"}])
    given["services"]["web"]["build"] = {"context": "/srv/shop", "secrets": [{"source": "token"}]}
    given["secrets"] = {"token": {"file": "/srv/token"}}
    left = without_edge(given, "proxy")
    assert left["secrets"] == {"token": {"file": "/srv/token"}}
    params = {"app": "shop", "release": "v1", "compose_files": ["compose.yml"]}
    found = release_builds(left, params, "green", set(), {"web"})
    assert build_file(left, found, "shop-green")["secrets"] == left["secrets"]


@pytest.mark.parametrize(
    "network, project, found",
    [
        ("legacy_default", "legacy", ("default", "legacy_default")),
        ("edge", "legacy", None),  # nginx is on another one as well
        ("other_default", "legacy", None),
    ],
)
def test_the_network_of_the_stack_that_nginx_is_on(network, project, found):
    assert stack_network(config(), "proxy", network, project) == found


def test_a_network_with_a_name_of_its_own_is_as_the_file_says():
    given = config()
    given["networks"]["default"]["name"] = "legacy_default"
    assert stack_network(given, "proxy", "legacy_default", "legacy") is None


def test_services_are_on_the_network_of_the_stack_that_nginx_is_on():
    left = without_edge(config(), "proxy", ("default", "legacy_default"))
    assert left["networks"] == {"default": {"name": "legacy_default", "external": True}}
