# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import os

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose import contents
from ansible_collections.hotswap.compose.plugins.module_utils._compose.render import config_hash
from ansible_collections.hotswap.compose.plugins.module_utils._docker.storage import Storage


@pytest.fixture
def config(tmp_path):
    for name in ("app.conf", "token", "nginx.conf", "data.db"):
        (tmp_path / name).write_text(name)
    return {
        "configs": {"main": {"file": str(tmp_path / "app.conf")}, "inline": {"content": "a"}},
        "secrets": {"token": {"file": str(tmp_path / "token")}, "gone": {"file": str(tmp_path / "gone")}},
        "services": {
            "web": {
                "configs": [{"source": "main"}, {"source": "inline"}],
                "secrets": [{"source": "token"}, {"source": "gone"}, {"source": "outside"}],
            },
            "proxy": {
                "volumes": [
                    {"type": "bind", "source": str(tmp_path / "nginx.conf"), "target": "/a", "read_only": True},
                    {"type": "bind", "source": str(tmp_path), "target": "/b", "read_only": True},
                    {"type": "bind", "source": str(tmp_path / "data.db"), "target": "/c"},
                    {"type": "volume", "source": "data", "target": "/d", "read_only": True},
                ]
            },
            "plain": {"image": "a"},
        },
    }


class NoVolumes:
    """A Storage on a target without a volume."""

    volumes_directory = "/var/lib/docker/volumes"

    def volume(self, _name):
        return None

    real_directory = Storage.real_directory


@pytest.fixture
def noted(tmp_path):
    def noted(config):
        result = copy.deepcopy(config)
        contents.note_contents(result, str(tmp_path), NoVolumes())
        return result

    return noted


def test_which_files_are_compared(config, noted):
    found = {
        name: sorted(map(os.path.basename, service.get(contents.CONTENTS, {})))
        for name, service in noted(config)["services"].items()
    }
    assert found == {"web": ["app.conf", "token"], "proxy": ["nginx.conf"], "plain": []}
    assert contents.CONTENTS not in noted(config)["services"]["plain"]


@pytest.mark.parametrize(
    "name, changes", [("app.conf", True), ("token", True), ("nginx.conf", True), ("data.db", False)]
)
def test_a_changed_file_is_another_configuration(config, noted, tmp_path, name, changes):
    before = config_hash(noted(config))
    assert config_hash(noted(config)) == before
    (tmp_path / name).write_text("changed")
    assert (config_hash(noted(config)) != before) == changes


def test_a_large_file_is_not_compared(config, noted, tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "LARGEST", 5)
    assert list(noted(config)["services"]["web"][contents.CONTENTS]) == [str(tmp_path / "token")]


@pytest.mark.parametrize(
    "path, other, compared",
    [
        ("app/conf/app.conf", None, True),
        ("current/conf/app.conf", None, True),
        ("logs/app.log", None, False),
        ("app/hosts", None, False),  # a link that leads out of the project
        ("app/conf/app.conf", {"type": "bind", "source": "app/conf"}, False),
        ("app/conf/app.conf", {"type": "bind", "source": "current"}, False),
        ("app/conf/app.conf", {"type": "bind", "source": "app/conf/app.conf"}, False),
        ("app/conf/app.conf", {"type": "bind", "source": "app/conf", "read_only": True}, True),
        ("app/conf/app.conf", {"type": "bind", "source": "app/con"}, True),
        ("app/conf/app.conf", {"type": "bind", "source": "/"}, True),  # an agent
        ("app/conf/app.conf", {"type": "volume", "source": "bound"}, False),
        ("app/conf/app.conf", {"type": "volume", "source": "data"}, True),
    ],
)
@pytest.mark.parametrize("project_src", ["app", "current"])
def test_a_mounted_file_is_compared_only_if_the_project_alone_changes_it(tmp_path, path, other, compared, project_src):
    for name in ("app/conf/app.conf", "logs/app.log"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    (tmp_path / "app/hosts").symlink_to(tmp_path / "logs/app.log")
    (tmp_path / "current").symlink_to("app")
    mount = {"type": "bind", "source": str(tmp_path / path), "target": "/a", "read_only": True}
    if other and other["type"] == "bind":
        other = dict(other, source=str(tmp_path / other["source"]))
    options = {"type": "none", "o": "bind", "device": str(tmp_path / "app/conf")}
    config = {
        "services": {"web": {"volumes": [mount]}, "writer": {"volumes": [dict(other, target="/b")] if other else []}},
        "volumes": {"bound": {"name": "shop_bound", "driver_opts": options}, "data": {"name": "shop_data"}},
    }
    contents.note_contents(config, str(tmp_path / project_src), NoVolumes())
    assert list(config["services"]["web"].get(contents.CONTENTS, {})) == [mount["source"]] * compared


def test_configs_and_secrets_are_compared_wherever_they_are(config, tmp_path):
    contents.note_contents(config, str(tmp_path / "elsewhere"), NoVolumes())
    assert len(config["services"]["web"][contents.CONTENTS]) == 2
    assert contents.CONTENTS not in config["services"]["proxy"]
