# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._gist import gist


@pytest.mark.parametrize(
    "text, line, rest",
    [
        ("", "", []),
        ("\n \n", "", []),
        ("was-1 exited with 3", "was-1 exited with 3", []),
        ("\n  the migration   failed\n\n  at once\n", "the migration failed", ["  at once"]),
        (
            "General error: \n Error response from daemon: no\nGeneral error: another",
            "General error: Error response from daemon: no",
            ["General error: another"],
        ),
        ("a:\nb:\nc\nd", "a: b: c", ["d"]),
        ("a:\n", "a:", []),
    ],
)
def test_gist(text, line, rest):
    assert gist(text) == (line, rest)
