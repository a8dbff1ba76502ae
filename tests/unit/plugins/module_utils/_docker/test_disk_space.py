# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
import pathlib
from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker import disk_space
from ansible_collections.hotswap.compose.plugins.module_utils._docker.disk_space import DiskSpace
from ansible_collections.hotswap.compose.plugins.module_utils._errors import PlanError

MANIFEST = json.loads((pathlib.Path(__file__).parents[1] / "fixtures" / "manifest.json").read_text())
HERE = MANIFEST["SchemaV2Manifest"]["config"]["digest"]
OLD = {"image": "registry.example/was:v1", "image_id": "sha256:old"}


def manifest(layer, size):
    """The manifest of another image, with one layer."""
    made = copy.deepcopy(MANIFEST)
    made["Descriptor"]["digest"] = made["SchemaV2Manifest"]["config"]["digest"] = f"sha256:{layer}"
    made["SchemaV2Manifest"]["layers"] = [{"digest": layer, "size": size}]
    return made


@pytest.fixture
def space(tmp_path):
    """Return a DiskSpace of a registry that has ``told``: ``{reference: manifest}``."""

    def make(told, containers=(), root=str(tmp_path)):
        def run(argv, environ):
            assert environ == {}
            return 0, json.dumps(told[argv[-1]]) if argv[-1] in told else "", ""

        engine = SimpleNamespace(
            data_root=root, architecture="amd64", digest=lambda image_id, _reference: image_id.replace("old", "digest")
        )
        return DiskSpace(engine, run, "docker", list(containers))

    return make


def test_what_is_to_come(space):
    told = {"was:v2": manifest("a", 2_000_000), "signal:v2": manifest("b", 3_000_000)}
    assert space(told).check(list(told), dict.fromkeys(told)).startswith("5.0 MB to download, ")


def test_an_image_that_is_here_brings_nothing(space):
    assert space({"was:v2": MANIFEST}).check(["was:v2"], {"was:v2": HERE}) == "nothing new"


def test_layers_that_the_active_color_runs_are_here(space):
    told = {
        "registry.example/was:v2": manifest("a", 2_000_000),
        "registry.example/was@sha256:digest": manifest("a", 2_000_000),
    }
    found = space(told, [OLD]).check(["registry.example/was:v2"], {"registry.example/was:v2": "sha256:old"})
    assert found == "nothing new"


def test_what_does_not_fit_is_refused(space, monkeypatch):
    monkeypatch.setattr(disk_space.os, "statvfs", lambda _path: SimpleNamespace(f_bavail=1000, f_frsize=4096))
    with pytest.raises(PlanError, match="free some space"):
        space({"was:v2": manifest("a", 2_000_000)}).check(["was:v2"], {"was:v2": None})


def test_a_registry_that_tells_nothing_is_named(space):
    disk = space({"signal:v2": MANIFEST})
    assert "was:v2" in disk.check(["signal:v2", "was:v2"], {"signal:v2": None, "was:v2": None})
    assert disk.silent == ["was:v2"]


def test_another_machines_disk_is_not_judged(space):
    disk = space({"was:v2": MANIFEST}, root="/nowhere")
    assert disk.check(["was:v2"], {"was:v2": None}) == "size unknown, because the Engine runs on another machine"
    assert disk.silent == ["was:v2"]
