# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The descriptions of the attributes that each module states its support of."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Runs in check mode and says what it would do, without doing it.
  diff_mode:
    description: In diff mode, returns what it changes or would change.
  idempotent:
    description: A second run with the same arguments, on a target that did not change in between, reports no change.
"""

    CHANGES_NOTHING = r"""
options: {}
attributes:
  check_mode:
    description: Runs in check mode and says what it would do, without doing it.
    support: full
  diff_mode:
    description: In diff mode, returns what it changes or would change.
    support: none
  idempotent:
    description: A second run with the same arguments, on a target that did not change in between, reports no change.
    support: full
    details: It changes nothing on the target.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/) and one of these names in C(module_defaults) to set options that the modules of the group
      have in common.
"""
