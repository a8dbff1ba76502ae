#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_drain
short_description: Wait until the old color has no request left
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Waits after a swap until nginx has answered what it had begun, so that the old color can be stopped without
    cutting anybody off.
  - Drained means that no nginx worker of the configuration before the swap is left, or that no idle client can come
    back to one of them and nginx has no connection open to the old color.
  - A part of the role P(hotswap.compose.bluegreen#role), of little use alone.
extends_documentation_fragment:
  - hotswap.compose.attributes
  - hotswap.compose.docker
  - hotswap.compose.app
  - hotswap.compose.app.edge
attributes:
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
    description: The endpoints and ports by which nginx reaches the old color.
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
    description: Seconds after which what is left is given up.
    type: int
    default: 30
  project_name:
    description: The Compose project that has the traffic now. Where not all of it is ready at the end, the task fails,
      so that the old color is not stopped.
    type: str
  services:
    description: The services that it must have.
    type: list
    elements: str
    default: []
  traffic_services:
    description: Those of them that take traffic.
    type: list
    elements: str
    default: []
  max_restarts:
    description: How often a container of it may have restarted.
    type: int
    default: 0
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
  description: Whether nothing was left in time.
  returned: success
  type: bool
connections:
  description: How many connections to the old color were left at the end; stopping it cuts them.
  returned: success
  type: int
elapsed:
  description: Seconds waited.
  returned: success
  type: float
containers:
  description: Of the project, where not all of it was ready, as of M(hotswap.compose.compose_health_wait).
  returned: always
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._edge.drain import cut_warning, wait_until_drained
from ..module_utils._edge.options import EDGE_ARGUMENTS, edge_for
from ..module_utils._errors import BluegreenError
from ..module_utils._health.verdict import READY, Rules
from ..module_utils._health.wait import Waiter, evidence
from ..module_utils._progress import Progress
from ..module_utils._state.directory import AppState

LOG_TAIL = 50


def still_ready(engine, params):
    """Return ``(outcome, containers)`` of the project that has the traffic now."""
    rules = Rules.of_released(params["services"], params["traffic_services"], params["max_restarts"])
    waiter = Waiter(engine, params["project_name"], rules)
    outcome = waiter.look_once()
    return outcome, evidence(engine, list(waiter.records.values()), outcome, LOG_TAIL)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            app={"type": "str", "required": True},
            endpoints={"type": "list", "elements": "str", "required": True},
            old_workers={"type": "list", "elements": "list", "required": True},
            proved_at={"type": "float", "required": True},
            timeout={"type": "int", "default": 30},
            project_name={"type": "str"},
            services={"type": "list", "elements": "str", "default": []},
            traffic_services={"type": "list", "elements": "str", "default": []},
            max_restarts={"type": "int", "default": 0},
            state_dir={"type": "str", "required": True},
            **EDGE_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    params = module.params
    drained, connections, waited = True, 0, 0.0
    outcome, containers = None, []
    progress = Progress()
    try:
        if not module.check_mode:
            state = AppState(params["state_dir"], params["app"])
            engine = Engine.connect(params)
            edge = edge_for(engine, params, state)
            with progress:
                drained, connections, waited = wait_until_drained(
                    edge,
                    params["endpoints"],
                    params["old_workers"],
                    params["proved_at"],
                    params["timeout"],
                    progress.wait,
                )
            if params["project_name"]:
                outcome, containers = still_ready(engine, params)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error), containers=[])
    if outcome and outcome.status != READY:
        module.fail_json(msg=f"{outcome.text}, after the swap", containers=containers, progress=progress.lines)
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
