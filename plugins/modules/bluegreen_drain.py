#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_drain
short_description: (private) Wait until the idle color has no request left
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - After a swap, waits until nginx has answered the requests that it sent to the idle color, so that stopping that
    color cuts no request.
  - A color is drained when no worker process of the configuration before the swap is left. It is also drained when no
    idle client can return to such a worker process, none of these receives a request, and nginx has no connection open
    to the idle color.
  - With O(project_name), it also follows the containers of the active color and fails at once if one of them is no
    longer healthy, so that the idle color is not stopped.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.edge
  - hotswap.compose._app.look
  - hotswap.compose._app.probes
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.edge
      - hotswap.compose.engine
      - hotswap.compose.look
  check_mode:
    support: full
    details: Does not wait.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: It only waits.
options:
  endpoints:
    description: The addresses and ports by which nginx reaches the idle color.
    type: list
    elements: str
    required: true
  old_workers:
    description: What M(hotswap.compose.bluegreen_swap) returned as
      RV(hotswap.compose.bluegreen_swap#module:old_workers).
    type: list
    elements: list
    required: true
  proved_at:
    description: What it returned as RV(hotswap.compose.bluegreen_swap#module:proved_at).
    type: float
    required: true
  timeout:
    description: Seconds after which it no longer waits.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Wait for the requests that blue still answers
  hotswap.compose.bluegreen_drain:
    app: shop
    endpoints: "{{ plan.previous_endpoints }}"
    old_workers: "{{ swapped.old_workers }}"
    proved_at: "{{ swapped.proved_at }}"
    timeout: 60
    network: edge
    nginx_container: nginx
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
drained:
  description: Whether the idle color was drained in time.
  returned: success
  type: bool
connections:
  description: How many connections to the idle color were left at the end. Stopping the color cuts them.
  returned: success
  type: int
elapsed:
  description: Seconds waited.
  returned: success
  type: float
containers:
  description: The project's containers, if not all of them were ready, as in M(hotswap.compose.compose_health_wait).
  returned: always
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._edge.drain import cut_warning, wait_until_drained
from ..module_utils._edge.options import EDGE_ARGUMENTS, edge_for
from ..module_utils._errors import BluegreenError, ReleaseFailed
from ..module_utils._health.look import LOOK_ARGUMENTS, Look
from ..module_utils._progress import Progress
from ..module_utils._state.directory import AppState


def drain(params, progress):
    """Return the result of wait_until_drained(). Raises ReleaseFailed if the color with the traffic fails meanwhile."""
    state = AppState(params["state_dir"], params["app"])
    engine = Engine.connect(params)
    drained_of = (edge_for(engine, params, state), params["endpoints"], params["old_workers"], params["proved_at"])
    if not params["project_name"]:
        return wait_until_drained(*drained_of, params["timeout"], progress.wait)
    look = Look(engine, params, "after the swap")
    with look.following() as refuse_failed:

        def on_wait(awaits, left):
            refuse_failed()
            progress.wait(awaits, left)

        result = wait_until_drained(*drained_of, params["timeout"], on_wait)
    look.refuse_unready()
    return result


def main():
    module = AnsibleModule(
        argument_spec=dict(
            app={"type": "str", "required": True},
            endpoints={"type": "list", "elements": "str", "required": True},
            old_workers={"type": "list", "elements": "list", "required": True},
            proved_at={"type": "float", "required": True},
            timeout={"type": "int", "default": 30},
            state_dir={"type": "str", "required": True},
            **EDGE_ARGUMENTS,
            **LOOK_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    params = module.params
    drained, connections, waited = True, 0, 0.0
    progress = Progress()
    try:
        if not module.check_mode:
            with progress:
                drained, connections, waited = drain(params, progress)
    except ReleaseFailed as error:
        module.fail_json(msg=str(error), containers=error.containers, progress=progress.lines)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error), containers=[])
    if not drained:
        module.warn(cut_warning(connections, params["timeout"]))
    module.exit_json(
        changed=False,
        drained=drained,
        connections=connections,
        elapsed=round(waited, 3),
        containers=[],
        progress=progress.lines,
    )


if __name__ == "__main__":
    main()
