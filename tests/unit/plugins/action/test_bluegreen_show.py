# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.hotswap.compose.plugins.action import bluegreen_show


def test_a_text_is_printed_in_one_piece(monkeypatch):
    shown = []
    monkeypatch.setattr(bluegreen_show, "show", shown.append)
    plugin = bluegreen_show.ActionModule.__new__(bluegreen_show.ActionModule)
    assert plugin.act({"text": "\nshop\n  traffic  v2\n\n"}, {}) == {}
    assert shown == ["\nshop\n  traffic  v2"]
