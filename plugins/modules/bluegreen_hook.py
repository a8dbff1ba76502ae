#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The action plugin of the same name implements this module.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_hook
short_description: (private) Gather what a hook is told
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Gathers the mapping C(bluegreen_hook) from what the run has found so far.
  - Runs on the controller.
extends_documentation_fragment:
  - hotswap.compose._attributes.changes_nothing
options:
  name:
    description: The name of the hook.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Gather what the hook is told
  hotswap.compose.bluegreen_hook:
    name: before_swap
  register: told
"""

RETURN = r"""
hook:
  description: The mapping that the tasks of the hook have as C(bluegreen_hook).
  returned: success
  type: dict
"""
