#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The action plugin of the same name implements this module.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_failed_task
short_description: (private) Read in a rescue which task failed
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Reads C(ansible_failed_task) and C(ansible_failed_result). Finds out which phase failed, and decides whether nginx's
    previous file is restored.
  - Runs on the controller.
extends_documentation_fragment:
  - hotswap.compose._attributes.changes_nothing
options:
  hook:
    description: The hook that failed. Empty if none did. Unless it is tolerated, the task fails with its message.
    type: str
    default: ''
  tolerated:
    description: What the warning says about a failure that no longer changes anything. If it is empty, the failure is
      not tolerated.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Note what failed
  hotswap.compose.bluegreen_failed_task:
  register: failure
"""

RETURN = r"""
phase:
  description: The phase that failed.
  returned: if it is not tolerated
  type: str
hook:
  description: The hook that failed. Empty if none did.
  returned: if it is not tolerated
  type: str
module:
  description: The module of the task that failed.
  returned: if it is not tolerated
  type: str
why:
  description: The message of the task that failed.
  returned: if it is not tolerated
  type: str
evidence:
  description: The whole result of the task that failed, if its module is part of this collection. Otherwise empty.
  returned: if it is not tolerated
  type: dict
put_back:
  description: Whether nginx's previous file is restored.
  returned: if it is not tolerated
  type: bool
swapped:
  description: Whether the swap was proven.
  returned: if it is not tolerated
  type: bool
left_undone:
  description: What is tolerated so far, a text each.
  returned: if it is tolerated
  type: list
  elements: str
"""
