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
  - Prints which container failed, why, its last probes and log, what the role undid, which color has the traffic and
    what to do next, in at most 34 lines. Then it fails with the first of these lines as its message.
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
    details: It always fails.
options:
  app:
    description: The app's name.
    type: str
    required: true
  kind:
    description: What was asked for, C(deploy), C(rollback) or C(promote).
    type: str
    required: true
  outcome:
    description: V(rolled_back) if the release had the traffic, V(rejected) otherwise.
    type: str
    required: true
  plan:
    description: The plan of the run, as M(hotswap.compose.bluegreen_plan) returned it.
    type: dict
    required: true
  failure:
    description: What failed, as M(hotswap.compose.bluegreen_failed_task) returned it.
    type: dict
    required: true
  undo:
    description: What the role undid, as M(hotswap.compose.bluegreen_undo) returned it. Empty if it decided nothing.
    type: dict
    default: {}
  containers:
    description: The release's containers, as in M(hotswap.compose.compose_health_wait).
    type: list
    elements: dict
    default: []
  put_back_error:
    description: Why the traffic could not be moved back. Empty if it could.
    type: str
    default: ''
  removed_containers:
    description: The containers that the role removed or stopped.
    type: list
    elements: str
    default: []
  removed_images:
    description: The images that the role removed.
    type: list
    elements: str
    default: []
  left_undone:
    description: What the role could not undo, a clause each.
    type: list
    elements: str
    default: []
  page:
    description: The path of the run's page. Empty for none.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Show what failed, and fail
  hotswap.compose.bluegreen_fail:
    app: shop
    kind: deploy
    outcome: rejected
    plan: "{{ planned.plan }}"
    failure: "{{ failure }}"
    undo: "{{ undo }}"
"""

RETURN = r"""
msg:
  description: The screen's first line.
  returned: always
  type: str
  sample: "shop v2 was rejected in the phase gate: was-green-1 exited with 3 after 1.2 s"
"""
