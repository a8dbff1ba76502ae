#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The action plugin of the same name implements this module.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_show
short_description: (private) Print a text as it is
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Prints a text to the terminal line by line, without quotes, escapes or the host's name.
  - Leaves out what a terminal would take for a command.
  - Runs on the controller.
extends_documentation_fragment:
  - hotswap.compose._attributes.changes_nothing
options:
  text:
    description: The text, with any number of lines.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show which release has the traffic
  hotswap.compose.bluegreen_show:
    text: |
      {{ inventory_hostname }}
      {{ bluegreen_status.release }} has the traffic, in {{ bluegreen_status.active_color }}
"""

RETURN = r""" # """
