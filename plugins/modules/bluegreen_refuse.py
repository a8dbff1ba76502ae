#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The action plugin of the same name implements this module.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_refuse
short_description: (private) Fail with a message that is readable in each job
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the playbooks of this collection use it, and any release may change it.
  - Fails the task. Prints the message as a line of its own too, in a job that shows results as JSON only.
  - Runs on the controller.
extends_documentation_fragment:
  - hotswap.compose._attributes.changes_nothing
options:
  msg:
    description: The message.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse a group without hosts
  hotswap.compose.bluegreen_refuse:
    msg: The group shop has no host.
  when: groups['shop'] | length == 0
"""

RETURN = r""" # """
