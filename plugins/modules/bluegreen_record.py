#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_record
short_description: Record how a deploy ended, and remove the images that nobody needs any more
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Closes the unfinished deploy in the journal with its outcome, and gives up the O(lock).
  - After a deploy, removes this app's images beyond the retained releases; after one that failed, those that only it
    brought. Never an image that a container uses, that another app recorded, or that was there for somebody else.
  - A part of the role P(hotswap.compose.bluegreen#role), of little use alone.
extends_documentation_fragment:
  - hotswap.compose.attributes
  - hotswap.compose.docker
  - hotswap.compose.app
  - hotswap.compose.app.lock
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
    details: Where no deploy is unfinished, nothing is recorded.
options:
  outcome:
    description:
      - How the deploy ended.
      - V(deployed) has the traffic, after a rollback too; V(rolled_back) had it and lost it in the same run;
        V(rejected) never had it; V(awaiting_promotion) is ready for it.
    type: str
    choices: [deployed, rolled_back, rejected, awaiting_promotion]
    required: true
  services:
    description: The names of the services that take traffic, with C({color}); their images are this app's own.
    type: list
    elements: str
    required: true
  keep_releases:
    description: How many releases' images are retained.
    type: int
    default: 3
"""

EXAMPLES = r"""
- name: Record that the release has the traffic
  hotswap.compose.bluegreen_record:
    app: shop
    outcome: deployed
    services: ["was-{color}", "signal-{color}"]
    keep_releases: 3
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
removed_images:
  description: The images that were removed.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.hotswap.compose.plugins.module_utils._engine import ENGINE_ARGUMENTS, Engine, EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._journal import OUTCOMES
from ansible_collections.hotswap.compose.plugins.module_utils._lock import AppLock
from ansible_collections.hotswap.compose.plugins.module_utils._recorder import Recorder
from ansible_collections.hotswap.compose.plugins.module_utils._state import AppState, StateError


def close(params, check_mode):
    """Return ``(whether something was unfinished, images that were removed, warnings)``."""
    state = AppState(params["state_dir"], params["app"])
    if state.journal["unfinished"] is None or check_mode:
        return state.journal["unfinished"] is not None, [], []
    if state.unfinished is None:
        state.save(unfinished=None)  # nginx's file was written again, and nothing deployed
        return True, [], []
    recorder = Recorder(Engine.connect(params), state, params["services"], params["keep_releases"])
    removed = recorder.close(state.unfinished, params["outcome"])
    return True, removed, recorder.warnings


def main():
    module = AnsibleModule(
        argument_spec=dict(
            app={"type": "str", "required": True},
            state_dir={"type": "str", "required": True},
            lock={"type": "str"},
            outcome={"type": "str", "choices": list(OUTCOMES), "required": True},
            services={"type": "list", "elements": "str", "required": True},
            keep_releases={"type": "int", "default": 3},
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    try:
        lock = AppLock(module.params["state_dir"], module.params["app"])
        with lock.acting(None if module.check_mode else module.params["lock"]):
            changed, removed, warnings = close(module.params, module.check_mode)
            if module.params["lock"] and not module.check_mode:
                lock.release(module.params["lock"])
    except (EngineError, StateError, OSError) as error:
        module.fail_json(msg=str(error))
    for warning in warnings:
        module.warn(warning)
    module.exit_json(changed=changed, removed_images=removed)


if __name__ == "__main__":
    main()
