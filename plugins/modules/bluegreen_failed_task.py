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
  - Reads C(ansible_failed_task) and C(ansible_failed_result), and decides whether nginx's previous file is restored.
  - Runs on the controller.
extends_documentation_fragment:
  - hotswap.compose._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  phase:
    description: The phase that failed.
    type: str
    required: true
  hook:
    description: The hook that failed. Empty if none did.
    type: str
    default: ''
  plan:
    description: The plan of the run, as M(hotswap.compose.bluegreen_plan) returned it.
    type: dict
    required: true
  introduced:
    description: Whether nginx has loaded the new color's names or a preview.
    type: bool
    required: true
  swap_message:
    description: The message of the swap, which is a handler. Empty if it did not fail.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Note what failed
  hotswap.compose.bluegreen_failed_task:
    phase: gate
    plan: "{{ planned.plan }}"
    introduced: false
  register: failure
"""

RETURN = r"""
phase:
  description: The phase that failed.
  returned: success
  type: str
hook:
  description: The hook that failed. Empty if none did.
  returned: success
  type: str
module:
  description: The module of the task that failed.
  returned: success
  type: str
why:
  description: The message of the task that failed.
  returned: success
  type: str
evidence:
  description: The whole result of the task that failed, if its module is part of this collection. Otherwise empty.
  returned: success
  type: dict
gate:
  description: The evidence, if the gate failed.
  returned: if the gate failed
  type: dict
baked:
  description: The evidence, if a watch failed.
  returned: if M(hotswap.compose.bluegreen_bake) failed
  type: dict
moved_traffic:
  description: Whether the new color may have had traffic.
  returned: success
  type: bool
put_back:
  description: Whether nginx's previous file is restored.
  returned: success
  type: bool
"""
