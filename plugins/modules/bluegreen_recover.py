#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_recover
short_description: (private) Finish or undo an interrupted deploy
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Compares nginx's file of the app, the containers and the journal, and finishes or undoes a deploy or a rollback that
    was interrupted.
  - If nginx's file names the new color and all of it is ready, it proves that nginx has loaded that file, drains and
    retires the previous color, and records the release.
  - Otherwise the previous color gets or keeps the traffic, and the containers of the new color are removed or stopped.
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
    details: Returns what it would do.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: It does nothing if no run is unfinished.
options:
  health_timeout:
    description: Seconds to wait for containers that are starting, perhaps together with their host.
    type: int
    default: 120
  drain_timeout:
    description: Seconds in which the previous color may finish its requests, if the deploy is finished.
    type: int
    default: 30
  retire:
    description: What to do with the previous color after that.
    type: str
    choices: [stop, keep, remove]
    default: stop
  keep_releases:
    description: How many releases keep their images.
    type: int
    default: 3
  probe_headers:
    description: The headers of the probes, as O(hotswap.compose.compose_health_wait#module:probe_headers).
    type: str
    default: e30=
"""

EXAMPLES = r"""
- name: Finish or undo an interrupted run
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
    - V(finish), the release has the traffic and is recorded. V(back), the previous color has the traffic again.
      V(undo), the release never had the traffic. V(keep), nginx's file names the release, but no color is ready.
  returned: if a run was unfinished
  type: str
  choices: [finish, back, undo, keep]
promoted:
  description: Whether that run was a promotion, and the release has the traffic.
  returned: if a run was unfinished
  type: bool
gone_back_to:
  description: The release that has the traffic. Empty if it was started by hand.
  returned: if a rollback without a release has nothing left to do
  type: str
says:
  description: One line about what was found and done.
  returned: if a run was unfinished
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
