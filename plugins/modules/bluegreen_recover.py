#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_recover
short_description: (private) Finish or undo a deploy that was killed
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Compares what nginx is told, the containers and the journal, and ends a deploy or a rollback that never ended.
  - Where nginx was told of the new color and all of it is ready, nginx is made sure to have loaded that, the old color
    is drained and retired, and the release is recorded.
  - Else the traffic goes back to the old color, or stays there, and the containers of the new one go.
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
  check_mode:
    support: full
    details: Says what would be done.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: Where nothing is unfinished, nothing is done.
options:
  health_timeout:
    description: Seconds for which containers that boot, perhaps with their host, are waited for.
    type: int
    default: 120
  drain_timeout:
    description: Seconds for which the old color may finish its requests, where the deploy is finished.
    type: int
    default: 30
  retire:
    description: What becomes of the old color then.
    type: str
    choices: [stop, keep, remove]
    default: stop
  keep_releases:
    description: How many releases' images are retained.
    type: int
    default: 3
  probe_headers:
    description: The headers of the probes, as O(hotswap.compose.compose_health_wait#module:probe_headers).
    type: str
    default: e30=
"""

EXAMPLES = r"""
- name: Finish or undo what a killed run left
  hotswap.compose.bluegreen_recover:
    app: shop
    network: edge
    nginx_container: nginx
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
decision:
  description:
    - What was done.
    - V(finish), it has the traffic and is recorded; V(back), the traffic went back to the color before; V(undo), it
      had never got the traffic; V(keep), nginx was told of it, and no color is ready.
  returned: where something was unfinished
  type: str
  choices: [finish, back, undo, keep]
promoted:
  description: Whether that was a promotion, and the release has the traffic.
  returned: where something was unfinished
  type: bool
gone_back_to:
  description: The release that has the traffic; empty where it was started by hand.
  returned: where a rollback that names no release has nothing left to do
  type: str
says:
  description: One line on what was found and done.
  returned: where something was unfinished
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._deploy.plan import PROMOTE
from ..module_utils._deploy.recoverer import Recoverer
from ..module_utils._deploy.recovery import FINISH, has_gone_back
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._edge.options import EDGE_ARGUMENTS, edge_for
from ..module_utils._edge.swap import Swap
from ..module_utils._errors import BluegreenError
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._progress import Progress
from ..module_utils._state.directory import AppState
from ..module_utils._state.lock import AppLock


def recover(params, check_mode, on_wait):
    """Return the module's result."""
    state = AppState(params["state_dir"], params["app"])
    if not state.unfinished:
        return {"changed": False}
    engine = Engine.connect(params)
    swap = Swap(edge_for(engine, params, state), state, None, check_mode, on_wait=on_wait)
    recoverer = Recoverer(engine, swap, params)
    decision, said = recoverer.recover(check_mode)
    result = {"changed": True, "decision": decision, "says": said, "warnings": [said] + recoverer.warnings}
    result["promoted"] = recoverer.found["how"] == PROMOTE and decision == FINISH
    if has_gone_back(recoverer.found, decision):
        result["gone_back_to"] = recoverer.release(decision)
    return result


def main():
    module = AnsibleModule(
        argument_spec=dict(
            health_timeout={"type": "int", "default": 120},
            drain_timeout={"type": "int", "default": 30},
            retire={"type": "str", "choices": ["stop", "keep", "remove"], "default": "stop"},
            keep_releases={"type": "int", "default": 3},
            probe_headers={"type": "str", "default": "e30=", "no_log": True},
            **APP_ARGUMENTS,
            **EDGE_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    progress = Progress()
    try:
        lock = AppLock(module.params["state_dir"], module.params["app"])
        with progress, lock.acting(None if module.check_mode else module.params["lock"]):
            result = recover(module.params, module.check_mode, progress.wait)
    except (BluegreenError, OSError) as error:
        text = f"an earlier run was interrupted, and this one could not finish or undo it: {error}"
        module.fail_json(msg=text, progress=progress.lines)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(progress=progress.lines, **result)


if __name__ == "__main__":
    main()
