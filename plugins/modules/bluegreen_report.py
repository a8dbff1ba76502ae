#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The action plugin of the same name implements this module.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_report
short_description: (private) Say how a run ended, and write a page of it
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Prints what has the traffic now, how long the run took, its warnings and what is next; of one that failed
    M(hotswap.compose.bluegreen_fail) prints more.
  - Writes an HTML page that needs no network, a small JSON file beside it, and C(index.html) over all pages of the
    directory, whatever app or host they are of; none in check mode, nor of a run that found nothing to do.
  - Publishes the result as the custom stat C(bluegreen_results), a mapping by host.
  - What can't be written is a warning, never a failure.
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
    details: It never reports a change, for it changes nothing on a target.
options:
  directory:
    description: The directory on the controller; it is made where it is not there. Empty, no page is written.
    type: path
    default: ''
  run:
    description: What is known of the run, as the role gathers it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the page of a run that was refused at once
  hotswap.compose.bluegreen_report:
    directory: /var/www/deploys
    run:
      app: shop
      kind: deploy
      release: v2
      color: green
      previous_color: blue
      result:
        outcome: rejected
        active_color: blue
        release: v1
        previous_release: v1
        phases: {detect: 0.4, prepare: 3.1}
        containers: []
        warnings: []
      ended: "{{ now().timestamp() }}"
      failed_phase: prepare
      reason: the registry does not answer
      unsure: false
      images: {}
      gate: {}
      watches: []
      canary_weights: []
      swapped_at:
      back_at:
      clock_ahead: 0
"""

RETURN = r"""
page:
  description: The page's path; null where none was written.
  returned: always
  type: str
"""
