# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration is what Compose 2.26 rendered of a stack of three services, and its errors are Compose's own."""

from __future__ import annotations

import copy
import json
import pathlib
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hotswap.compose.plugins.module_utils._compose import render
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError
from ansible_collections.hotswap.compose.plugins.module_utils._names import named_services

FIXTURE = pathlib.Path(__file__).parents[1] / "fixtures" / "compose" / "config.json"
SERVICES = named_services("store", [{"name": "was-{color}", "port": 3000}, {"name": "signal-{color}", "port": 3001}])
LABELS = {"app": "store", "color": "green", "release": "v2", "deploy": "d2", "config": "c0ffee"}


def rendered():
    return json.loads(FIXTURE.read_text())


def colored(config, services=None, network="front", volumes=None):
    reach = (
        render.reach_by_name(network, "store", LABELS["color"]) if network else render.reach_by_port(LABELS["color"])
    )
    return render.color_file(config, LABELS, services or SERVICES, [], reach, volumes or {})


@pytest.mark.parametrize(
    "own, env_files, middle",
    [
        (False, [], []),
        (True, [], []),
        (False, ["a.env"], ["--env-file", "{src}/a.env"]),
        (
            True,
            ["a.env", "/etc/b.env"],
            ["--env-file", "{src}/.env", "--env-file", "{src}/a.env", "--env-file", "/etc/b.env"],
        ),
    ],
)
def test_the_command_that_renders(own, env_files, middle, tmp_path):
    if own:
        (tmp_path / ".env").touch()
    src = str(tmp_path)
    files = ["c.yml", "d.yml"]
    argv = render.render_command("/usr/bin/docker", "store", src, files, env_files)
    assert argv == [
        *["/usr/bin/docker", "compose", "--project-name", "store", "--project-directory", src],
        *[word.replace("{src}", src) for word in middle],
        *["--file", f"{src}/c.yml", "--file", f"{src}/d.yml", "config", "--format", "json"],
    ]
    by_itself = render.render_command("/usr/bin/docker", None, src, files, env_files, "--profiles")
    assert by_itself == [*argv[:2], *argv[4:-2], "--profiles"]


@pytest.mark.parametrize(
    "text, secrets, expected",
    [
        ("the token s3cret is bad", ["s3cret"], "the token *** is bad"),
        ("s3cret-more s3cret", ["s3cret", "s3cret-more"], "*** ***"),
        ("a yes in yesterday", ["yes", ""], "a yes in yesterday"),
        ("port 30000", [30000], "port ***"),
        ("nothing", [], "nothing"),
    ],
)
def test_redacted(text, secrets, expected):
    assert render.redacted(text, secrets) == expected


@given(
    st.lists(st.text(alphabet="abc", min_size=4, max_size=6), min_size=1, max_size=3),
    st.text(alphabet="abc ", max_size=20),
)
def test_no_secret_is_left(secrets, around):
    said = render.redacted(around + " ".join(secrets) + around, secrets)
    assert not any(secret in said for secret in secrets)


class Runner:
    """Stands in for the docker command."""

    def __init__(self, rc=0, out='{"name": "shop", "services": {"web": {}}}', err=""):
        self.answer = (rc, out, err)
        self.calls = []

    def __call__(self, argv, environ):
        self.calls.append((argv, environ))
        return self.answer


def settings(tmp_path, **changes):
    for name in ("compose.blue-deploy.yml", "compose.green-deploy.yml", "a.env"):
        (tmp_path / name).touch()
    sound = {
        "app": "store",
        "release": "v2",
        "project_src": str(tmp_path),
        "compose_files": ["compose.{color}-deploy.yml"],
        "env_files": ["a.env"],
    }
    return dict(sound, **changes)


def test_compose_renders_a_color_with_release_color_and_the_users_variables(tmp_path):
    run = Runner(err='time="…" level=warning msg="the s3cret is deprecated"\n')
    config, warnings, project = render.render_files(
        run, "docker", settings(tmp_path), "green", {"TOKEN": "s3cret", "WORKERS": 4, "UNSET": None}
    )
    assert (config, project) == ({"name": "store-green", "services": {"web": {}}}, "shop")
    assert warnings == ['time="…" level=warning msg="the *** is deprecated"']
    ((argv, environ),) = run.calls
    assert environ == {"TOKEN": "s3cret", "WORKERS": "4", "BLUEGREEN_RELEASE": "v2", "BLUEGREEN_COLOR": "green"}
    assert str(tmp_path / "compose.green-deploy.yml") in argv
    assert not any("s3cret" in word for word in argv)


def test_release_and_color_are_not_the_users_to_set(tmp_path):
    run = Runner()
    render.render_files(
        run, "docker", settings(tmp_path), "blue", {"BLUEGREEN_RELEASE": "v0", "BLUEGREEN_COLOR": "red"}
    )
    assert run.calls[0][1] == {"BLUEGREEN_RELEASE": "v2", "BLUEGREEN_COLOR": "blue"}


REQUIRED = (
    "error while interpolating x-common.environment.BLUEGREEN_RELEASE: required variable BLUEGREEN_RELEASE is "
    "missing a value: name the release, for example BLUEGREEN_RELEASE=v1"
)
GONE = " does not exist on the target; copy the file there, or correct the name or bluegreen_project_src"


@pytest.mark.parametrize(
    "changes, run, message",
    [
        ({"compose_files": ["a.{color}.yml"]}, Runner(), "bluegreen_compose_files: {src}/a.green.yml" + GONE),
        ({"env_files": ["b.env"]}, Runner(), "bluegreen_env_files: {src}/b.env" + GONE),
        ({}, Runner(15, err=REQUIRED + "\n"), "docker compose rejects compose.green-deploy.yml: " + REQUIRED),
        ({}, Runner(1, err="no s3cret here"), "docker compose rejects compose.green-deploy.yml: no *** here"),
        ({}, Runner(125), "docker compose rejects compose.green-deploy.yml: exit status 125"),
    ],
)
def test_what_compose_cannot_render(changes, run, message, tmp_path):
    with pytest.raises(ComposeError, match=f"^{re.escape(message.replace('{src}', str(tmp_path)))}$"):
        render.render_files(run, "docker", settings(tmp_path, **changes), "green", {"TOKEN": "s3cret"})


class FakeCompose:
    """Renders as Compose does: names follow from the project's name, where the files give none."""

    def __init__(self, rendered, given=None, profiles=""):
        self.rendered, self.given, self.profiles = rendered, given or {}, profiles
        self.calls = []

    def __call__(self, argv, environ):
        self.calls.append(argv)
        project = argv[argv.index("--project-name") + 1] if "--project-name" in argv else "stack"
        text = json.dumps({"name": project, **(self.given if "--no-normalize" in argv else self.rendered)})
        return 0, self.profiles if "--profiles" in argv else text.replace("PROJECT", project), ""


DERIVED = {
    "services": {"web": {"environment": {"QUEUE": "PROJECT:jobs"}, "labels": {"route": "PROJECT"}}},
    "networks": {"default": {"name": "PROJECT_default"}, "back": {"name": "PROJECT-back"}},
    "volumes": {
        "uploads": {"name": "PROJECT-uploads"},
        "data": {"name": "PROJECT_data"},
        "cache": {"name": "stack_cache"},
        "company": {"name": "stack_company", "external": True},
    },
    "configs": {"main": {"name": "PROJECT_main", "file": "/srv/main.conf"}},
}


@pytest.mark.parametrize("project", ["stack", None])
def test_what_is_made_from_the_projects_name_is_the_same_in_both_colors(tmp_path, project):
    given = {"volumes": {"uploads": {"name": "stack-uploads"}, "data": {}, "cache": {"name": "stack_cache"}}}
    configs = {}
    for color in ("blue", "green"):
        run = FakeCompose(DERIVED, given)
        configs[color], _said, own = render.render_files(run, "docker", settings(tmp_path), color, {}, project)
        assert own == "stack"
    blue, green = configs["blue"], configs["green"]
    assert blue["services"] == {"web": {"environment": {"QUEUE": "stack:jobs"}, "labels": {"route": "stack"}}}
    assert blue["services"] == green["services"]
    for color, config in configs.items():
        assert config["name"] == f"store-{color}"
        names = {key: volume["name"] for key, volume in config["volumes"].items()}
        assert names == {
            "uploads": "stack-uploads",
            "data": f"store-{color}_data",  # Compose's own name of it
            "cache": "stack_cache",  # the user's, though it reads as Compose's own
            "company": "stack_company",
        }
        assert config["networks"] == {
            "default": {"name": f"store-{color}_default"},
            "back": {"name": "stack-back"},
        }
    differing = {"configs.main.name", "name", "networks.default.name", "volumes.data.name"}
    assert set(render.differences(blue, green)) == differing


@pytest.mark.parametrize("volumes, calls", [({}, 1), ({"data": {"name": "stack_data"}}, 2)])
def test_compose_is_asked_once_more_only_where_a_name_may_be_the_users(tmp_path, volumes, calls):
    run = FakeCompose({"services": {"web": {}}, "networks": {"default": {"name": "stack_default"}}, "volumes": volumes})
    render.render_files(run, "docker", settings(tmp_path), "green", {})
    assert len(run.calls) == calls


@pytest.mark.parametrize(
    "one, other, paths",
    [
        ({}, {}, []),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["a.c"]),
        ({"a": [1]}, {"a": [2], "b": None}, ["a"]),
        ({"b": {"x": 1}}, {"a": 1}, ["a", "b"]),
    ],
)
def test_differences(one, other, paths):
    assert render.differences(one, other) == paths


@pytest.mark.parametrize(
    "profiles, message",
    [
        (
            "tools\ndev\n",
            "each service of compose.green-deploy.yml is in a profile, and no profile is active (there are dev, "
            "tools); name one in bluegreen_env, for example {COMPOSE_PROFILES: dev}, or in the project's .env",
        ),
        ("", "compose.green-deploy.yml has no services; add one, or correct bluegreen_compose_files"),
    ],
)
def test_a_file_without_an_active_service(tmp_path, profiles, message):
    with pytest.raises(ComposeError, match="^" + re.escape(message)):
        render.render_files(FakeCompose({"services": {}}, profiles=profiles), "docker", settings(tmp_path), "green", {})


def test_an_optional_dependency_on_an_absent_service_goes(tmp_path):
    how = {"condition": "service_started", "required": False}
    needed = {"mail": how, "db": how, "cache": dict(how, required=True)}
    run = FakeCompose({"services": {"web": {"depends_on": needed}, "db": {}, "cache": {}}})
    config, _said, _own = render.render_files(run, "docker", settings(tmp_path), "green", {})
    assert sorted(config["services"]["web"]["depends_on"]) == ["cache", "db"]


@pytest.mark.parametrize(
    "text, written",
    [
        ("ship it \U0001f680", '"ship it \U0001f680"'),
        ("Grüße", '"Grüße"'),
        ("\\ud83d\\ude80", '"\\\\ud83d\\\\ude80"'),
        ("a\x7fb\x9bc", '"a\\u007fb\\u009bc"'),
        ("a\u2028b\x85c\ufeff\uffff", '"a\\u2028b\\u0085c\\ufeff\\uffff"'),
        ('"\n\t', '"\\"\\n\\t"'),
    ],
)
def test_a_file_is_json_and_yaml(text, written):
    assert render.file_text({"a": text}) == '{\n "a": ' + written + "\n}"
    assert json.loads(render.file_text({text: [text]})) == yaml.safe_load(render.file_text({text: [text]}))


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_any_text_is_the_same_in_json_and_yaml(text):
    assert yaml.safe_load(render.file_text({"a": text})) == json.loads(render.file_text({"a": text})) == {"a": text}


def unset(name):
    return f'time="2026-01-31T23:59:59Z" level=warning msg="The \\"{name}\\" variable is not set. Defaulting to …"'


@pytest.mark.parametrize(
    "text, name, shown",
    [
        ("image: app:${TAG}", "TAG", unset("TAG")),
        ("image: app:$TAG", "TAG", unset("TAG")),
        ("image: app:${TAG:-$OTHER}", "OTHER", unset("OTHER")),
        ("image: app:${TAG}", "tail", render.UNSET),  # of hunter$tail, in an env file
        ("environment: {PASSWORD: hunter$tail}", "tail", render.UNSET),
        ("environment: {PASSWORD: hunter$$tail}", "tail", render.UNSET),
    ],
)
def test_a_warning_names_a_variable_of_the_files_alone(tmp_path, text, name, shown):
    given = settings(tmp_path)
    (tmp_path / "compose.green-deploy.yml").write_text(text)
    run = Runner(err=f"{unset(name)}\n{unset(name)}\n")
    _config, warnings, _project = render.render_files(run, "docker", given, "green", {})
    assert warnings == [shown]


@pytest.mark.parametrize(
    "said, place",
    [  # Compose 2.26, of an env file of the project and of one of a service
        ('failed to read /srv/a.env: Invalid template: "hunter${tail"', "/srv/a.env can't be read; "),
        ("failed to read /srv/a.env: required variable x is missing a value: tail", "/srv/a.env can't be read; "),
        ('failed to read /srv/a.env: line 3: unterminated quoted value "tail', "/srv/a.env can't be read (line 3); "),
        ('line 3: unterminated quoted value "tail', "an env_file of a service can't be read (line 3); "),
        ("required variable x is missing a value: tail\nand tail", "an env_file of a service can't be read; "),
        ('Invalid template: "hunter${tail"', "an env_file of a service can't be read; "),
    ],
)
def test_what_compose_says_of_an_env_file_names_no_value(tmp_path, said, place):
    run = Runner(1, err=f"{unset('TAG')}\n{said}\n")
    with pytest.raises(ComposeError) as refused:
        render.render_files(run, "docker", settings(tmp_path), "green", {})
    assert place in str(refused.value)
    assert "tail" not in str(refused.value)


@pytest.mark.parametrize("said", ["2.18.0", "v2.26.1-4", "Docker Compose version v2.40.3"])
def test_a_compose_that_is_recent_enough(said):
    render.refuse_old_compose(Runner(out=said), "docker", [])


@pytest.mark.parametrize(
    "run, message",
    [
        (Runner(1, "", "docker: 'compose' is unknown.\n"), "missing on the target (docker: 'compose' is unknown.)"),
        (Runner(125, ""), "missing on the target (exit status 125); install"),
        (Runner(0, "v2.3.3"), "Compose 2.3.3 on the target is too old; update it to 2.18 or newer"),
        (Runner(0, "1.29.2"), "Compose 1.29.2 on the target is too old"),
    ],
)
def test_a_compose_that_is_missing_or_too_old(run, message):
    with pytest.raises(ComposeError, match=re.escape(message)):
        render.refuse_old_compose(run, "docker", [])


@pytest.mark.parametrize(
    "version, text, refused",
    [
        ("2.24.3", "services:\n  web:\n    ports: !reset []\n", "!reset"),
        ("2.20.2", "services:\n  web:\n    ports: !override\n      - 80\n", "!override"),
        ("2.24.4", "services:\n  web:\n    ports: !reset []\n", None),
        ("2.20.2", "services:\n  web:\n    command: echo # no: !reset\n", None),
        ("2.20.2", "services:\n  web:\n    command: echo '!reset'\n", None),
    ],
)
def test_a_tag_that_an_older_compose_does_not_know(tmp_path, version, text, refused):
    path = tmp_path / "compose.yml"
    path.write_text(text)
    paths = [str(path), str(tmp_path / "missing.yml")]
    if refused is None:
        render.refuse_old_compose(Runner(out=version), "docker", paths)
        return
    message = (
        f"{path} uses {refused}, which Compose {version} on the target does not fully support; update Compose to 2.24.4"
    )
    with pytest.raises(ComposeError, match=re.escape(message)):
        render.refuse_old_compose(Runner(out=version), "docker", paths)


def test_the_hash_is_of_what_would_run():
    config = rendered()
    backwards = json.loads(json.dumps(dict(reversed(list(config.items())))))
    assert render.config_hash(config) == render.config_hash(backwards)
    config["services"]["was-green"]["environment"]["TOKEN"] = "other"
    assert render.config_hash(config) != render.config_hash(backwards)
    assert re.fullmatch("[0-9a-f]{64}", render.config_hash({}))


@pytest.mark.parametrize(
    "service, expected",
    [
        ({}, {"a": 1, "b": 1}),
        ({"scale": 3}, {"a": 3, "b": 1}),
        ({"scale": 0}, {"b": 1}),
        ({"deploy": {"replicas": 2}}, {"a": 2, "b": 1}),
        ({"deploy": {"replicas": 0}}, {"b": 1}),
        ({"deploy": {"resources": {}}}, {"a": 1, "b": 1}),
        ({"deploy": None}, {"a": 1, "b": 1}),
        ({"scale": 1, "deploy": {"replicas": 0}}, {"a": 1, "b": 1}),
    ],
)
def test_what_compose_starts(service, expected):
    assert render.expected_services({"services": {"b": {}, "a": service}}) == expected


def test_what_compose_starts_of_a_file_without_services():
    assert render.expected_services({}) == {}
    assert render.expected_services(rendered()) == {"cache-green": 1, "signal-green": 1, "was-green": 1}


def test_image_references():
    config = rendered()
    config["services"]["built-green"] = {"build": {"context": "."}}
    assert render.image_refs(config) == {
        "built-green": "store-green-built-green",
        "cache-green": "cache:1",
        "signal-green": "shop-signal:v2",
        "was-green": "shop-was:v2",
    }


def test_what_a_color_adds():
    config = rendered()
    before = copy.deepcopy(config)
    result = colored(config)
    assert config == before
    labels = {f"hotswap.compose.{key}": value for key, value in LABELS.items()}
    for name, service in result["services"].items():
        assert service.pop("labels") == labels
        aliases = (service["networks"].get("front") or {}).pop("aliases", None)
        assert aliases == {"was-green": ["store-green-was"], "signal-green": ["store-green-signal"]}.get(name)
    assert result["volumes"] == {"uploads": {"name": "store_uploads"}}
    result["volumes"] = before["volumes"]
    before["services"]["was-green"]["networks"]["front"] = {}
    before["services"]["signal-green"]["networks"]["front"] = {}
    assert result == before


def test_what_was_there_is_kept_beside_what_is_added():
    config = rendered()
    was = config["services"]["was-green"]
    was["labels"] = {"theirs": "1", "hotswap.compose.release": "forged"}
    was["networks"]["front"] = {"aliases": ["theirs"], "ipv4_address": "10.0.0.9"}
    result = colored(config)["services"]["was-green"]
    assert result["labels"]["theirs"] == "1"
    assert result["labels"]["hotswap.compose.release"] == "v2"
    assert result["networks"]["front"] == {"aliases": ["store-green-was", "theirs"], "ipv4_address": "10.0.0.9"}


@pytest.mark.parametrize(
    "networks, key",
    [
        ({"default": {"name": "store-green_default"}, "front": {"name": "front", "external": True}}, "front"),
        ({"outside": {"name": "front", "external": True}}, "outside"),
        ({"default": {"name": "front", "external": True}}, "default"),
        ({"default": {"name": "store-green_default"}}, "front"),
        ({"default": None}, "front"),
        # Another network that their file calls so stays theirs.
        ({"front": {"name": "store-green_front"}}, "edge_front"),
        ({"front": {"name": "a"}, "edge_front": {"name": "b"}}, "edge_edge_front"),
    ],
)
def test_the_network_that_nginx_is_on(networks, key):
    config = rendered()
    config["networks"] = copy.deepcopy(networks)
    config["services"]["was-green"].pop("networks")
    result = colored(config)
    assert result["networks"] == {**networks, key: networks.get(key) or {"name": "front", "external": True}}
    expected = {"default": None, key: {"aliases": ["store-green-was"]}}
    assert result["services"]["was-green"]["networks"] == expected


def test_a_file_without_networks():
    config = rendered()
    del config["networks"]
    assert colored(config)["networks"] == {"front": {"name": "front", "external": True}}


def published(port, by="127.0.0.1"):
    """As Compose renders it."""
    return {"mode": "ingress", "host_ip": by, "target": 3000, "published": port, "protocol": "tcp"}


HOST_SERVICES = named_services(
    "store", [{"name": "was-{color}", "port": 3000, "publish": {"blue": 13000, "green": 23000}}]
)


@pytest.mark.parametrize(
    "ports, expected",
    [
        (None, [published("23000")]),
        ([published("80", by="")], [published("80", by=""), published("23000")]),
        # The user's own, open to everybody, gives way.
        ([published("23000", by="0.0.0.0")], [published("23000")]),
        ([published(23000), published("80")], [published("80"), published("23000")]),
        ([{"target": 3000, "protocol": "tcp"}], [{"target": 3000, "protocol": "tcp"}, published("23000")]),
    ],
)
def test_for_an_nginx_on_the_host_a_color_has_a_port_of_its_own(ports, expected):
    config = rendered()
    config["services"]["was-green"]["ports"] = ports
    result = colored(config, HOST_SERVICES, network=None)
    assert result["services"]["was-green"]["ports"] == expected
    assert result["services"]["was-green"]["networks"] == config["services"]["was-green"]["networks"]
    assert result["networks"] == config["networks"]


def test_for_an_nginx_on_the_host_two_ports_of_one_service_are_both_published():
    services = [*HOST_SERVICES, dict(HOST_SERVICES[0], port=3001, publish={"blue": 13001, "green": 23001})]
    ports = colored(rendered(), services, network=None)["services"]["was-green"]["ports"]
    assert ports == [published("23000"), dict(published("23001"), target=3001)]


def test_dockers_own_network_mode_publishes_ports():
    result = colored(worker(network_mode="bridge"), HOST_SERVICES, network=None)
    assert result["services"]["was-green"]["ports"] == [published("23000")]


@pytest.mark.parametrize(
    "service, message",
    [
        (
            {"scale": 0},
            ("service was-green takes traffic but has 0 replicas; give it at least one"),
        ),
        (
            {"scale": 2},
            "service was-green has 2 replicas, but only one of them can publish the port for nginx; give it one "
            "replica, or run nginx in a container",
        ),
        (
            {"network_mode": "host"},
            "service was-green has network_mode host, so it can't publish a port for nginx; remove network_mode",
        ),
    ],
)
def test_what_can_have_no_port_of_the_host(service, message):
    with pytest.raises(ComposeError, match=f"^{re.escape(message)}$"):
        colored(worker(**service), HOST_SERVICES, network=None)


@pytest.mark.parametrize(
    "definition, known, expected",
    [
        ({"name": "store-green_uploads"}, {}, {"name": "store_uploads"}),
        ({"name": "store-green_uploads", "driver": "x"}, {}, {"name": "store_uploads", "driver": "x"}),
        ({"name": "store-green_uploads"}, {"uploads": "legacy_uploads"}, {"name": "legacy_uploads", "external": True}),
        ({"name": "store-green_uploads"}, {"other": "legacy_other"}, {"name": "store_uploads"}),
        # Named by the user: both colors say the same already.
        ({"name": "theirs"}, {"uploads": "legacy_uploads"}, {"name": "theirs"}),
        ({"name": "theirs", "external": True}, {"uploads": "x"}, {"name": "theirs", "external": True}),
    ],
)
def test_both_colors_use_one_volume(definition, known, expected):
    config = rendered()
    config["volumes"] = {"uploads": definition}
    assert colored(config, volumes=known)["volumes"] == {"uploads": expected}


@pytest.mark.parametrize("volumes", [None, {}])
def test_a_file_without_volumes(volumes):
    config = rendered()
    config["volumes"] = volumes
    assert colored(config)["volumes"] == volumes


def worker(**service):
    config = rendered()
    config["services"]["was-green"].update(service)
    return config


@pytest.mark.parametrize(
    "config, services, message",
    [
        (
            rendered(),
            named_services("store", [{"name": "web-{color}", "port": 80}]),
            "the Compose file of green has no service web-green, only cache-green, signal-green, was-green; "
            "correct bluegreen_services",
        ),
        (
            {"name": "store-green", "services": {}},
            SERVICES,
            "the Compose file of green has no service was-green, only none; correct bluegreen_services",
        ),
        (
            worker(scale=0),
            SERVICES,
            ("service was-green takes traffic but has 0 replicas; give it at least one"),
        ),
        (
            worker(network_mode="host"),
            SERVICES,
            "service was-green has network_mode host, so nginx can't find it by name; remove network_mode",
        ),
    ],
)
def test_what_cannot_be_colored(config, services, message):
    with pytest.raises(ComposeError, match=f"^{re.escape(message)}$"):
        colored(config, services)
