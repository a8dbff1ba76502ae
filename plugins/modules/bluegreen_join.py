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
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.app
      - hotswap.compose.engine
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  joins:
    description: Which containers join which networks.
    type: list
    elements: dict
    required: true
    suboptions:
      color:
        description: The color. Its containers exist, but need not run.
        type: str
        choices: [blue, green]
        required: true
      file:
        description: The Compose file that the color runs from. It lists the networks.
        type: path
        required: true
  by_hand:
    description: The ids of the containers of shared services that were started by hand, by service.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Connect green to nginx's network
  hotswap.compose.bluegreen_join:
    app: shop
    joins: "{{ plan.joins }}"
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
joined:
  description: Which container joined which network, as in C(shop-green-web-1 → edge).
  returned: success
  type: list
  elements: str
"""

import json

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compose.single_file import JOINS, missing_joins
from ..module_utils._docker.aliases import join_network
from ..module_utils._docker.containers import containers_by_id, find_all_containers
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._errors import BluegreenError
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._state.lock import AppLock


def open_joins(engine, params):
    """Return ``[(container, network, aliases)]`` that are still to be made. Raises ComposeError."""
    found = []
    for each in params["joins"]:
        with open(each["file"], encoding="utf-8") as file:
            joins = json.load(file).get(JOINS, [])
        names = [join["shared"] for join in joins if "shared" in join]
        colors, shared = find_all_containers(engine, params["app"], shared=names)
        by_hand = {name: containers_by_id(engine, ids) for name, ids in params["by_hand"].items()}
        found += missing_joins(joins, colors[each["color"]], {**shared, **by_hand})
    return found


def main():
    module = AnsibleModule(
        argument_spec=dict(
            joins={
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "color": {"type": "str", "choices": ["blue", "green"], "required": True},
                    "file": {"type": "path", "required": True},
                },
            },
            by_hand={"type": "dict", "default": {}},
            **APP_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    params = module.params
    try:
        engine = Engine.connect(params)
        joins = open_joins(engine, params)
        if joins and not module.check_mode:
            with AppLock(params["state_dir"], params["app"]).acting(params["lock"]):
                for join in joins:
                    join_network(engine, *join)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error))
    joined = ["{} → {}".format(container["name"], network) for container, network, _aliases in joins]
    module.exit_json(changed=bool(joins), joined=joined)


if __name__ == "__main__":
    main()
