#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What it says is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_fail
short_description: Fail, and say on one screen why and what is next
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Prints which container failed, why, its last probes and log, what was undone, who has the traffic and what to do,
    34 lines at most. Then it fails with the first of them as its message.
  - Runs on the controller.
  - A part of the role P(hotswap.compose.bluegreen#role), of little use alone.
extends_documentation_fragment:
  - hotswap.compose.attributes
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
    description: V(rolled_back) where the release had the traffic, V(rejected) otherwise.
    type: str
    required: true
  phase:
    description: In which phase it failed.
    type: str
    required: true
  hook:
    description: Whose task failed; empty where it is no hook's.
    type: str
    default: ''
  why:
    description: What the task that failed said.
    type: str
    required: true
  module:
    description: The module of that task.
    type: str
    default: ''
  release:
    description: The release that failed; empty for what was started by hand.
    type: str
    default: ''
  previous_release:
    description: The release that had the traffic before; empty for what was started by hand.
    type: str
    default: ''
  color:
    description: The color of the release that failed.
    type: str
    default: ''
  active_color:
    description: The color that had the traffic before; empty for none.
    type: str
    default: ''
  how:
    description: As of M(hotswap.compose.bluegreen_plan).
    type: str
    default: ''
  containers:
    description: The release's containers, as of M(hotswap.compose.compose_health_wait).
    type: list
    elements: dict
    default: []
  kept_traffic:
    description: Whether the color that had the traffic has it.
    type: bool
    required: true
  new_keeps_it:
    description: Whether the release that failed has it and keeps it.
    type: bool
    required: true
  put_back_error:
    description: Why the traffic could not be put back; empty where it could.
    type: str
    default: ''
  removed_containers:
    description: The containers that were removed, or stopped, again.
    type: list
    elements: str
    default: []
  removed_images:
    description: The images that were removed again.
    type: list
    elements: str
    default: []
  left_undone:
    description: What was not undone, a clause each.
    type: list
    elements: str
    default: []
  page:
    description: The path of the run's page; empty for none.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Say how it ended, and fail
  hotswap.compose.bluegreen_fail:
    app: shop
    kind: deploy
    outcome: rejected
    phase: gate
    why: was-green-1 exited with 3 after 1.2 s
    release: v2
    previous_release: v1
    color: green
    active_color: blue
    kept_traffic: true
    new_keeps_it: false
"""

RETURN = r"""
msg:
  description: The screen's first line.
  returned: always
  type: str
  sample: "shop v2 was refused, in the phase gate: was-green-1 exited with 3 after 1.2 s"
"""
