#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The action plugin of the same name implements this module.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_fail
short_description: (private) Fail, and show on one screen why and what to do next
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Prints which container failed, why, its last health checks and log, what the role undid, which color has the
    traffic and what to do next, in at most 34 lines. Then it fails with the first of these lines as its message.
  - Runs on the controller.
extends_documentation_fragment:
  - hotswap.compose._attributes.changes_nothing
options: {}
"""

EXAMPLES = r"""
- name: Show what failed, and fail
  hotswap.compose.bluegreen_fail:
"""

RETURN = r"""
msg:
  description: The screen's first line.
  returned: always
  type: str
  sample: "shop v2 was rejected in the phase gate: was-green-1 exited with 3 after 1.2 s"
"""
