#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The action plugin of the same name implements this module.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_validate
short_description: (private) Validate the role's variables
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Casts the variables of the role P(hotswap.compose.bluegreen#role) by its argument specs, so that a string from C(-e)
    or a survey is treated like a typed value. Then it checks the rules between the variables.
  - A variable that is C(omit) or V(null) counts as not given. So does an empty string, as a survey sends it, unless the
    variable needs a string. A secret variable, or a part of one, can't be C(omit).
  - Rejects a variable whose name is nearly one of the role's, and warns of any other C(bluegreen_*) variable that the
    role does not have.
  - Runs on the controller, before anything is sent to the target. It only works in that role.
extends_documentation_fragment:
  - hotswap.compose._attributes.changes_nothing
options:
  entry_point:
    description: The entry point of the role whose variables these are.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Validate the variables
  hotswap.compose.bluegreen_validate:
    entry_point: main
  register: __bluegreen_validated
"""

RETURN = r"""
settings:
  description: The variables without their prefix, cast to their types. Secret variables are left out.
  returned: success
  type: dict
nginx_volumes:
  description: The volumes of the nginx container that the role is to run.
  returned: if the role runs nginx
  type: list
  elements: str
"""
