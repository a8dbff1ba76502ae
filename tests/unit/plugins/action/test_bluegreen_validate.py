# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib
from types import SimpleNamespace

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.playbook.role_include import IncludeRole
from ansible.template import Templar
from ansible.vars.manager import VariableManager

from ansible_collections.hotswap.compose.plugins.action.bluegreen_validate import ActionModule

try:
    from ansible.template import trust_as_template

    ALWAYS_THERE = {"ansible_run_tags": ["all"], "ansible_skip_tags": []}
except ImportError:  # before ansible-core 2.19 every text may be a template

    def trust_as_template(text):
        return text

    ALWAYS_THERE = {
        "omit": "__omit_place_holder__of_this_run",
        "ansible_run_tags": ["all"],
        "ansible_skip_tags": [],
    }


ROLE = pathlib.Path(__file__).parents[4] / "roles" / "bluegreen"

SOUND = {
    "bluegreen_app": "shop",
    "bluegreen_release": "v1",
    "bluegreen_project_src": "/srv/shop",
    "bluegreen_compose_files": ["compose.{color}-deploy.yml"],
    "bluegreen_services": [{"name": "was-{color}", "port": 3000}],
}


def validated(variables, entry_point="main", role=ROLE):
    """Run the plugin as the role does; return the settings."""
    return ran(variables, entry_point, role)["settings"]


def ran(variables, entry_point="main", role=ROLE):
    """Run the plugin as the role does; return its result."""
    variables = {**ALWAYS_THERE, "inventory_hostname": "web1", "ansible_play_hosts_all": ["web1"], **variables}
    loader = DataLoader()
    task = SimpleNamespace(
        args={"entry_point": entry_point},
        async_val=0,
        check_mode=False,
        diff=False,
        action="hotswap.compose.bluegreen_validate",
        _role=SimpleNamespace(_role_path=str(role)) if role else None,
        _get_parent_attribute=lambda name, omit: None,
        copy=lambda: SimpleNamespace(evaluate_tags=lambda only, skip, variables: "none" not in only),
        register=None,
        any_errors_fatal=variables.get("any_errors_fatal", False),
        get_play=lambda: SimpleNamespace(max_fail_percentage=variables.get("max_fail_percentage")),
        get_first_parent_include=lambda: variables.get("include"),
    )
    plugin = ActionModule(
        task=task,
        connection=SimpleNamespace(_shell=SimpleNamespace(tmpdir="")),
        play_context=SimpleNamespace(check_mode=False),
        loader=loader,
        templar=Templar(loader=loader, variables=variables),
        shared_loader_obj=None,
    )
    result = plugin.run(task_vars=variables)
    assert result["changed"] is False
    assert result.pop("stamp")["run"] == result.pop("run_id", None)
    return result


def without(*names):
    return {name: value for name, value in SOUND.items() if name not in names}


@pytest.mark.parametrize(
    "play, hosts, expected",
    [
        (
            {"any_errors_fatal": True},
            2,
            "any_errors_fatal is True: with 2 hosts at a time, a failure on one host would",
        ),
        ({"max_fail_percentage": 0}, 3, "max_fail_percentage is 0: with 3 hosts at a time, a failure on one host w"),
        ({"any_errors_fatal": True, "max_fail_percentage": 0}, 1, None),
        ({}, 2, None),
    ],
)
def test_play_that_would_end_the_undo_of_other_hosts(play, hosts, expected):
    variables = {**SOUND, **play, "ansible_play_batch": [f"web{number}" for number in range(hosts)]}
    assert ran(variables, "status")["settings"]
    if expected is None:
        assert validated(variables)
    else:
        with pytest.raises(AnsibleActionFail) as error:
            validated(variables)
        assert str(error.value).startswith(expected) and "set serial: 1" in str(error.value)


def test_tags_that_leave_out_the_role():
    variables = {**SOUND, "ansible_run_tags": ["none"]}
    assert ran(variables)["skipped"]  # imported, it has the tags of the import: it is not meant
    include = IncludeRole()
    with pytest.raises(AnsibleActionFail, match="^--tags or --skip-tags excludes the tasks of the role, so the role"):
        ran({**variables, "include": include})
    include.statically_loaded = True
    assert ran({**variables, "include": include})["skipped"]


def test_what_is_left_out_has_its_default():
    settings = validated(SOUND)
    assert settings["app"] == "shop"
    assert settings["services"] == [{"name": "was-{color}", "port": 3000}]
    assert (settings["health_timeout"], settings["network"], settings["retire"]) == (120, "edge", "stop")


# Each variable, typed, and the texts that mean the same, as -e name=value or a survey hands them in.
TEXTS = {
    "docker_host": ("unix:///run/user/1000/docker.sock", ["unix:///run/user/1000/docker.sock"]),
    "app": ("shop", ["shop"]),
    "release": ("v1", ["v1"]),
    "project_src": ("/srv/shop", ["/srv/shop"]),
    "compose_files": (["a.{color}.yml", "b.yml"], ["a.{color}.yml,b.yml", '["a.{color}.yml", "b.yml"]']),
    "env": ({"A": "1", "B": "x, y=z"}, ['{"A": "1", "B": "x, y=z"}', ' {"A": "1", "B": "x, y=z"}\n']),
    "env_files": (["a.env"], ["a.env", '["a.env"]']),
    "services": (
        [{"name": "was-{color}", "port": 3000}],
        ['[{"name": "was-{color}", "port": 3000}]', '[{name: "was-{color}", port: "3000"}]'],
    ),
    "shared_services": (["db", "cache"], ["db,cache", '["db", "cache"]', "[db, cache]"]),
    "shared_update": (True, ["true", "yes", "1", "True"]),
    "exclusive_services": (["work-{color}"], ["work-{color}", '["work-{color}"]']),
    "network": ("front", ["front"]),
    "nginx_mode": ("container", ["container"]),
    "nginx_container": ("front", ["front"]),
    "nginx_conf_dir": ("/srv/conf.d", ["/srv/conf.d"]),
    "nginx_manage": (True, ["true", "on"]),
    "nginx_image": ("nginx:1.30", ["nginx:1.30"]),
    "nginx_ports": (["80:80", "443:443"], ["80:80,443:443", '["80:80", "443:443"]']),
    "vhost": ({"server_names": ["a.example"]}, ['{"server_names": ["a.example"]}', "{server_names: [a.example]}"]),
    "edge_url": ({"url": "http://127.0.0.1/"}, ['{"url": "http://127.0.0.1/"}']),
    "health_timeout": (7, ["7", " 7"]),
    "health_stable_for": (7, ["7"]),
    "no_healthcheck": ("running", ["running"]),
    "min_uptime": (7, ["7"]),
    "max_restarts": (7, ["7"]),
    "smoke_tests": (
        [{"service": "was-{color}", "path": "/", "status": 204}],
        ['[{"service": "was-{color}", "path": "/", "status": "204"}]'],
    ),
    "preview": ({"header": {"name": "X-Preview", "value": "s3cret-s3cret-s3cret"}}, []),
    "auto_promote": (False, ["false", "no", "0", "False"]),
    "canary_steps": ([{"weight": 10, "hold": 60}], ['[{"weight": "10", "hold": "60"}]', "[{weight: 10, hold: 60}]"]),
    "bake_seconds": (7, ["7"]),
    "bake_failures": (7, ["7"]),
    "bake_error_ratio": (1.5, ["1.5"]),
    "migrate": ({"service": "was-{color}", "command": "a b"}, ['{"service": "was-{color}", "command": "a b"}']),
    "hooks": ({"before_swap": __file__}, []),
    "drain_timeout": (0, ["0"]),
    "retire": ("remove", ["remove"]),
    "pull": ("never", ["never"]),
    "registry": ({"url": "r.example", "username": "u", "password": "p"}, []),
    "keep_releases": (7, ["7"]),
    "lock_wait": (7, ["7"]),
    "state_dir": ("/srv/state", ["/srv/state"]),
    "report_dir": ("/srv/reports", ["/srv/reports"]),
}
SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
ORDINARY = dict(SOUND, bluegreen_compose_files=["compose.yml"], bluegreen_services=[{"name": "was", "port": 3000}])


def test_each_variable_has_its_texts():
    assert {f"bluegreen_{name}" for name in TEXTS} == set(SPECS)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_as_good_as_what_is_typed(name, monkeypatch):
    monkeypatch.setattr(ActionModule, "_broken_hooks", lambda _self, _hooks: [])  # this file is one of no tasks
    typed, texts = TEXTS[name]
    base = ORDINARY if name == "shared_services" else dict(SOUND)
    if name == "compose_files":
        base = dict(base, bluegreen_services=[{"name": "was-{color}", "port": 3000}])
    expected = ran(dict(base, **{f"bluegreen_{name}": typed}))
    assert expected["settings"].get(name, typed) == typed or isinstance(typed, (dict, list))
    for text in texts or [json.dumps(typed)]:
        assert ran(dict(base, **{f"bluegreen_{name}": text})) == expected, text
    if SPECS[f"bluegreen_{name}"].get("no_log"):
        assert name not in expected["settings"]


@pytest.mark.parametrize("name", [name for name, option in SPECS.items() if option.get("type", "str") != "str"])
@pytest.mark.parametrize("empty", ["", " ", None])
def test_an_empty_answer_counts_as_none(name, empty):
    given = dict(SOUND, **{name: empty})
    if SPECS[name].get("required"):
        with pytest.raises(AnsibleActionFail, match=f"missing required arguments: {name}"):
            ran(given)
    else:
        if name != "bluegreen_compose_files":
            assert ran(given) == ran(SOUND)
        else:
            given["bluegreen_services"] = [{"name": "was", "port": 3000}]
            assert ran(given)["settings"]["compose_files"] == []


@pytest.mark.parametrize("release", ["", " ", None])
def test_an_empty_release_of_a_rollback_is_the_one_before(release):
    assert "release" not in validated(dict(SOUND, bluegreen_release=release), "rollback")


@pytest.mark.parametrize(
    "variable, odd, part",
    [
        ("release", "", "bluegreen_release is ''"),
        ("release", " v2", "bluegreen_release is ' v2'"),
        ("release", "v2\n", "bluegreen_release"),
        ("release", "latest; rm -rf /", "bluegreen_release is 'latest; rm -rf /'"),
        ("network", "", "bluegreen_network is ''"),
        ("health_timeout", "soon", "bluegreen_health_timeout"),
        ("health_timeout", "-1", "bluegreen_health_timeout is -1"),
        ("auto_promote", "perhaps", "bluegreen_auto_promote"),
        ("services", "was", "bluegreen_services"),
        ("services", "[{", "bluegreen_services"),
        ("vhost", "yes", "bluegreen_vhost"),
        ("env", "A=s3cret", "bluegreen_env is a string that is not valid JSON; give a dict"),
        ("env", "{A: s3cret}", "bluegreen_env is a string that is not valid JSON; give a dict"),
        ("smoke_tests", "s3cret", "bluegreen_smoke_tests is a string that is not valid JSON; give a list"),
        ("preview", "[]", "bluegreen_preview"),
        ("release", 1.1, "bluegreen_release is 1.1, a number with a fraction"),
        ("services", [{"name": 1.5, "port": 80}], "bluegreen_services[0].name is 1.5, a number with a fraction"),
        ("env", {"DEBUG": False, "A": "s3cret"}, "bluegreen_env.DEBUG is a boolean; put it in quotes"),
        ("env", '{"HOSTS": ["s3cret"]}', "bluegreen_env.HOSTS is a list; give a string"),
    ],
)
def test_an_odd_answer_is_refused(variable, odd, part):
    with pytest.raises(AnsibleActionFail) as error:
        validated(dict(SOUND, **{f"bluegreen_{variable}": odd}))
    assert part in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    "files, expected",
    [
        ("a.{color}.yml", ["a.{color}.yml"]),
        ('["a.{color}.yml", "b.yml"]', ["a.{color}.yml", "b.yml"]),
        (" ['a-{color}.yml']\n", ["a-{color}.yml"]),
        (["a.{color}.yml"], ["a.{color}.yml"]),
        ("{{ wanted }}", ["w.{color}.yml"]),
    ],
)
def test_a_list_is_one_however_it_is_given(files, expected):
    variables = dict(SOUND, bluegreen_compose_files=trust_as_template(files) if "{{" in files else files)
    assert validated(dict(variables, wanted=["w.{color}.yml"]))["compose_files"] == expected


def test_an_nginx_on_the_host_and_a_server_of_ours():
    settings = validated(
        dict(
            SOUND,
            bluegreen_nginx_mode="host",
            bluegreen_services='[{"name": "was-{color}", "port": 3000, "publish": {"blue": "13000", "green": 23000}}]',
            bluegreen_vhost={
                "server_names": "shop.example.com,www.example.com",
                "locations": [{"path": "/", "service": "was-{color}"}],
            },
            bluegreen_edge_url={"url": "http://127.0.0.1/"},
        )
    )
    assert settings["services"] == [{"name": "was-{color}", "port": 3000, "publish": {"blue": 13000, "green": 23000}}]
    assert settings["vhost"] == {
        "server_names": ["shop.example.com", "www.example.com"],
        "locations": [{"path": "/", "service": "was-{color}", "websocket": False}],
    }
    assert settings["edge_url"] == {"url": "http://127.0.0.1/"}


@pytest.mark.parametrize(
    "changes, volumes",
    [
        ({}, None),
        ({"bluegreen_vhost": {"server_names": ["a"]}}, None),
        ({"bluegreen_nginx_manage": "true"}, ["/etc/nginx/conf.d:/etc/nginx/conf.d:ro"]),
        (
            {
                "bluegreen_nginx_manage": True,
                "bluegreen_nginx_conf_dir": "/srv/edge",
                "bluegreen_vhost": {
                    "server_names": ["a"],
                    "tls": {"certificate": "/etc/ssl/a.pem", "key": "/etc/ssl/a.key"},
                },
            },
            ["/srv/edge:/etc/nginx/conf.d:ro", "/etc/ssl:/etc/ssl:ro"],
        ),
    ],
)
def test_what_an_nginx_of_ours_has_mounted(changes, volumes):
    assert ran(dict(SOUND, **changes)).get("nginx_volumes") == volumes


def test_what_is_secret_is_not_handed_on():
    assert "env" not in validated(dict(SOUND, bluegreen_env={"TOKEN": "s3cret"}))


OMIT = trust_as_template("{{ nowhere | default(omit) }}")


def test_what_is_omitted_is_not_given():
    services = [{"name": "was-{color}", "port": 3000, "upstream": OMIT}]
    settings = validated(
        dict(SOUND, bluegreen_release=OMIT, bluegreen_drain_timeout=OMIT, bluegreen_services=services), "rollback"
    )
    assert "release" not in settings
    assert settings["drain_timeout"] == 30
    assert settings["services"] == validated(SOUND)["services"]


@pytest.mark.parametrize(
    "variable, value, named",
    [
        ("env", OMIT, "bluegreen_env"),
        ("env", {"A": "1", "TOKEN": OMIT}, "bluegreen_env.TOKEN"),
        ("env", trust_as_template("{{ elsewhere }}"), "bluegreen_env.TOKEN"),
        ("preview", {"cookie": {"name": OMIT, "value": OMIT}}, "bluegreen_preview.cookie.name, bluegreen_preview.c"),
        ("smoke_tests", [{"service": "was-{color}", "path": "/", "body": OMIT}], "bluegreen_smoke_tests.0.body"),
    ],
)
def test_what_is_secret_can_not_be_omitted(variable, value, named):
    variables = dict(SOUND, elsewhere={"TOKEN": OMIT}, **{f"bluegreen_{variable}": value})
    with pytest.raises(AnsibleActionFail) as error:
        validated(variables)
    assert named in str(error.value)
    assert "secret variables can't be set to omit" in str(error.value)


@pytest.mark.parametrize("answer, given", [("", None), ("v1", "v1")])
def test_an_optional_question_of_a_survey_that_was_left_empty_is_not_answered(answer, given):
    variables = dict(SOUND, bluegreen_release=answer)
    assert validated(variables, "rollback").get("release") == given


def test_what_is_omitted_and_required_is_missing():
    with pytest.raises(AnsibleActionFail, match="missing required arguments: bluegreen_release"):
        validated(dict(SOUND, bluegreen_release=OMIT))


def test_the_headers_of_a_probe_are_no_setting():
    services = [{"name": "was-{color}", "port": 3000, "probe": {"path": "/", "headers": {"X-Key": "s3cret"}}}]
    for given in (services, json.dumps(services)):
        (service,) = validated(dict(SOUND, bluegreen_services=given))["services"]
        assert service["probe"] == {
            "path": "/",
            "status": [200],
            "interval": 1.0,
            "timeout": 2.0,
            "healthy_after": 1,
            "unhealthy_after": 3,
        }


def test_a_probe_by_tcp_has_the_defaults():
    services = [{"name": "was-{color}", "port": 3000, "probe": {}}]
    (service,) = validated(dict(SOUND, bluegreen_services=services))["services"]
    assert "path" not in service["probe"]
    assert service["probe"]["unhealthy_after"] == 3


def test_the_headers_of_a_probe_can_not_be_omitted():
    services = [{"name": "was-{color}", "port": 3000, "probe": {"path": "/", "headers": {"X-Key": OMIT}}}]
    with pytest.raises(AnsibleActionFail, match="headers of the probe of was-.color..X-Key: secret variables"):
        validated(dict(SOUND, bluegreen_services=services))


def test_each_entry_point_asks_for_its_own():
    assert "release" not in validated(without("bluegreen_release"), "rollback")
    status = validated({"bluegreen_app": "shop", "bluegreen_release": "!", "bluegreen_services": "!"}, "status")
    places = {"docker_host": "", "nginx_conf_dir": "/etc/nginx/conf.d", "state_dir": "/var/lib/bluegreen"}
    assert status == {"app": "shop", **places}


@pytest.mark.parametrize(
    "variables, parts",
    [
        (without("bluegreen_app"), ["missing required arguments: bluegreen_app"]),
        (without("bluegreen_release"), ["missing required arguments: bluegreen_release"]),
        (dict(SOUND, bluegreen_health_timeout="soon"), ["'soon'", "bluegreen_health_timeout"]),
        (dict(SOUND, bluegreen_services='[{"name": "was-'), ["bluegreen_services"]),
        (dict(SOUND, bluegreen_retire="burn"), ["bluegreen_retire", "stop, keep, remove", "burn"]),
        (
            dict(SOUND, bluegreen_services=[{"name": "was-{color}"}]),
            ["missing required arguments: port", "bluegreen_services"],
        ),
        (dict(SOUND, bluegreen_services=[{"name": "was-{color}", "port": "x"}]), ["'x'", "port", "bluegreen_services"]),
        (
            dict(SOUND, bluegreen_services=[{"name": "was-{color}", "port": 1, "prot": 2}]),
            ["bluegreen_services.prot", "Supported parameters include"],
        ),
        (dict(SOUND, bluegreen_nginx_mode="swarm"), ["bluegreen_nginx_mode", "container, host", "swarm"]),
        (dict(SOUND, bluegreen_nginx_mode="host"), ["bluegreen_services is 'was-{color}': nginx on the host reaches"]),
        (
            dict(SOUND, bluegreen_services=[{"name": "was-{color}", "port": 1, "publish": {"blue": 1}}]),
            ["missing required arguments: green", "bluegreen_services -> publish"],
        ),
        (
            dict(SOUND, bluegreen_vhost={"server_names": ["a"], "tls": {"key": "/a"}}),
            ["missing required arguments: certificate", "bluegreen_vhost -> tls"],
        ),
        (dict(SOUND, bluegreen_vhost={"names": ["a"]}), ["bluegreen_vhost.names", "Supported parameters include"]),
        (
            dict(SOUND, bluegreen_vhost={"server_names": ["a b"]}),
            ["bluegreen_vhost is 'a b': server_names: give a host"],
        ),
        (
            dict(SOUND, bluegreen_edge_url={"url": "shop"}),
            ["bluegreen_edge_url is 'shop': give a URL with http:// or https://"],
        ),
        (
            dict(SOUND, bluegreen_app="Shop", bluegreen_keep_releases="0"),
            [
                "bluegreen_app is 'Shop': start with a small letter",
                "bluegreen_keep_releases is 0: give 1 or more releases",
            ],
        ),
    ],
)
def test_what_is_wrong_is_named(variables, parts):
    with pytest.raises(AnsibleActionFail) as error:
        validated(variables)
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize(
    "text, beside, parts",
    [
        ("- import_tasks: common.yml", "- debug:", None),
        ("- import_tasks: '{{ name }}.yml'", "- debug:", None),
        ("- include_tasks: later.yml", "", None),
        ("- import_tasks: other.yml", "- debug:", ["other.yml"]),
        ("- import_tasks: common.yml", "- nowhere.chat.tell:", ["nowhere.chat.tell"]),
        ("- name: [", "", []),
        ("tasks: []", "", ["must contain a list of tasks"]),
    ],
)
def test_a_hook_is_loaded_as_ansible_will(tmp_path, monkeypatch, text, beside, parts):
    loader = DataLoader()
    play = Play.load({"name": "a", "hosts": "all"}, loader=loader)
    manager = VariableManager(loader=loader, inventory=InventoryManager(loader=loader))
    manager._extra_vars = {"name": "common"}
    task = SimpleNamespace(get_play=lambda: play, get_variable_manager=lambda: manager)
    plugin = ActionModule(task, None, None, loader, None, None)
    (tmp_path / "hook.yml").write_text(text)
    (tmp_path / "common.yml").write_text(beside)
    found = plugin._broken_hooks({"before_swap": str(tmp_path / "hook.yml")})
    if parts is None:
        assert found == []
    else:
        (problem,) = found
        for part in ["the tasks for before_swap can't be loaded", *parts]:
            assert part in problem


@pytest.mark.parametrize("entry_point", ["main", "rollback", "status", "unlock"])
def test_a_misspelt_variable_is_refused(entry_point):
    """Whichever entry point has the variable that is meant."""
    with pytest.raises(AnsibleActionFail) as error:
        validated(dict(SOUND, bluegreen_drain_timout=5, bluegreen_regsitry={"password": "s3cret"}), entry_point)
    assert "bluegreen_drain_timout is not a variable of this role; did you mean bluegreen_drain_timeout?" in str(
        error.value
    )
    assert "bluegreen_regsitry is not a variable of this role; did you mean bluegreen_registry?" in str(error.value)
    assert "s3cret" not in str(error.value)
    may_move = entry_point in ("main", "rollback")
    assert str(error.value).endswith("\nTraffic: this run did not move it.") is may_move


def test_a_required_variable_that_is_misspelt():
    with pytest.raises(AnsibleActionFail) as error:
        validated(dict(without("bluegreen_release"), bluegreen_relaese="v1"))
    assert "did you mean bluegreen_release?" in str(error.value)
    assert "missing required arguments: bluegreen_release" in str(error.value)


def test_an_unknown_variable_is_a_warning():
    found = ran(dict(SOUND, bluegreen_engine="nomad", bluegreen_result={}, __bluegreen_phase="gate"))
    assert found["warnings"] == ["the role bluegreen has no variable bluegreen_engine and ignores it"]
    assert found["settings"] == validated(SOUND)


def test_it_is_of_no_use_outside_the_role():
    with pytest.raises(AnsibleActionFail, match="private; use the role hotswap.compose.bluegreen"):
        validated(SOUND, role=None)
