#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_undo
short_description: (private) Undo a run that failed
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Puts nginx's previous file back if O(put_back). If the new color may have had traffic, it first checks that the
    other color is healthy, and afterwards it drains the new color.
  - Takes the containers of the new color down, and starts the exclusive services of the active color again.
  - Records the run as M(hotswap.compose.bluegreen_record) does. If it is not certain that the active color has the
    traffic, it records nothing and releases the lock, so that the next run finishes or undoes this one.
  - A part that can't be undone does not fail the task. The result names that part.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.lock
  - hotswap.compose._app.edge
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
  phase:
    description: The phase that failed.
    type: str
    required: true
  plan:
    description: The plan of the run, as M(hotswap.compose.bluegreen_plan) returned it.
    type: dict
    required: true
  put_back:
    description: Whether nginx's previous file is put back.
    type: bool
    required: true
  swapped:
    description: Whether the swap was proven.
    type: bool
    required: true
  drain_timeout:
    description: Seconds after which the requests that the new color still answers are cut.
    type: int
    default: 30
  probe_headers:
    description: The headers of the probes, as O(hotswap.compose.compose_health_wait#module:probe_headers).
    type: str
    default: e30=
  record:
    description: As O(hotswap.compose.bluegreen_finish#module:record). The outcome is decided here.
    type: dict
"""

EXAMPLES = r"""
- name: Undo a deploy that failed in its gate
  hotswap.compose.bluegreen_undo:
    app: shop
    phase: gate
    plan: "{{ planned.plan }}"
    put_back: true
    swapped: false
    record:
      services: ["was-{color}", "signal-{color}"]
      keep_releases: 3
      run: {kind: deploy, release: v2, previous_release: v1, color: green, phases: {gate: 3.2}, warnings: []}
    network: edge
    nginx_container: nginx
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
  register: undone
"""

RETURN = r"""
decision:
  description: What happened to the traffic.
  returned: success
  type: str
  choices: [undo, back, keep, unsure]
outcome:
  description: V(rolled_back) if the release had the traffic and lost it, otherwise V(rejected).
  returned: success
  type: str
kept_traffic:
  description: Whether the previous color has the traffic.
  returned: success
  type: bool
new_keeps_it:
  description: Whether the new color keeps the traffic, because there is no other healthy color.
  returned: success
  type: bool
put_back_error:
  description: Why nginx's previous file could not be put back; empty if it could.
  returned: success
  type: str
back_at:
  description: When the traffic was back, in seconds since the epoch by the target's clock.
  returned: success
  type: float
removed_containers:
  description: The containers that were removed or stopped.
  returned: success
  type: list
  elements: str
removed_images:
  description: The images that were removed.
  returned: success
  type: list
  elements: str
run:
  description: The run, as M(hotswap.compose.bluegreen_history_info) returns it from now on; null if it is not recorded.
  returned: success
  type: dict
phases:
  description: The seconds of the phases C(undo) and C(record).
  returned: success
  type: dict
left_undone:
  description: What could not be undone, a text each.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._deploy.undoer import Undoer
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._edge.options import EDGE_ARGUMENTS
from ..module_utils._errors import BluegreenError
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._progress import Progress


def main():
    module = AnsibleModule(
        argument_spec=dict(
            phase={"type": "str", "required": True},
            plan={"type": "dict", "required": True},
            put_back={"type": "bool", "required": True},
            swapped={"type": "bool", "required": True},
            drain_timeout={"type": "int", "default": 30},
            probe_headers={"type": "str", "default": "e30=", "no_log": True},
            record={"type": "dict"},
            **APP_ARGUMENTS,
            **EDGE_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
    )
    progress = Progress()
    try:
        with progress:
            undoer = Undoer(Engine.connect(module.params), module.params, progress)
            undoer.undo()
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error), progress=progress.lines)
    for warning in undoer.warnings:
        module.warn(warning)
    module.exit_json(progress=progress.lines, **undoer.result())


if __name__ == "__main__":
    main()
