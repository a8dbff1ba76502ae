# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose.builds import (
    build_file,
    release_builds,
    shared_builds,
    with_built_images,
)
from ansible_collections.hotswap.compose.plugins.module_utils._compose.layout import reach_for, split_layout
from ansible_collections.hotswap.compose.plugins.module_utils._compose.render import color_file
from ansible_collections.hotswap.compose.plugins.module_utils._compose.unsupported import (
    refuse_unsupported,
    refuse_unsupported_in_one_file,
)
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError
from ansible_collections.hotswap.compose.plugins.module_utils._names import COLORS, named_services
from ansible_collections.hotswap.compose.tests.unit.compose_keys import KINDS, at, load_keys, look, with_key

LABELS = {"app": "shop", "release": "v1", "deploy": "d1", "config": "c1", "color": "blue"}


def rendered(color):
    """Return a file with each kind of service, as Compose renders it for a color."""
    project = f"shop-{color}"
    service = {
        "image": "web:1",
        "networks": {"own": None, "outside": None},
        "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
        "configs": [{"source": "file", "target": "/file"}],
        "secrets": [{"source": "file", "target": "/run/secrets/file"}],
    }
    mounted = {"name": f"{project}_file", "file": "/srv/file"}
    return {
        "name": project,
        "services": {name: dict(copy.deepcopy(service), image=f"{name}:1") for name in (*KINDS.values(), "side")},
        "networks": {"own": {"name": f"{project}_own"}, "outside": {"name": "corp", "external": True}},
        "volumes": {"data": {"name": f"{project}_data"}},
        "configs": {"file": mounted},
        "secrets": {"file": mounted},
    }


def outcome(key, kind):
    """Return ``(what becomes of the key, what the role says of it)`` in a kind of service."""
    service = KINDS[kind]
    params = {
        "app": "shop",
        "release": "v1",
        "compose_files": ["compose.{color}.yml"] if kind == "per_color" else ["compose.yml"],
        "shared_services": {"per_color": [], "shared": ["db", "side"]}.get(kind, ["db"]),
        "exclusive_services": ["worker"],
        "nginx_mode": "container",
        "network": "edge",
    }
    services = named_services("shop", [{"name": "web", "port": 3000}])
    configs = {color: with_key(rendered(color), key, key.rendered, service) for color in COLORS}
    try:
        colors, shared, warnings = split_layout(params, services, configs, {})
        builds = release_builds(configs["blue"], params, "blue", set(), set(colors["blue"]["services"]))
        named = with_built_images(colors["blue"], builds, set())
        result = color_file(named, LABELS, services, ["worker"], reach_for(params, "blue"), {})
        builds += shared_builds(shared, sorted(shared["services"]))
        built = build_file(configs["blue"], builds, "shop-blue")["services"]
    except ComposeError as error:
        return "refused", str(error)
    if "build" in key.path[:-1]:
        found = next(iter(built.values()))["build"].get(key.name)
    else:
        found = look(shared if kind == "shared" else result, at(key.path, service))
    becomes = "left out" if found is None else "kept" if found == key.rendered else "changed"
    said = [line for line in warnings if line.startswith(f"service {service} ")]
    return becomes + (", with a warning" if said else ""), " ".join(said)


@pytest.mark.parametrize("key", load_keys(), ids=lambda key: ".".join(key.path))
def test_each_key_of_the_specification(key):
    if not key.is_rendered:
        assert not set(KINDS) & set(key.entry)
        return
    outcomes = {kind: outcome(key, kind) for kind in KINDS}
    assert {kind: becomes for kind, (becomes, _said) in outcomes.items()} == {kind: key.becomes(kind) for kind in KINDS}
    for _becomes, said in outcomes.values():
        assert not said or (key.says and key.says in said)


def services(**given):
    return {"services": {name: dict({"image": "web"}, **service) for name, service in given.items()}}


@pytest.mark.parametrize(
    "config, words",
    [
        (
            services(ai={"provider": {"type": "model"}}),
            "service ai has a provider, .*; start it outside the",
        ),
        (services(ai={"models": {"llm": None}}), "service ai has models, .*; remove the key, and give"),
        (services(web={"post_start": [{"command": ["x"]}]}), "service web has post_start, .* the entrypoint"),
        (services(web={"pre_stop": [{"command": ["x"]}]}), "service web has pre_stop, .* its stop signal"),
        (services(worker={"pre_start": [{"command": ["x"]}]}), "exclusive service worker has pre_start, .* entrypoint"),
        (
            services(web={"pre_start": [{"command": ["x"]}, {"command": ["x"], "image": "tool:1"}]}),
            "service web has a pre_start hook with image tool:1, .*; remove image from the hook",
        ),
        (
            dict(services(web={"configs": [{"source": "conf"}]}), configs={"conf": {"environment": "CONF"}}),
            "config conf comes from the environment variable CONF, which a later rollback could not reproduce; use a",
        ),
    ],
)
def test_what_neither_layout_supports(config, words):
    with pytest.raises(ComposeError, match=words):
        refuse_unsupported(config, [], ["worker"])


@pytest.mark.parametrize(
    "config",
    [
        services(db={"post_start": [{"command": ["x"]}], "pre_stop": [{"command": ["x"]}]}),
        services(db={"models": {}, "post_start": []}),
        services(web={"pre_start": [{"command": ["x"], "user": "0"}]}, db={"pre_start": [{"command": ["x"]}]}),
        dict(services(db={"build": {"secrets": [{"source": "token"}]}}), secrets={"token": {"environment": "TOKEN"}}),
    ],
)
def test_what_both_layouts_support(config):
    refuse_unsupported(config, ["db"], [])


@pytest.mark.parametrize(
    "web, words",
    [
        (
            {"network_mode": "container:vpn1"},
            "service web has network_mode container:vpn1, .* network_mode: service:vpn",
        ),
        ({"pid": "container:vpn1"}, "service web has pid container:vpn1, .* write pid: service:vpn"),
        ({"ipc": "container:vpn1"}, "service web has ipc container:vpn1, .* write ipc: service:vpn"),
        (
            {"volumes_from": ["container:vpn1:ro"]},
            "service web has volumes_from container:vpn1,.* volumes_from: vpn",
        ),
        ({"external_links": ["redis:cache"]}, "service web has external_links redis:cache, .* external network"),
    ],
)
def test_what_one_ordinary_file_does_not_support(web, words):
    with pytest.raises(ComposeError, match=words):
        refuse_unsupported_in_one_file(services(web=web, vpn={"container_name": "vpn1"}), [])


@pytest.mark.parametrize(
    "web", [{"network_mode": "container:other"}, {"network_mode": "container:db1"}, {"pid": "host"}]
)
def test_a_container_that_is_no_color_s(web):
    refuse_unsupported_in_one_file(services(web=web, db={"container_name": "db1"}), ["db"])
