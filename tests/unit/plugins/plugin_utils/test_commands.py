# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible import constants

from ansible_collections.hotswap.compose.plugins.plugin_utils import _commands
from ansible_collections.hotswap.compose.plugins.plugin_utils._commands import arguments_of, how_to_run


@pytest.mark.parametrize(
    "task_vars, given, arguments",
    [
        ({}, (), []),
        ({"ansible_inventory_sources": ["/srv/hosts.yml"]}, (), ["-i", "/srv/hosts.yml"]),
        ({"ansible_inventory_sources": ["a", "b,"]}, (), ["-i", "a", "-i", "b,"]),
        ({"ansible_inventory_sources": list(constants.DEFAULT_HOST_LIST)}, (), []),  # by ansible.cfg
        ({"ansible_limit": "web1:web2"}, (), ["--limit", "web1:web2"]),
        ({"bluegreen_target": "shop"}, (), ["-e", "bluegreen_target=shop"]),
        # What is given one by one may be secret, or of this run alone.
        ({}, ("bluegreen_release=v2", "@vars.yml", '{"password": "x"}'), ["-e", "@vars.yml"]),
    ],
)
def test_what_finds_the_same_hosts_again(monkeypatch, task_vars, given, arguments):
    monkeypatch.setattr(_commands, "context", SimpleNamespace(CLIARGS={"extra_vars": given}))
    assert arguments_of(task_vars) == arguments


RUN = {"arguments": ["-i", "my hosts.yml"], "job": ""}


@pytest.mark.parametrize(
    "run, release, expected",
    [
        (RUN, None, "ansible-playbook -i 'my hosts.yml' hotswap.compose.deploy"),
        (RUN, "v2", "ansible-playbook -i 'my hosts.yml' hotswap.compose.deploy -e bluegreen_release=v2"),
        (RUN, "v2; id", "ansible-playbook -i 'my hosts.yml' hotswap.compose.deploy -e 'bluegreen_release=v2; id'"),
        (dict(RUN, job="41"), "v2", "launch the job template of deploy.yml with the release v2"),
    ],
)
def test_what_starts_a_playbook_can_be_pasted(run, release, expected):
    assert how_to_run("deploy", run, release) == expected
