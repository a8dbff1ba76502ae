#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_finish
short_description: (private) Drain and retire the idle color, and record the run
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - V(drain) waits after a swap until nginx has answered the requests that it sent to the idle color, so that stopping
    that color cuts no request.
  - A color is drained when no worker process of the configuration before the swap is left. It is also drained when no
    idle client can return to such a worker process, none of these receives a request, and nginx has no connection open
    to the idle color.
  - With O(project_name), the drain also follows the containers of the active color and fails at once if one of them is
    no longer healthy, so that the idle color is not stopped.
  - V(retire) stops or removes the idle color, or takes from it the aliases that only the active color has.
  - V(record) closes the unfinished run in the journal, as M(hotswap.compose.bluegreen_record) does.
  - A failure to retire or to record does not fail the task, because the traffic stays where it is.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.lock
  - hotswap.compose._app.edge
  - hotswap.compose._app.look
  - hotswap.compose._app.probes
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.app
      - hotswap.compose.edge
      - hotswap.compose.engine
      - hotswap.compose.probes
  check_mode:
    support: none
  diff_mode:
    support: none
  idempotent:
    support: none
options:
  steps:
    description: What to do, in this order.
    type: list
    elements: str
    choices: [drain, retire, record]
    required: true
  endpoints:
    description: The addresses and ports by which nginx reaches the idle color.
    type: list
    elements: str
    default: []
  old_workers:
    description: What M(hotswap.compose.bluegreen_swap) returned as
      RV(hotswap.compose.bluegreen_swap#module:old_workers).
    type: list
    elements: list
    default: []
  proved_at:
    description: What M(hotswap.compose.bluegreen_swap) returned as RV(hotswap.compose.bluegreen_swap#module:proved_at).
      Without it, no traffic has moved, and there is nothing to drain.
    type: float
  drain_timeout:
    description: Seconds after which the requests that are left are cut.
    type: int
    default: 30
  previous:
    description: The ids of the idle color's containers.
    type: list
    elements: str
    default: []
  previous_release:
    description: The release of the idle color; empty if somebody started it by hand.
    type: str
    default: ''
  previous_color:
    description: The idle color; empty on a first deploy.
    type: str
    default: ''
  retire:
    description: What becomes of the idle color.
    type: str
    choices: [stop, keep, remove]
    default: stop
  record:
    description: The options O(hotswap.compose.bluegreen_record#module:outcome),
      O(hotswap.compose.bluegreen_record#module:services), O(hotswap.compose.bluegreen_record#module:keep_releases) and
      O(hotswap.compose.bluegreen_record#module:run). The controller fills them in.
    type: dict
"""

EXAMPLES = r"""
- name: Drain and retire blue, and record the release
  hotswap.compose.bluegreen_finish:
    app: shop
    steps: [drain, retire, record]
    endpoints: "{{ planned.plan.previous_endpoints }}"
    old_workers: "{{ swapped.old_workers }}"
    proved_at: "{{ swapped.proved_at }}"
    previous: "{{ planned.plan.previous_containers }}"
    record:
      outcome: deployed
      services: ["was-{color}", "signal-{color}"]
      keep_releases: 3
      run: {kind: deploy, release: v2, previous_release: v1, color: green, phases: {gate: 3.2}, warnings: []}
    network: edge
    nginx_container: nginx
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
phases:
  description: The seconds of each step.
  returned: always
  type: dict
retired:
  description: Whether a previous color was retired.
  returned: success
  type: bool
left_undone:
  description: A text for each failure after the drain.
  returned: success
  type: list
  elements: str
removed_images:
  description: The images that were removed.
  returned: if the run was recorded
  type: list
  elements: str
run:
  description: The run, as M(hotswap.compose.bluegreen_history_info) returns it from now on.
  returned: if the run was recorded
  type: dict
containers:
  description: The containers of the active color, as in the result of M(hotswap.compose.compose_health_wait).
  returned: if the task failed because of them
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._deploy.finisher import Finisher
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._edge.options import EDGE_ARGUMENTS
from ..module_utils._errors import BluegreenError, ReleaseFailed
from ..module_utils._health.look import LOOK_ARGUMENTS
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._progress import Progress


def main():
    module = AnsibleModule(
        argument_spec=dict(
            steps={"type": "list", "elements": "str", "choices": ["drain", "retire", "record"], "required": True},
            endpoints={"type": "list", "elements": "str", "default": []},
            old_workers={"type": "list", "elements": "list", "default": []},
            proved_at={"type": "float"},
            drain_timeout={"type": "int", "default": 30},
            previous={"type": "list", "elements": "str", "default": []},
            previous_release={"type": "str", "default": ""},
            previous_color={"type": "str", "default": ""},
            retire={"type": "str", "choices": ["stop", "keep", "remove"], "default": "stop"},
            record={"type": "dict"},
            **APP_ARGUMENTS,
            **EDGE_ARGUMENTS,
            **LOOK_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
    )
    progress = Progress()
    phases = {}
    try:
        with progress:
            finisher = Finisher(Engine.connect(module.params), module.params, progress)
            phases = finisher.phases
            finisher.finish()
    except ReleaseFailed as error:
        module.fail_json(msg=str(error), containers=error.containers, phases=phases, progress=progress.lines)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error), containers=[], phases=phases, progress=progress.lines)
    for warning in finisher.warnings:
        module.warn(warning)
    module.exit_json(progress=progress.lines, **finisher.result())


if __name__ == "__main__":
    main()
