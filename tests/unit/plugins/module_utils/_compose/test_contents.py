# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import os

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose import contents
from ansible_collections.hotswap.compose.plugins.module_utils._compose.render import config_hash


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


def noted(config):
    result = copy.deepcopy(config)
    contents.note_contents(result)
    return result


def test_which_files_are_compared(config):
    found = {
        name: sorted(map(os.path.basename, service.get(contents.CONTENTS, {})))
        for name, service in noted(config)["services"].items()
    }
    assert found == {"web": ["app.conf", "token"], "proxy": ["nginx.conf"], "plain": []}
    assert contents.CONTENTS not in noted(config)["services"]["plain"]


@pytest.mark.parametrize(
    "name, changes", [("app.conf", True), ("token", True), ("nginx.conf", True), ("data.db", False)]
)
def test_a_changed_file_is_another_configuration(config, tmp_path, name, changes):
    before = config_hash(noted(config))
    assert config_hash(noted(config)) == before
    (tmp_path / name).write_text("changed")
    assert (config_hash(noted(config)) != before) == changes


def test_a_large_file_is_not_compared(config, tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "LARGEST", 5)
    assert list(noted(config)["services"]["web"][contents.CONTENTS]) == [str(tmp_path / "token")]
