# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.action import bluegreen_refuse
from ansible_collections.hotswap.compose.plugins.plugin_utils._task_failure import TaskFailed


def test_it_fails_with_the_message_and_prints_it(monkeypatch):
    shown = []
    monkeypatch.setattr(bluegreen_refuse, "show_refusal", shown.append)
    plugin = bluegreen_refuse.ActionModule.__new__(bluegreen_refuse.ActionModule)
    with pytest.raises(TaskFailed) as refused:
        plugin.act({"msg": "no host"}, {})
    assert refused.value.result["msg"] == "no host"
    assert shown == [["no host"]]
