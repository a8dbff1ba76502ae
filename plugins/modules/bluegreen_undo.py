#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The action plugin of the same name implements this module.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_undo
short_description: (private) Decide what to undo after a failure
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Decides which color has the traffic after a failure, and which containers are removed, stopped or started again.
  - Runs on the controller, after nginx's previous file was restored.
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
  plan:
    description: The plan of the run, as M(hotswap.compose.bluegreen_plan) returned it.
    type: dict
    required: true
  swapped:
    description: Whether the swap was proven.
    type: bool
    required: true
  put_back_failed:
    description: Whether nginx's previous file could not be restored.
    type: bool
    required: true
  put_back_changed:
    description: Whether restoring it moved the traffic.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Decide what to undo
  hotswap.compose.bluegreen_undo:
    phase: gate
    plan: "{{ planned.plan }}"
    swapped: false
    put_back_failed: false
    put_back_changed: false
  register: undo
"""

RETURN = r"""
decision:
  description: What happened to the traffic.
  returned: success
  type: str
  choices: [undo, back, keep, unsure]
outcome:
  description: V(rolled_back) if the release had the traffic and lost it, otherwise V(rejected).
  returned: success
  type: str
kept_traffic:
  description: Whether the previous color has the traffic.
  returned: success
  type: bool
new_keeps_it:
  description: Whether the new color keeps the traffic, because there is no other healthy color.
  returned: success
  type: bool
remove:
  description: Whether the new color's containers are removed.
  returned: success
  type: bool
stop:
  description: Whether they are stopped, because they existed before this run.
  returned: success
  type: bool
start_exclusive:
  description: Whether the exclusive services of the active color start again.
  returned: success
  type: bool
"""
