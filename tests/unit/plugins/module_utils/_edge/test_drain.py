# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import drain

OLD, NEW = (1, 26, 3), (1, 30, 6)


@pytest.mark.parametrize(
    "workers, connections, since_proof, version, done",
    [
        (0, 0, 0.1, NEW, True),
        (0, 3, 0.1, NEW, True),  # none of the old configuration's: what is open there is not the swap's doing
        (1, 0, 4.9, NEW, False),
        (1, 0, 5.0, NEW, True),
        (1, 1, 60.0, NEW, False),
        (1, 0, 0.0, OLD, True),
        (1, 1, 60.0, OLD, False),
    ],
)
def test_drained(workers, connections, since_proof, version, done):
    assert drain.is_drained(workers, connections, since_proof, version) is done
