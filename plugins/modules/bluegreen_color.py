#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_color
short_description: (private) Start, stop or remove the containers of one color
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Stops a color so that it stays stopped when the Docker daemon restarts. Its restart policies are kept in the journal
    and restored when it starts again.
  - Also works on containers that were started by hand, in any Compose project.
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
  containers:
    description: The ids of the containers. A container that no longer exists is ignored. Give these or O(color).
    type: list
    elements: str
  color:
    description:
      - All containers that this collection started for a color of the app.
      - With O(state=absent), this also gives up the release that is being deployed. If the module is killed, the next
        run removes the rest.
    type: str
    choices: [blue, green]
  state:
    description:
      - The state that the containers must have.
      - V(absent) first stops them, with their own grace periods.
      - V(stopped) and V(absent) take away the aliases that only the active color has.
    type: str
    choices: [started, stopped, absent]
    required: true
  volumes:
    description: Whether V(absent) also removes their anonymous volumes. These hold no data if the containers never had
      traffic.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Retire blue
  hotswap.compose.bluegreen_color:
    app: shop
    containers: "{{ plan.previous_containers }}"
    state: stopped
    state_dir: /var/lib/bluegreen

- name: Remove what a rejected release left in green
  hotswap.compose.bluegreen_color:
    app: shop
    color: green
    state: absent
    volumes: true
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
containers:
  description: The names of the containers that were changed.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._docker.containers import containers_by_id, find_color_with_hooks, find_containers
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._docker.lifecycle import (
    give_up,
    remove_containers,
    start_containers,
    stop_containers,
    to_start,
    to_stop,
)
from ..module_utils._errors import BluegreenError
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._state.directory import AppState
from ..module_utils._state.lock import AppLock


def chosen(engine, params):
    """Return the summaries of the containers that are meant."""
    if not params["color"]:
        return containers_by_id(engine, params["containers"])
    if params["state"] == "absent":
        return find_color_with_hooks(engine, params["app"], params["color"])
    return find_containers(engine, params["app"])[params["color"]]


def act(engine, params, containers):
    """Bring the containers into the state in O(state)."""
    state = AppState(params["state_dir"], params["app"])
    state.create()
    if params["state"] == "started":
        start_containers(engine, state, containers)
    elif params["state"] == "stopped":
        stop_containers(engine, state, containers)
    else:
        remove = give_up if params["color"] else remove_containers
        remove(engine, state, containers, params["volumes"])


def main():
    module = AnsibleModule(
        argument_spec=dict(
            containers={"type": "list", "elements": "str"},
            color={"type": "str", "choices": ["blue", "green"]},
            state={"type": "str", "choices": ["started", "stopped", "absent"], "required": True},
            volumes={"type": "bool", "default": False},
            **APP_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        mutually_exclusive=[("containers", "color")],
        required_one_of=[("containers", "color")],
        supports_check_mode=True,
    )
    params = module.params
    try:
        engine = Engine.connect(params)
        containers = chosen(engine, params)
        if params["state"] == "started":
            containers = to_start(containers)
        elif params["state"] == "stopped":
            containers = to_stop(containers)
        if containers and not module.check_mode:
            with AppLock(params["state_dir"], params["app"]).acting(params["lock"]):
                act(engine, params, containers)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(containers), containers=[container["name"] for container in containers])


if __name__ == "__main__":
    main()
