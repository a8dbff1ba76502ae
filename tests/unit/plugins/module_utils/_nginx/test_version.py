# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._nginx import app_file, version
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.version import (
    follows_addresses,
    keeps_connections_on_reload,
)


@pytest.mark.parametrize(
    "said, expected",
    [
        ("nginx version: nginx/1.30.6\n", (1, 30, 6)),
        ("nginx version: nginx/1.22.1 (Ubuntu)\r\n", (1, 22, 1)),
        ("nginx version: openresty/1.25.3.1\nbuilt by gcc 13.2.1 20231014 (Alpine 13.2.1_git20231014)\n", (1, 25, 3)),
        ("nginx version: openresty/1.29.2.5\nbuilt with OpenSSL 3.5.0 8 Apr 2025\n", (1, 29, 2)),
        ("Angie version: Angie/1.7.0\nnginx version: nginx/1.27.1\nbuilt with OpenSSL 3.0.13\n", (1, 27, 1)),
        ("Angie version: Angie/1.10.3\nnginx version: nginx/1.27.5\n", (1, 27, 5)),
        ("Angie version: Angie/1.10.3\n", None),  # by -v
        ("", None),
    ],
)
def test_version(said, expected):
    assert version.parse_version(said) == expected


@pytest.mark.parametrize(
    "version, follows, keeps",
    [
        ((1, 22, 1), False, False),
        ((1, 27, 2), False, False),
        ((1, 27, 3), True, False),
        ((1, 27, 4), True, True),
        ((1, 30, 6), True, True),
    ],
)
def test_features_by_version(version, follows, keeps):
    assert follows_addresses(version) is follows
    assert keeps_connections_on_reload(version) is keeps
    assert (app_file.shared_text(version) is not None) is keeps
