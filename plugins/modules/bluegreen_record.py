#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_record
short_description: (private) Record how a deploy ended, and remove unneeded images
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Closes the unfinished deploy in the journal with its outcome, adds the run to the history that
    M(hotswap.compose.bluegreen_history_info) reads, and releases the O(lock).
  - After a deploy, removes this app's images beyond the retained releases. After a failure, removes the images that
    only that release brought. It never removes an image that a container uses, that another app recorded, or that was
    there before.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.lock
  - hotswap.compose._app.record
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
    details: If no deploy is unfinished, only the history gets one more run.
"""

EXAMPLES = r"""
- name: Record that the release has the traffic
  hotswap.compose.bluegreen_record:
    app: shop
    outcome: deployed
    services: ["was-{color}", "signal-{color}"]
    keep_releases: 3
    run: {kind: deploy, release: v2, previous_release: v1, color: green, phases: {gate: 3.2, swap: 0.2}}
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
removed_images:
  description: The images that were removed.
  returned: success
  type: list
  elements: str
run:
  description: The run, as M(hotswap.compose.bluegreen_history_info) returns it from now on.
  returned: success, but not in check mode
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._deploy.closing import RECORD_ARGUMENTS, close_run
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._errors import BluegreenError
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._state.directory import AppState
from ..module_utils._state.lock import AppLock


def main():
    module = AnsibleModule(
        argument_spec=dict(**RECORD_ARGUMENTS, **APP_ARGUMENTS, **ENGINE_ARGUMENTS), supports_check_mode=True
    )
    params = module.params
    try:
        state = AppState(params["state_dir"], params["app"])
        if module.check_mode:
            module.exit_json(changed=state.journal["unfinished"] is not None, removed_images=[])
        lock = AppLock(params["state_dir"], params["app"])
        result = close_run(Engine.connect(params), state, lock, params["lock"], params)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error))
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
