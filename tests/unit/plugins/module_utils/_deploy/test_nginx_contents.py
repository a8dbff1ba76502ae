# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy.nginx_contents import NginxContents, server_text
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.app_file import with_marks
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.tests.unit.stand_ins import HOST_SERVICES, SERVICES, container, stack

FOLLOWS, OLDER = (1, 27, 3), (1, 27, 2)
VHOST = {"server_names": ["shop.example"]}
HEADER = {"header": {"name": "X-Preview", "value": "0123456789abcdef"}}
BLUE, GREEN = stack("blue"), stack("green", release="v2")
SERVER = "server {\n}\n"


def by_hand(**changes):
    return stack("blue", ours=False, **changes)


def contents(tmp_path, active=None, containers=(), services=None, server="", options=None, **changes):
    """Return the NginxContents of an app of which ``active``, with ``containers``, has the traffic."""
    request = {"app": "shop", "network": "edge", "nginx_mode": "container", "vhost": {}, "preview": {}, "edge_url": {}}
    now = {"active": active, "active_containers": list(containers), "text": None, "nginx_version": FOLLOWS}
    state, edge = AppState(str(tmp_path), "shop"), {"resolver": "127.0.0.11", "address": "172.18.0.2"}
    edge.update({key: changes.pop(key) for key in list(changes) if key in edge})
    request.update({key: changes.pop(key) for key in list(changes) if key in request})
    now = types.SimpleNamespace(**{**now, **changes}, state=state, edge=types.SimpleNamespace(**edge), server=server)
    services = services or SERVICES
    request["services"] = [dict(service, upstream_options=options) for service in services]
    return NginxContents(request, services, services, now)


def planned(found, *plan):
    """Return the fields of a plan of a release that runs with today's services."""
    return found.for_plan(*plan, found.services)


def upstream(name, *lines, followed=True):
    zone = [f"zone {name} 64k;", "resolver 127.0.0.11 valid=2s ipv6=off;"] if followed else []
    return "".join([f"upstream {name} {{\n", *(f"    {line}\n" for line in [*zone, *lines]), "}\n"])


def file(color, release, *blocks):
    return (
        "# Where nginx sends the requests of shop. Written by hotswap.compose; the next deploy replaces it.\n"
        f"# color: {color}\n# release: {release}\n" + "".join(blocks)
    )


def followed(color, release):
    return file(
        *(color, release),
        upstream("shop-was", f"server shop-{color}-was:3000 resolve;"),
        upstream("shop-signal", f"server shop-{color}-signal:3001 resolve;"),
    )


def looked_up(color, release):
    """The file of an nginx that looks names up only when it loads."""
    return file(
        *(color, release),
        upstream("shop-was", f"server shop-{color}-was:3000;", followed=False),
        upstream("shop-signal", f"server shop-{color}-signal:3001;", followed=False),
    )


def on_host(color, release):
    ports = {"blue": (13000, 13001), "green": (23000, 23001)}[color]
    return file(
        *(color, release),
        upstream("shop-was", f"server 127.0.0.1:{ports[0]};", followed=False),
        upstream("shop-signal", f"server 127.0.0.1:{ports[1]};", followed=False),
    )


BY_HAND = file(
    *("blue", "not known"),
    upstream("shop-was", "server was-blue:3000;"),
    upstream("shop-signal", "server signal-blue:3001;"),
)


def introduced(*servers):
    """The file of blue that has nginx follow the names of green."""
    was, signal = (list(lines) for lines in servers)
    return file(
        *("blue", "v1"),
        upstream("shop-was", *was, "server shop-green-was:3000 resolve down;"),
        upstream("shop-signal", *signal, "server shop-green-signal:3001 resolve down;"),
    )


BEFORE_IT_IS_FOLLOWED = introduced(
    ["server shop-blue-was:3000;", "server shop-blue-was:3000 resolve down;"],
    ["server shop-blue-signal:3001;", "server shop-blue-signal:3001 resolve down;"],
)
ONCE_IT_IS_FOLLOWED = introduced(["server shop-blue-was:3000 resolve;"], ["server shop-blue-signal:3001 resolve;"])
HOST = {"services": HOST_SERVICES, "nginx_mode": "host", "resolver": None}
TEXTS = ("content", "previous_content", "introduction")


@pytest.mark.parametrize(
    "now, plan, texts",
    [
        # a first deploy
        ({}, ("blue", "v1", []), (followed("blue", "v1"), "", "")),
        ({"nginx_version": OLDER}, ("blue", "v1", []), (looked_up("blue", "v1"), "", "")),
        (HOST, ("blue", "v1", []), (on_host("blue", "v1"), "", "")),
        # the next one
        (
            {"active": "blue", "containers": BLUE},
            ("green", "v2", []),
            (followed("green", "v2"), followed("blue", "v1"), BEFORE_IT_IS_FOLLOWED),
        ),
        (
            {"active": "blue", "containers": BLUE, "text": followed("blue", "v1")},
            ("green", "v2", []),
            (followed("green", "v2"), followed("blue", "v1"), ONCE_IT_IS_FOLLOWED),
        ),
        (
            {"active": "blue", "containers": BLUE, "nginx_version": OLDER},
            ("green", "v2", GREEN),
            (looked_up("green", "v2"), looked_up("blue", "v1"), ""),
        ),
        (
            {"active": "blue", "containers": BLUE, **HOST},
            ("green", "v2", []),
            (on_host("green", "v2"), on_host("blue", "v1"), ""),
        ),
        # the active color again
        (
            {"active": "blue", "containers": BLUE},
            ("blue", "v1", BLUE),
            (followed("blue", "v1"), followed("blue", "v1"), ""),
        ),
        # a stack that was started by hand: nginx looks its names up when it loads
        (
            {"active": "green", "containers": GREEN},
            ("blue", "", by_hand()),
            (
                BY_HAND,
                followed("green", "v2"),
                file(
                    *("green", "v2"),
                    upstream(
                        *("shop-was", "server shop-green-was:3000;", "server shop-green-was:3000 resolve down;"),
                        "server was-blue:3000 down;",
                    ),
                    upstream(
                        *("shop-signal", "server shop-green-signal:3001;"),
                        *("server shop-green-signal:3001 resolve down;", "server signal-blue:3001 down;"),
                    ),
                ),
            ),
        ),
    ],
)
def test_texts(tmp_path, now, plan, texts):
    fields = planned(contents(tmp_path, **now), *plan)
    for name, text in zip(TEXTS, texts):
        assert fields[name] == text, name


def test_each_text_ends_with_the_server_block(tmp_path):
    fields = planned(contents(tmp_path, "blue", BLUE, server=SERVER), "green", "v2", [])
    assert [fields[name].endswith("}\n" + SERVER) for name in TEXTS] == [True] * 3


def test_options_of_today_are_in_each_text(tmp_path):
    options = {"balance": "least_conn", "max_fails": 0}
    found = contents(tmp_path, "blue", BLUE, options=options, nginx_version=(1, 30, 6))
    for name in TEXTS:
        text = planned(found, "green", "v2", [])[name]
        assert text.count("    least_conn;\n") == text.count("    keepalive_timeout 4s;\n") == 2, name
        assert text.count(" max_fails=0") == text.count("    server "), name


@pytest.mark.parametrize(
    "written, options, version, current",
    [
        (None, None, FOLLOWS, True),
        (None, {"balance": "ip_hash"}, FOLLOWS, False),
        ({"balance": "ip_hash"}, {"balance": "ip_hash"}, FOLLOWS, True),
        ({"balance": "ip_hash"}, None, FOLLOWS, False),
        (None, None, (1, 30, 6), True),
        (None, {"keepalive_timeout": "1s"}, (1, 30, 6), False),
    ],
)
def test_a_change_of_options_alone_asks_for_a_reload(tmp_path, written, options, version, current):
    before = contents(tmp_path, options=written, nginx_version=version)
    text = with_marks(planned(before, "blue", "v1", BLUE)["content"], PROVED)
    found = contents(tmp_path, "blue", BLUE, text=text, options=options, nginx_version=version)
    found.now.state.create()
    found.now.state.save(proved=PROVED)
    assert found.is_current() is current


def targets(*places):
    return [
        {"name": name, "targets": [{"host": host, "port": port}]}
        for name, (host, port) in zip(("shop-was", "shop-signal"), places)
    ]


IDLE = targets(("shop-green-was", 3000), ("shop-green-signal", 3001))


@pytest.mark.parametrize(
    "now, expected",
    [
        ({}, [[], []]),
        (
            {"active": "blue", "containers": BLUE},
            [[{"host": "shop-blue-was", "port": 3000}], [{"host": "shop-blue-signal", "port": 3001}]],
        ),
        (
            {"active": "blue", "containers": by_hand()},
            [
                [{"host": "was-blue", "port": 3000, "at_load": True}],
                [{"host": "signal-blue", "port": 3001, "at_load": True}],
            ],
        ),
    ],
)
def test_upstreams_have_the_targets_of_both_colors(tmp_path, now, expected):
    upstreams = planned(contents(tmp_path, **now), "green", "v2", [])["upstreams"]
    assert upstreams == [dict(each, active_targets=active, options={}) for each, active in zip(IDLE, expected)]


@pytest.mark.parametrize(
    "now, endpoints",
    [
        ({}, []),
        ({"active": "blue", "containers": BLUE}, ["10.0.0.2:3000", "10.0.0.3:3001"]),
        ({"active": "blue", "containers": BLUE, "network": "another"}, []),
        (
            {"active": "blue", "containers": [*BLUE, container("cache-blue", "10.0.0.4")]},
            ["10.0.0.2:3000", "10.0.0.3:3001"],
        ),
        ({"active": "blue", "containers": BLUE, **HOST}, ["127.0.0.1:13000", "127.0.0.1:13001"]),
        (
            {"active": "blue", "containers": by_hand(published={3000: 8000, 3001: 8001}), **HOST},
            ["127.0.0.1:8000", "127.0.0.1:8001"],
        ),
    ],
)
def test_endpoints_of_the_active_color(tmp_path, now, endpoints):
    found = contents(tmp_path, **now)
    assert found.active_endpoints() == endpoints
    assert planned(found, "green", "v2", [])["previous_endpoints"] == endpoints


@pytest.mark.parametrize(
    "preview, parts",
    [
        ({}, None),
        (HEADER, None),
        (
            {"listen": "127.0.0.1:8081"},
            ["listen 127.0.0.1:8081;", "server_name shop.example;", "proxy_pass http://shop-was-preview;"],
        ),
    ],
)
def test_preview_server(tmp_path, preview, parts):
    server = planned(contents(tmp_path, preview=preview, vhost=VHOST), "green", "v2", [])["preview_server"]
    if parts is None:
        assert server == ""
        return
    assert server.startswith("server {\n")
    assert [part for part in parts if part not in server] == []
    assert server.count("listen ") == 1


GIVEN = {"url": "https://shop.example/up", "host": "shop.example"}
DERIVED = {"url": "http://172.18.0.2:80/", "host": "shop.example"}


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, None),
        ({"vhost": VHOST}, DERIVED),
        ({"vhost": VHOST, "edge_url": GIVEN}, GIVEN),
        ({"edge_url": GIVEN}, GIVEN),
        ({"vhost": VHOST, "edge_url": {"url": None, "host": None}}, DERIVED),
        ({"vhost": VHOST, "edge_url": {"host": "other.example"}}, DERIVED),
        ({"vhost": VHOST, "address": None}, None),
    ],
)
def test_edge_url(tmp_path, changes, expected):
    assert planned(contents(tmp_path, **changes), "blue", "v1", [])["edge_url"] == expected


PROVED = "g1"


@pytest.mark.parametrize(
    "text, proved, more, current",
    [
        (with_marks(followed("blue", "v1"), PROVED), PROVED, {}, True),
        (with_marks(followed("blue", "v1") + SERVER, PROVED), PROVED, {"server": SERVER}, True),
        (with_marks(on_host("blue", "v1"), PROVED), PROVED, HOST, True),
        (with_marks(followed("blue", "v2"), PROVED), PROVED, {"containers": stack("blue", release="v2")}, True),
        (None, PROVED, {}, False),
        (None, None, {}, False),
        # nginx was not seen to have loaded this file
        (with_marks(followed("blue", "v1"), PROVED), None, {}, False),
        (with_marks(followed("blue", "v1"), PROVED), "g0", {}, False),
        (followed("blue", "v1"), PROVED, {}, False),
        # another file
        (with_marks(followed("blue", "v0"), PROVED), PROVED, {}, False),
        (with_marks(followed("green", "v1"), PROVED), PROVED, {}, False),
        (with_marks(followed("blue", "v1"), PROVED), PROVED, {"server": SERVER}, False),
        (with_marks(followed("blue", "v1"), PROVED), PROVED, {"resolver": "127.0.0.1"}, False),
        (with_marks(looked_up("blue", "v1"), PROVED), PROVED, {}, False),  # nginx was updated
        # an older nginx has to load the addresses of today
        (with_marks(looked_up("blue", "v1"), PROVED, ["10.0.0.3", "10.0.0.2"]), PROVED, {"nginx_version": OLDER}, True),
        (with_marks(looked_up("blue", "v1"), PROVED, ["10.0.0.9"]), PROVED, {"nginx_version": OLDER}, False),
        (with_marks(looked_up("blue", "v1"), PROVED), PROVED, {"nginx_version": OLDER}, False),
    ],
)
def test_whether_nginx_has_loaded_the_file_that_the_active_color_needs(tmp_path, text, proved, more, current):
    found = contents(tmp_path, "blue", text=text, **{"containers": BLUE, **more})
    found.now.state.create()
    found.now.state.save(proved=proved)
    assert found.is_current() is current


@pytest.mark.parametrize(
    "vhost, preview, parts",
    [
        ({}, {}, []),
        (VHOST, {}, ["server {\n", "proxy_pass http://shop-was;"]),
        ({}, HEADER, ["# preview: closed\n", "map $host $bluegreen_shop_was {\n    default shop-was;\n}\n"]),
        (VHOST, HEADER, ["# preview: closed\n", "$bluegreen_shop_signal", "proxy_pass http://$bluegreen_shop_was;"]),
        (VHOST, {"listen": "8081"}, ["# preview: closed\n# end of preview\n", "proxy_pass http://shop-was;"]),
    ],
)
def test_what_the_file_has_after_its_upstreams(vhost, preview, parts):
    text = server_text("shop", {"vhost": vhost, "preview": preview}, SERVICES)
    assert [part for part in parts if part not in text] == []
    assert bool(text) == bool(parts)
    assert "0123456789abcdef" not in text  # the preview's value is a secret
