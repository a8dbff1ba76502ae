#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The action plugin of the same name implements this module.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_report
short_description: (private) Print how a run ended, and write its page
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Prints which release has the traffic now, how long the run took, its warnings and what to do next. For a failed run,
    M(hotswap.compose.bluegreen_fail) prints more.
  - Writes an HTML page that needs no network, a small JSON file with the same name, and C(index.html) for all pages of
    the directory, of all apps and hosts. Writes no page in check mode or if the run found nothing to do.
  - Publishes the result as the custom stat C(bluegreen_results), a mapping by host.
  - A page that can't be written is a warning, never a failure.
  - Runs on the controller.
extends_documentation_fragment:
  - hotswap.compose._attributes.changes_nothing
options:
  directory:
    description: The directory on the controller. It is created if it is missing. If empty, no page is written.
    type: path
    default: ''
"""

EXAMPLES = r"""
- name: Show how the run ended, and write its page
  hotswap.compose.bluegreen_report:
    directory: /var/www/deploys
  register: reported
"""

RETURN = r"""
result:
  description: C(bluegreen_result) of the run.
  returned: always
  type: dict
page:
  description: The page's path. Null if none was written.
  returned: always
  type: str
"""
