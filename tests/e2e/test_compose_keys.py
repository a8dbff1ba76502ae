# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of the keys of the Compose specification (docs/compose-keys.md) holds for the Compose that is installed."""

from __future__ import annotations

import json
import subprocess

import pytest

from ansible_collections.hotswap.compose.tests.unit.compose_keys import KINDS, at, load_keys, look, with_key

SERVICE = {"image": "web:1", "networks": {"own": None}}
USER_FILE = {
    "services": {name: dict(SERVICE) for name in (*KINDS.values(), "side")},
    "networks": {"own": {}, "outside": {"name": "corp", "external": True}},
    "volumes": {"data": {}},
    "configs": {"file": {"file": "/srv/file"}},
    "secrets": {"file": {"file": "/srv/file"}},
}
"""Everything in it is used: Compose leaves the rest out of its rendering."""
USED = {
    "networks": {"own": None, "outside": None},
    "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
    "configs": [{"source": "file", "target": "/file"}],
    "secrets": [{"source": "file", "target": "/run/secrets/file"}],
}
USER_FILE["services"]["side"].update(USED)


def specification():
    """Return the JSON schema of the specification that the installed Compose has in its binary."""
    plugins = json.loads(
        subprocess.run(
            ["docker", "info", "--format", "{{json .ClientInfo.Plugins}}"], check=True, capture_output=True, text=True
        ).stdout
    )
    (path,) = (plugin["Path"] for plugin in plugins if plugin["Name"] == "compose")
    with open(path, "rb") as file:
        binary = file.read()
    at = binary.find(b'"$schema"')
    while at >= 0:
        text = binary[binary.rfind(b"{", 0, at) : at + 500_000].decode("utf-8", "replace")
        schema = json.JSONDecoder().raw_decode(text)[0]
        if "services" in schema.get("properties", {}):
            return schema
        at = binary.find(b'"$schema"', at + 1)
    raise AssertionError(f"{path} has no schema of the Compose specification")


def paths_in(schema, node, *path):
    """Yield the path of each key of the specification, with * for each name that a user chooses."""
    while "$ref" in node:
        node = look(schema, node["$ref"].split("/")[1:])
    for name, child in node.get("properties", {}).items():
        yield (*path, name)
        yield from paths_in(schema, child, *path, name)
    for pattern, child in node.get("patternProperties", {}).items():
        yield from () if pattern.startswith("^x-") else paths_in(schema, child, *path, "*")
    for one in (*node.get("oneOf", ()), *node.get("anyOf", ())):
        yield from paths_in(schema, one, *path)


@pytest.fixture(scope="module")
def installed():
    schema = specification()
    return {".".join(path) for path in paths_in(schema, schema)}


def test_the_table_has_each_key_of_the_installed_compose(installed):
    keys = load_keys()
    parents = {key.specification_path.rpartition(".")[0] for key in keys}
    assert {path for path in installed if path.rpartition(".")[0] in parents} <= {
        key.specification_path for key in keys
    }


def rendering(directory, name, config):
    """Return what Compose makes of a file, or what it says if it refuses that."""
    path = directory / f"{name}.json"
    path.write_text(json.dumps(config))
    options = ["--project-name", "shop", "--profile", "*", "--file", str(path)]
    argv = ["docker", "compose", *options, "config", "--format", "json"]
    run = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=False)
    return json.loads(run.stdout) if run.returncode == 0 else run.stderr


def holds(expected, found):
    """Return whether ``found`` is ``expected``; where that is a mapping, Compose may add its defaults to it."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(name in found and holds(value, found[name]) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(holds, expected, found))
    return expected == found


def service_of(key):
    return "-".join(["for", *key.path[2:]])


def test_the_installed_compose_renders_each_key_as_the_table_has_it(installed, tmp_path):
    (tmp_path / "vars.env").write_text("A=b\n")
    (tmp_path / "labels.env").write_text("a=b\n")
    (tmp_path / "other.yml").write_text("services: {more: {image: web}}\n")
    services, wrong = USER_FILE, {}
    keys = [key for key in load_keys() if "value" in key.entry and key.specification_path in installed]
    of_services = [key for key in keys if "web" in key.path]
    for key in of_services:  # a service for each, all in one file
        services = dict(services, services=dict(services["services"], **{service_of(key): SERVICE}))
        services = with_key(services, key, key.entry["value"], service_of(key))
    rendered = rendering(tmp_path, "services", services)
    assert isinstance(rendered, dict), rendered
    for key in keys:
        path = ".".join(key.path)
        if key in of_services:
            found = look(rendered, at(key.path, service_of(key)))
        else:
            config = rendering(tmp_path, path, with_key(USER_FILE, key, key.entry["value"], "web"))
            found = look(config, key.path) if isinstance(config, dict) else config
        is_dropped = found is None and key.entry.get("dropped")
        if not (is_dropped or holds(None if key.entry.get("gone") else key.rendered, found)):
            wrong[path] = found
    assert wrong == {}
    for key in of_services:
        if key.becomes("per_color") == "refused":
            del rendered["services"][service_of(key)]
    assert isinstance(rendering(tmp_path, "again", rendered), dict), "docker compose rejects its own rendering"
