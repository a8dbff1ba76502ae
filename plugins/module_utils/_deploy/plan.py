# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a run. Pure."""

from __future__ import annotations

from ansible_collections.hotswap.compose.plugins.module_utils._state.journal import HOWS

CREATE, START, WARM, PROMOTE = HOWS
REFRESH = "refresh"
"""How a color comes up: from its file, from its stopped containers, it still runs, it was brought up to await this, or
it is the active one and only nginx's file of it is to be written again."""
