#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_join
short_description: (private) Connect a color and the shared services to each other's networks
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Compose gives a service its own name on every network that it is on. On a network with both colors, that name would
    mean either color. So this module connects a color to such networks by the Engine's API, under names that contain
    the color. It also connects the shared services to the color's own networks, under their own names.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.lock
  - hotswap.compose._app.joins
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.app
      - hotswap.compose.engine
  check_mode:
    support: none
  diff_mode:
    support: none
  idempotent:
    support: full
options: {}
"""

EXAMPLES = r"""
- name: Connect green to nginx's network
  hotswap.compose.bluegreen_join:
    app: shop
    joins: "{{ plan.joins }}"
    state_dir: /var/lib/bluegreen
"""

RETURN = r""" # """

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compose.joins import JOIN_ARGUMENTS, make_joins
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._errors import BluegreenError
from ..module_utils._options import APP_ARGUMENTS


def main():
    module = AnsibleModule(argument_spec=dict(**JOIN_ARGUMENTS, **APP_ARGUMENTS, **ENGINE_ARGUMENTS))
    try:
        changed = make_joins(Engine.connect(module.params), module.params)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
