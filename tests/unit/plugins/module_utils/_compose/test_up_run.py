# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose.up_run import is_news
from ansible_collections.hotswap.compose.plugins.module_utils._health.wait import Change


@pytest.mark.parametrize(
    "before, state, is_told",
    [
        (None, "created", False),
        (None, "exited (0)", False),  # of the release that the color had before
        (None, "dead", False),
        (None, "starting", True),
        (None, "running", True),
        ("created", "starting", True),
        ("starting", "healthy", True),
        ("starting", "exited (3)", True),
        ("exited (0)", "removed", True),
    ],
)
def test_what_a_person_is_told_of_a_container_that_comes_up(before, state, is_told):
    assert is_news(Change(1.0, "shop-green-was-1", before, state)) is is_told


@pytest.mark.parametrize(
    "before, text",
    [
        (None, "was-1: starting after 1.2 s"),
        ("created", "was-1: starting after 1.2 s"),  # which nobody was told of
        ("exited (3)", "was-1: exited (3) \u2192 starting after 1.2 s"),
        ("starting", "was-1: restarted, starting after 1.2 s"),
    ],
)
def test_a_change_in_words(before, text):
    assert str(Change(1.2, "was-1", before, "starting")) == text
