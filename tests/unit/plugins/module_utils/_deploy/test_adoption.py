# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy.adoption import (
    keeps_gateway,
    missing_connections,
    refuse_colors_project,
    refuse_direct_proxy,
)
from ansible_collections.hotswap.compose.plugins.module_utils._errors import PlanError
from ansible_collections.hotswap.compose.plugins.module_utils._names import named_services

SERVICES = named_services("shop", [{"name": "web", "port": 3000}])


def by_hand(number=1, published=None, **networks):
    """A container of the service web; ``networks``: ``{network: names}``."""
    return {
        "id": f"web-{number}-id",
        "name": f"legacy-web-{number}",
        "service": "web",
        "app": None,
        "networks": {network: {"addresses": ["10.0.0.2"], "names": names} for network, names in networks.items()},
        "published": {3000: published} if published else {},
    }


@pytest.mark.parametrize(
    "networks, missing",
    [
        ([{"edge": ["web", "legacy-web-1"]}], []),
        ([{"edge": ["shop-blue-web"]}], []),
        ([{"front": ["web"]}], []),  # nginx is there too
        ([{"edge": ["legacy-web-1"]}], ["legacy-web-1 shop-blue-web"]),  # docker network connect without --alias
        ([{"back": ["web"]}], ["legacy-web-1 shop-blue-web"]),
        ([{}], ["legacy-web-1 shop-blue-web"]),
        ([{"back": ["web"]}, {"back": ["web"]}], ["legacy-web-1 shop-blue-web", "legacy-web-2 shop-blue-web"]),
        ([{"edge": ["web"]}, {"back": ["web"]}], ["legacy-web-2 web"]),  # nginx asks for one name
        ([{"edge": ["shop-blue-web"]}, {"back": ["web"]}], ["legacy-web-2 shop-blue-web"]),
        ([{"edge": ["shop-blue-web"]}, {"edge": ["web", "shop-blue-web"]}], []),
    ],
)
def test_containers_that_nginx_does_not_find(networks, missing):
    containers = [by_hand(number, **each) for number, each in enumerate(networks, 1)]
    found = missing_connections("shop", "blue", containers, SERVICES, "edge", ["edge", "front"])
    assert [f"{container['name']} {name}" for container, name in found] == missing


@pytest.mark.parametrize(
    "joined, network, keeps",
    [
        ({"back": {"Gateway": "10.0.0.1"}}, "edge", True),
        ({"shop_default": {"Gateway": "10.0.0.1"}}, "edge", False),
        ({"shop_default": {"Gateway": "10.0.0.1"}, "back": {"Gateway": "10.1.0.1"}}, "edge", True),
        ({"back": {"Gateway": ""}, "shop_default": {"Gateway": "10.0.0.1"}}, "edge", False),  # back is internal
        ({"shop_default": {"Gateway": "10.0.0.1", "GwPriority": 1}}, "edge", True),
        ({"back": {"Gateway": "10.0.0.1", "GwPriority": -1}}, "edge", False),
        ({"back": {"Gateway": ""}}, "edge", False),  # it has none, and would get one
    ],
)
def test_whether_a_container_keeps_its_gateway(joined, network, keeps):
    assert keeps_gateway(joined, network) is keeps


@pytest.mark.parametrize("host", ["web:3000", "legacy-web-1:3000", "127.0.0.1:8000", "host.docker.internal:8000"])
def test_requests_that_go_past_the_upstream_are_refused(host):
    hosts = [("/etc/nginx/conf.d/site.conf", 7, host)]
    with pytest.raises(PlanError) as error:
        refuse_direct_proxy(
            hosts, [by_hand(published=8000, back=["web", "legacy-web-1"])], SERVICES, "blue", ["shop-web"]
        )
    assert str(error.value) == (
        f"/etc/nginx/conf.d/site.conf:7 sends requests to {host}, a container started by hand that this deploy would "
        "stop; use the upstream there instead (proxy_pass http://shop-web;), do not reload nginx, and deploy again"
    )


@pytest.mark.parametrize("host", ["shop-web:80", "web:3001", "other:3000", "127.0.0.1:3000"])
def test_requests_that_go_elsewhere(host):
    hosts = [("/etc/nginx/conf.d/site.conf", 7, host)]
    refuse_direct_proxy(hosts, [by_hand(published=8000, back=["web"])], SERVICES, "blue", ["shop-web"])


@pytest.mark.parametrize(
    "host, upstream, refused",
    [
        ("shop-web", "shop-web", False),
        ("web", "web", False),
        ("web", "Web", False),
        ("shop-web:80", "shop-web", True),  # nginx refuses a port of an upstream
        ("web", "shop-web", True),
        ("shop-web", "web", True),
    ],
)
def test_a_container_with_the_name_of_an_upstream(host, upstream, refused):
    services = named_services("shop", [{"name": "web", "port": 80, "upstream": upstream}])
    containers = [dict(by_hand(back=["web"]), name="shop-web")]
    hosts = [("/etc/nginx/conf.d/site.conf", 7, host)]
    with pytest.raises(PlanError, match=f" to {host}, a container") if refused else contextlib.nullcontext():
        refuse_direct_proxy(hosts, containers, services, "blue", [upstream])


@pytest.mark.parametrize("project", ["shop-blue", "shop-green"])
def test_what_goes_on_is_in_no_project_of_a_color(project):
    refuse_colors_project("shop", [("nginx", "shop"), ("nginx", None)])
    with pytest.raises(PlanError, match=f"nginx belongs to the Compose project {project}, .* set bluegreen_app"):
        refuse_colors_project("shop", [("nginx", project)])
