# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy.preflight import refuse_unfit_target
from ansible_collections.hotswap.compose.plugins.module_utils._errors import BluegreenError


@pytest.fixture
def place(tmp_path):
    """A target: a project, a file where a directory is wanted, and the journal of a newer version."""
    (tmp_path / "project").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "newer" / "shop").mkdir(parents=True)
    (tmp_path / "newer" / "shop" / "journal.json").write_text('{"format": 99}')
    return tmp_path


@pytest.mark.parametrize(
    "state, conf, project, message",
    [
        ("state", "edge/conf.d", "project", None),
        ("state", "edge/conf.d", None, None),
        ("file", "edge/conf.d", "project", "bluegreen_state_dir: {}/file/shop can't be written (Not a directory)"),
        ("newer", "edge/conf.d", "project", "newer/shop/journal.json was written by a newer version"),
        (
            "state",
            "file/conf.d",
            "project",
            "bluegreen_nginx_conf_dir is '{}/file/conf.d', which can't be created or written",
        ),
        ("state", "edge/conf.d", "gone", "bluegreen_project_src is '{}/gone', but the target has no such directory"),
    ],
)
def test_what_can_be_known_of_a_target(place, state, conf, project, message):
    before = sorted(place.rglob("*"))
    arguments = ("shop", str(place / state), str(place / conf), project and str(place / project))
    if message:
        with pytest.raises(BluegreenError) as error:
            refuse_unfit_target(*arguments)
        assert message.format(place) in str(error.value)
    else:
        refuse_unfit_target(*arguments)
    assert sorted(place.rglob("*")) == before
