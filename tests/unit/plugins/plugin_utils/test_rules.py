# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils import _options
from ansible_collections.hotswap.compose.plugins.plugin_utils import _rules


def sound(**changes):
    """What the entry point main hands in, with some of it changed."""
    return dict(
        {
            "app": "shop",
            "release": "v1",
            "project_src": "/srv/shop",
            "compose_files": ["compose.{color}-deploy.yml"],
            "services": [{"name": "was-{color}", "port": 3000}, {"name": "signal-{color}", "port": 3001}],
            "network": "edge",
            "nginx_container": "nginx",
            "nginx_conf_dir": "/etc/nginx/conf.d",
            "health_timeout": 120,
            "health_stable_for": 0,
            "no_healthcheck": "fail",
            "min_uptime": 10,
            "max_restarts": 0,
            "drain_timeout": 30,
            "retire": "stop",
            "pull": "always",
            "keep_releases": 3,
            "state_dir": "/var/lib/bluegreen",
            "report_dir": "",
        },
        **changes,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"app": "a", "release": "2026.01.31_7-rc.1"},
        {"app": "a" * 31, "release": "R" * 128},
        {"compose_files": ["compose.yml", "compose.{color}.yml"]},
        {"compose_files": ["{color}/compose.yml"]},
        {"services": [{"name": "{color}.Was_1", "port": 1}]},
        # Two ports of one service, each with its own upstream.
        {
            "services": [
                {"name": "was-{color}", "port": 3000},
                {"name": "was-{color}", "port": 3001, "upstream": "shop-signal"},
            ]
        },
        {"health_timeout": 1, "drain_timeout": 0, "keep_releases": 1},
        {"compose_files": ["compose.yml"], "services": [{"name": "web", "port": 80}], "shared_services": ["db"]},
        {"compose_files": [], "services": [{"name": "web", "port": 80}], "shared_services": ["db"]},
        {"exclusive_services": ["worker-{color}"]},
    ],
)
def test_what_is_sound_has_no_problems(changes):
    assert _rules.rule_problems(sound(**changes)) == []


def test_an_entry_point_is_judged_by_what_it_asks_for():
    assert _rules.rule_problems({"app": "shop", "nginx_conf_dir": "/etc/nginx/conf.d", "state_dir": "/var/lib/x"}) == []
    assert len(_rules.rule_problems({"app": "Shop", "state_dir": "x"})) == 2


def one(name, **more):
    return [dict({"name": name, "port": 3000}, **more)]


APP = "start with a small letter, then use small letters, digits and '-', 31 at most"
RELEASE = "start with a letter or digit, then use letters, digits, '.', '_' and '-', 128 at most"
SOCKET = (
    "give a socket of the target itself, such as unix:///run/user/1000/docker.sock. To use another host's Engine, "
    "make that host the target in the inventory"
)
PATH = "give the absolute path of a directory on the target"
UPSTREAM = "start upstream with a letter, then use letters, digits, '.', '_' and '-'"
LETTERS = "use letters, digits, '.', '_' and '-' around {color}"
BOTH = "must contain {color}, for example was-{color}; otherwise both colors would share one service name"


@pytest.mark.parametrize(
    "variable, value, message",
    [
        ("app", "", f"'': {APP}"),
        ("app", "Shop", f"'Shop': {APP}"),
        ("app", "my_shop", f"'my_shop': {APP}"),
        ("app", "1shop", f"'1shop': {APP}"),
        ("app", "shop\n", f"'shop\\n': {APP}"),
        ("app", "a" * 32, f"'{'a' * 32}': {APP}"),
        ("release", "", f"'': {RELEASE}"),
        ("release", "-v1", f"'-v1': {RELEASE}"),
        ("release", "v1 ; rm", f"'v1 ; rm': {RELEASE}"),
        ("release", "v1\n}", f"'v1\\n}}': {RELEASE}"),
        ("release", "v" * 129, f"'{'v' * 129}': {RELEASE}"),
        ("network", "a b", "'a b': give the name of the Docker network that nginx is on"),
        ("nginx_container", "", "'': give the name of the container that nginx runs in"),
        ("project_src", "shop", f"'shop': {PATH}"),
        ("project_src", "~/shop", f"'~/shop': {PATH}"),
        ("nginx_conf_dir", "", f"'': {PATH}"),
        ("state_dir", "./state", f"'./state': {PATH}"),
        ("docker_host", "tcp://192.0.2.1:2375", f"'tcp://192.0.2.1:2375': {SOCKET}"),
        ("docker_host", "ssh://far.example", f"'ssh://far.example': {SOCKET}"),
        ("report_dir", "pages", "'pages': give the absolute path of a directory on the controller"),
        (
            "compose_files",
            ["{color}.yml", "{env}.yml"],
            "'{env}.yml': {env} is not a placeholder; the only one is {color}",
        ),
        ("services", [], "[]: name at least one service that takes traffic, with its port"),
        ("services", one("was"), f"'was': {BOTH}"),
        (
            "services",
            one("was-{colour}"),
            "'was-{colour}': {colour} is not a placeholder; write {color}, in quotes: name: \"was-{color}\"",
        ),
        (
            "services",
            one("was-{color"),
            "'was-{color': {color is not a placeholder; write {color}, in quotes: name: \"was-{color}\"",
        ),
        ("services", one("{color}"), f"'{{color}}': {LETTERS}"),
        ("services", one("was {color}"), f"'was {{color}}': {LETTERS}"),
        ("services", one("a-{color}-{color}"), f"'a-{{color}}-{{color}}': {LETTERS}"),
        (
            "services",
            one("was--{color}"),
            "'was--{color}': nginx would look it up as shop-green-was-, which is not a valid host name; use at "
            "most 63 characters for app, color and service, and end with a letter or digit",
        ),
        (
            "services",
            one("w" * 53 + "-{color}"),
            f"'{'w' * 53}-{{color}}': nginx would look it up as shop-green-{'w' * 53}, which is not a valid host "
            "name; use at most 63 characters for app, color and service, and end with a letter or digit",
        ),
        ("services", one("was-{color}", port=0), "0: the port of was-{color} must be a number from 1 to 65535"),
        ("services", one("was-{color}", port=65536), "65536: the port of was-{color} must be a number from 1 to 65535"),
        ("services", one("was-{color}", upstream="a;}"), f"'a;}}': {UPSTREAM}"),
        ("services", one("was-{color}", upstream="1a"), f"'1a': {UPSTREAM}"),
        (
            "services",
            one("was-{color}", upstream="Shop") + one("signal-{color}", upstream="shop"),
            "'shop': was-{color} and signal-{color} have the same upstream; give each its own 'upstream'",
        ),
        (
            "services",
            one("was-{color}") + one("was-{color}", port=3001),
            "'shop-was': was-{color} and was-{color} have the same upstream; give each its own 'upstream'",
        ),
        # By one name on the network, the requests of both would go half and half to each.
        (
            "services",
            one("was-{color}") + one("was_{color}", upstream="other"),
            "'was_{color}': was-{color} and was_{color} both become was once {color} is removed; rename one",
        ),
        ("health_timeout", 0, "0: give 1 or more seconds"),
        ("health_stable_for", -1, "-1: give 0 or more seconds"),
        ("min_uptime", -1, "-1: give 0 or more seconds"),
        ("max_restarts", -1, "-1: give 0 or more restarts"),
        ("bake_seconds", -1, "-1: give 0 or more seconds"),
        ("bake_failures", -1, "-1: give 0 or more failures"),
        ("bake_error_ratio", -0.5, "-0.5: give 0 or more as the ratio"),
        ("drain_timeout", -1, "-1: give 0 or more seconds"),
        ("keep_releases", 0, "0: give 1 or more releases"),
    ],
)
def test_a_problem_names_variable_value_and_remedy(variable, value, message):
    assert _rules.rule_problems(sound(**{variable: value})) == [f"bluegreen_{variable} is {message}"]


SMOKE_TEST = {
    "service": "was-{color}",
    "path": "/health?deep=1",
    "method": "GET",
    "headers": {"Authorization": "Bearer a b"},
    "status": 200,
    "retries": 3,
}


@pytest.mark.parametrize(
    "changed, problem",
    [
        ({}, None),
        ({"service": "api-{color}"}, "'api-{color}': service must be one of bluegreen_services, written as there: "),
        ({"path": "health"}, "'health': path must begin with '/'"),
        ({"path": "/a b"}, "'/a b': path must begin with '/'"),
        ({"path": "/ä"}, "'/ä': path must begin with '/'"),
        ({"method": "GET /x"}, "'GET /x': give method as one word"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "'X-A': give headers as name: value, each value one line of ASCII"),
        ({"headers": {"X A": "1"}}, "'X A': give headers as"),
        ({"headers": {"X-Number": 7}}, None),
        ({"status": 99}, "99: status must be a number from 100 to 599"),
        ({"retries": -1}, "-1: give 0 or more retries"),
    ],
)
def test_smoke_tests(changed, problem):
    found = _rules.rule_problems(sound(smoke_tests=[dict(SMOKE_TEST, **changed)]))
    assert len(found) == (problem is not None)
    if problem:
        assert found[0].startswith(f"bluegreen_smoke_tests is {problem}")


@pytest.mark.parametrize(
    "migrate, problems",
    [
        ({}, []),
        ({"service": "was-{color}", "command": "./manage.py migrate"}, []),
        ({"service": "was-{color}", "command": " "}, ["' ': give the command to run"]),
        ({"service": "was-{color}"}, ["None: give the command to run"]),
        (
            {"service": "was-{color}", "command": "a 'b"},
            ["\"a 'b\": the command can't be split into words: No closing quotation; fix it"],
        ),
    ],
)
def test_a_migration(migrate, problems):
    found = _rules.rule_problems(sound(migrate=migrate))
    assert found == [f"bluegreen_migrate is {problem}" for problem in problems]


def test_a_migration_of_a_service_that_is_none():
    (found,) = _rules.rule_problems(sound(migrate={"service": "was", "command": "true"}))
    assert found.startswith("bluegreen_migrate is 'was': service must be one of bluegreen_services")


def test_hooks_are_absolute_paths():
    assert _rules.rule_problems(sound(hooks={"on_failure": "/srv/hooks/notify.yml"})) == []
    (found,) = _rules.rule_problems(sound(hooks={"on_failure": "notify.yml"}))
    assert found.startswith(
        "bluegreen_hooks is 'notify.yml': give the absolute path of a file of tasks on the controller for on_failure"
    )


def test_each_option_of_an_upstream_is_named_with_its_service():
    service = {"name": "was-{color}", "port": 3000, "upstream_options": {"fail_timeout": "1 min"}}
    assert _rules.rule_problems({"app": "shop", "services": [service]}) == [
        "bluegreen_services is '1 min': upstream_options.fail_timeout of was-{color}: give one time with its unit, "
        "for example 10s or 1m"
    ]


def published(blue, green, name="was-{color}"):
    return {"name": name, "port": 3000, "publish": {"blue": blue, "green": green}}


@pytest.mark.parametrize(
    "mode, services, problems",
    [
        ("host", [published(13000, 23000), published(13001, 23001, "signal-{color}")], []),
        (
            "host",
            one("was-{color}"),
            [
                "'was-{color}': nginx on the host reaches a service by a host port for each color; add for example "
                "publish: {blue: 13000, green: 23000}"
            ],
        ),
        (
            "container",
            [published(1, 2)],
            ["'was-{color}': 'publish' needs bluegreen_nginx_mode: host; remove publish"],
        ),
        ("host", [published(0, 23000)], ["0: publish.blue of was-{color} must be a port from 1 to 65535"]),
        (
            "host",
            [published(13000, 13000)],
            ["13000: was-{color} and was-{color} both publish this port; give each its own"],
        ),
        (
            "host",
            [published(13000, 23000), published(33000, 13000, "signal-{color}")],
            ["13000: was-{color} and signal-{color} both publish this port; give each its own"],
        ),
    ],
)
def test_ports_for_an_nginx_on_the_host(mode, services, problems):
    found = _rules.rule_problems(sound(nginx_mode=mode, services=services))
    assert found == [f"bluegreen_services is {problem}" for problem in problems]


def test_no_nginx_on_the_host_is_managed():
    asked = sound(nginx_mode="host", nginx_manage=True, services=[published(13000, 23000)])
    assert _rules.rule_problems(asked) == [
        "bluegreen_nginx_manage is True: the role runs no nginx on the host; install nginx, remove this variable"
    ]
    assert _rules.rule_problems(sound(nginx_mode="container", nginx_manage=True)) == []
    assert _rules.rule_problems(dict(asked, nginx_manage=False)) == []


@pytest.mark.parametrize("host", [None, "", "shop.example", "shop.example:8443", "[::1]:80"])
@pytest.mark.parametrize("url", ["http://127.0.0.1", "https://shop.example:8443/path?x", "http://[::1]:80/"])
def test_where_the_app_is_reached(url, host):
    assert _rules.rule_problems(sound(edge_url=_options.without_unset({"url": url, "host": host}))) == []


@pytest.mark.parametrize("host", ["a b", "a\r\nX-Evil: 1", "ä", "a/", "http://a"])
def test_a_host_that_cannot_be_sent(host):
    remedy = "give host as a host name, with :port if the Host header has one"
    asked = {"url": "http://127.0.0.1/", "host": host}
    assert _rules.rule_problems(sound(edge_url=asked)) == [f"bluegreen_edge_url is {host!r}: {remedy}"]


@pytest.mark.parametrize(
    "url",
    ["shop.example", "ftp://shop.example", "http://", "http://a b", None, "", "http:///a", "http://:80/", "http://a:b/"]
    + ["http://a:99999/", "http://a:0/", "http://[::1/", "http://a/b c", "http://a/\n", "http://a/ä"],
)
def test_where_nothing_is_reached(url):
    remedy = "give a URL with http:// or https:// by which the target reaches nginx"
    assert _rules.rule_problems(sound(edge_url={"url": url})) == [f"bluegreen_edge_url is {url!r}: {remedy}"]


def test_a_vhost_goes_by_the_services():
    vhost = {"server_names": ["shop.example"], "locations": [{"path": "/", "service": "web-{color}"}]}
    assert _rules.rule_problems(sound(vhost=vhost)) == [
        "bluegreen_vhost is 'web-{color}': locations.service: give a name from bluegreen_services: was-{color}, "
        "signal-{color}"
    ]


TWICE = "; name it in one of the two"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"shared_services": ["web"]}, f"bluegreen_shared_services is 'web': it is also in bluegreen_services{TWICE}"),
        (
            {"shared_services": ["db"], "exclusive_services": ["db"]},
            f"bluegreen_exclusive_services is 'db': it is also in bluegreen_shared_services{TWICE}",
        ),
        (
            {"exclusive_services": ["worker-{color}"]},
            "bluegreen_exclusive_services is 'worker-{color}': bluegreen_compose_files has one file for both colors, "
            "so its service names have no color; remove {color}",
        ),
        (
            {"services": one("web-{color}")},
            "bluegreen_services is 'web-{color}': bluegreen_compose_files has one file for both colors, so its service "
            "names have no color; remove {color}",
        ),
    ],
)
def test_one_ordinary_file(changes, message):
    ordinary = sound(compose_files=["compose.yml"], services=one("web"))
    assert _rules.rule_problems(ordinary) == []
    assert _rules.rule_problems(dict(ordinary, **changes)) == [message]


def test_a_file_for_each_color_shares_no_services():
    (problem,) = _rules.rule_problems(sound(shared_services=["db-{color}"]))
    assert problem.startswith(
        "bluegreen_shared_services is ['db-{color}']: with one Compose file for each color, shared"
    )


def test_all_problems_are_told_at_once():
    assert (
        len(_rules.rule_problems(sound(app="Shop", state_dir="x", services=one("was") + one("a-{color}", port=0)))) == 4
    )


def probe(**changes):
    known = {"status": [200], "headers": {}, "interval": 1, "timeout": 2, "healthy_after": 1, "unhealthy_after": 3}
    return {**known, **changes}


@pytest.mark.parametrize(
    "given", [{}, {"path": "/health?full=1", "port": 9000, "status": [200, 301], "headers": {"Host": "a.example"}}]
)
def test_a_sound_probe(given):
    assert _rules.rule_problems(sound(services=one("was-{color}", probe=probe(**given)))) == []


@pytest.mark.parametrize(
    "given, words",
    [
        ({"path": "health"}, "'health': the path of the probe of was-{color} must begin with '/'"),
        ({"path": ""}, "'': the path of the probe of was-{color} must begin with '/'"),
        ({"headers": {"X-A": "secret"}}, "'was-{color}': its probe has headers but no path"),
        ({"path": "/", "headers": {"X-A": "secret\r\nX-B: 2"}}, "'X-A': give headers of the probe of was-{color}"),
        ({"port": 0}, "0: the port of the probe of was-{color}"),
        ({"status": []}, "[]: give status of the probe of was-{color}"),
        ({"status": [200, 20]}, "[200, 20]: give status of the probe of was-{color}"),
        ({"interval": 0}, "0: interval of the probe of was-{color} must be 0.1 or more"),
        ({"timeout": float("nan")}, "nan: timeout of the probe of was-{color} must be 0.1 or more"),
        ({"healthy_after": 0}, "0: healthy_after of the probe of was-{color} must be 1 or more"),
        ({"unhealthy_after": 0}, "0: unhealthy_after of the probe of was-{color} must be 1 or more"),
    ],
)
def test_a_probe_that_is_refused(given, words):
    (problem,) = _rules.rule_problems(sound(services=one("was-{color}", probe=probe(**given))))
    assert problem.startswith(f"bluegreen_services is {words}")
    assert "secret" not in problem
