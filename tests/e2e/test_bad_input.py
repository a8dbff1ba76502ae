# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each variable, wrong: one run in which every host has another mistake, each refused before anything starts."""

from __future__ import annotations

import pytest
from sites import playbook

WEB = {"name": "web-{color}", "port": 3000}
# A name: the variables that are wrong, and the words that the message must have: the variable, the value, the remedy.
CASES = {
    "app-missing": ({"app": None}, ["bluegreen_app", "missing required"]),
    "app-upper": ({"app": "Shop"}, ["bluegreen_app is 'Shop'", "small letter"]),
    "app-underscore": ({"app": "my_shop"}, ["bluegreen_app is 'my_shop'", "'-'"]),
    "app-long": ({"app": "a" * 32}, ["bluegreen_app", "31 at most"]),
    "app-empty": ({"app": ""}, ["bluegreen_app is ''", "small letter"]),
    "app-newline": ({"app": "shop\n}"}, ["bluegreen_app", "small letter"]),
    "release-missing": ({"release": None}, ["bluegreen_release", "missing required"]),
    "release-empty": ({"release": ""}, ["bluegreen_release is ''", "letter or digit"]),
    "release-slash": ({"release": "../v1"}, ["bluegreen_release is '../v1'", "letter or digit"]),
    "release-newline": ({"release": "v1\n# generation: x"}, ["bluegreen_release", "letter or digit"]),
    "src-relative": ({"project_src": "srv/shop"}, ["bluegreen_project_src is 'srv/shop'", "absolute path"]),
    "src-missing": (
        {"project_src": "/nonexistent/shop"},
        ["bluegreen_project_src is '/nonexistent/shop'", "no such dir"],
    ),
    "files-empty": ({"compose_files": []}, ["bluegreen_compose_files has one file for both colors"]),
    "files-one-color": ({"compose_files": ["compose.yml"]}, ["bluegreen_compose_files", "{color}"]),
    "files-placeholder": (
        {"compose_files": ["compose.{colour}.yml"]},
        ["'compose.{colour}.yml'", "{colour} is not a pl"],
    ),
    "files-missing": (
        {"compose_files": ["gone.{color}.yml"]},
        ["bluegreen_compose_files", "gone.blue.yml", "not exist"],
    ),
    "files-dict": ({"compose_files": {"a": "b"}}, ["bluegreen_compose_files", "list"]),
    "env-text": ({"env": "not a mapping"}, ["bluegreen_env", "dict"]),
    "env-boolean": ({"env": {"DEBUG": False}}, ["bluegreen_env.DEBUG is a boolean; put it in quotes"]),
    "release-float": ({"release": 1.1}, ["bluegreen_release is 1.1, a number with a fraction", "put it in quotes"]),
    "env-file-missing": ({"env_files": ["gone.env"]}, ["bluegreen_env_files", "gone.env", "not exist"]),
    "services-missing": ({"services": None}, ["bluegreen_services", "missing required"]),
    "services-empty": ({"services": []}, ["bluegreen_services is []", "name at least one"]),
    "services-unknown": (
        {"services": [{**WEB, "name": "api-{color}"}]},
        ["no service api-", "web-", "bluegreen_services"],
    ),
    "services-plain-name": ({"services": [{**WEB, "name": "web"}]}, ["bluegreen_services is 'web'", "{color}"]),
    "services-placeholder": ({"services": [{**WEB, "name": "web-{colour}"}]}, ["{colour} is not a placeholder"]),
    "services-breaks-out": (
        {"services": [{**WEB, "name": "web-{color};}"}]},
        ["bluegreen_services is 'web-{color};}'"],
    ),
    "services-no-port": ({"services": [{"name": "web-{color}"}]}, ["port", "bluegreen_services"]),
    "services-port-text": ({"services": [{**WEB, "port": "http"}]}, ["port", "http"]),
    "services-port-range": ({"services": [{**WEB, "port": 70000}]}, ["bluegreen_services is 70000", "1 to 65535"]),
    "services-upstream": (
        {"services": [{**WEB, "upstream": "a; } x {"}]},
        ["bluegreen_services is 'a; } x {'", "upstream"],
    ),
    "services-one-upstream": (
        {"services": [{**WEB, "upstream": "up"}, {"name": "api-{color}", "port": 3001, "upstream": "up"}]},
        ["bluegreen_services is 'up'", "give each its own 'upstream'"],
    ),
    "services-unknown-key": ({"services": [{**WEB, "ports": 1}]}, ["bluegreen_services", "ports"]),
    "network-missing": ({"network": "e2e-no-such"}, ["bluegreen_network is 'e2e-no-such'", "docker network create"]),
    "network-other": ({"network": "bridge"}, ["bluegreen_network is 'bridge'", "docker network connect"]),
    "network-empty": ({"network": ""}, ["bluegreen_network is ''"]),
    "nginx-missing": (
        {"nginx_container": "e2e-no-such"},
        ["bluegreen_nginx_container is 'e2e-no-such'", "no such con"],
    ),
    "nginx-empty": ({"nginx_container": ""}, ["bluegreen_nginx_container is ''"]),
    "conf-relative": ({"nginx_conf_dir": "conf.d"}, ["bluegreen_nginx_conf_dir is 'conf.d'", "absolute path"]),
    "conf-missing": ({"nginx_conf_dir": "/nonexistent"}, ["bluegreen_nginx_conf_dir is '/nonexistent'", "no such dir"]),
    "conf-unseen": (
        {"nginx_conf_dir": "/usr/share"},
        ["bluegreen_nginx_conf_dir is '/usr/share'", "does not mount that"],
    ),
    "health-timeout-zero": ({"health_timeout": 0}, ["bluegreen_health_timeout is 0", "1 or more seconds"]),
    "health-timeout-text": ({"health_timeout": "soon"}, ["bluegreen_health_timeout", "soon"]),
    "stable-for-negative": ({"health_stable_for": -1}, ["bluegreen_health_stable_for is -1", "0 or more"]),
    "no-healthcheck": ({"no_healthcheck": "maybe"}, ["bluegreen_no_healthcheck", "maybe", "fail, running"]),
    "min-uptime-negative": ({"min_uptime": -1}, ["bluegreen_min_uptime is -1", "0 or more"]),
    "max-restarts-negative": ({"max_restarts": -1}, ["bluegreen_max_restarts is -1", "0 or more"]),
    "drain-timeout-negative": ({"drain_timeout": -1}, ["bluegreen_drain_timeout is -1", "0 or more"]),
    "retire": ({"retire": "burn"}, ["bluegreen_retire", "burn", "stop, keep, remove"]),
    "pull": ({"pull": "sometimes"}, ["bluegreen_pull", "sometimes", "always, missing, never"]),
    "pull-never-missing": ({"release": "v9"}, ["bluegreen_pull is 'never'", "app:v9", "load it"]),
    "keep-releases-zero": ({"keep_releases": 0}, ["bluegreen_keep_releases is 0", "1 or more"]),
    "state-relative": ({"state_dir": "state"}, ["bluegreen_state_dir is 'state'", "absolute path"]),
    "state-empty": ({"state_dir": ""}, ["bluegreen_state_dir is ''", "absolute path"]),
    "state-no-directory": (
        {"state_dir": "/proc/bluegreen"},
        ["bluegreen_state_dir", "/proc/bluegreen", "can't be written"],
    ),
}


@pytest.fixture(scope="module")
def site(site):
    site.image("v1")
    (site.conf / "site.conf").unlink()
    site.start_nginx()
    return site


@pytest.fixture(scope="module")
def run(site):
    """The one run; ``run.before`` and ``run.after`` are what the host was like."""
    (site.directory / "states").mkdir()
    hosts = {}
    for case, (wrong, _words) in CASES.items():
        variables = {**site.variables(release="v1"), "bluegreen_state_dir": str(site.directory / "states" / case)}
        variables.update({f"bluegreen_{name}": value for name, value in wrong.items()})
        hosts[case] = {name: value for name, value in variables.items() if value is not None}
    before = site.snapshot()
    run = playbook(site.directory / "bad", "deploy", hosts=hosts, environment={"ANSIBLE_FORKS": "4"})
    run.before, run.after = before, site.snapshot()
    return run


def test_nothing_is_left_behind(site, run):
    assert run.rc != 0
    assert run.after == run.before
    assert sorted(path.name for path in site.directory.iterdir()) == ["bad", "conf.d", "src", "states"]
    assert list((site.directory / "states").iterdir()) == []


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_with_one_clear_message(run, case):
    messages = run.messages(case)
    assert len(messages) == 1
    for word in CASES[case][1]:
        assert word in messages[0], messages[0]
    assert "Traceback" not in messages[0]
    assert run.summary[case]["changed"] == 0
    assert case not in run.results


def test_conf_dir_of_which_a_single_file_is_mounted(make_site):
    site = make_site("single-file")
    site.image("v1")
    (site.conf / "site.conf").write_text("server { listen 80; return 204; }\n")
    mounted = {str(site.conf / "site.conf"): {"bind": "/etc/nginx/conf.d/site.conf", "mode": "ro"}}
    site.start_nginx(volumes=mounted)
    before = site.snapshot()
    message = site.deploy("v1").failed().message
    for word in ("bluegreen_nginx_conf_dir", str(site.conf), "mount the directory itself"):
        assert word in message, word
    assert site.snapshot() == before


def test_conf_dir_that_nginx_does_not_include(make_site):
    site = make_site("not-included")
    site.image("v1")
    site.start_nginx(volumes={str(site.conf): {"bind": "/srv/elsewhere", "mode": "ro"}})
    before = site.snapshot()
    message = site.deploy("v1").failed().message
    for word in ("bluegreen_nginx_conf_dir", "does not include", "/srv/elsewhere/*.conf"):
        assert word in message, word
    assert site.snapshot() == before
