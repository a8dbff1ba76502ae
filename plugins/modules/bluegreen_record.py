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
options:
  outcome:
    description:
      - How the deploy ended.
      - V(deployed) has the traffic, also after a rollback. V(rolled_back) had the traffic and lost it in the same run.
        V(rejected) never had it. V(awaiting_promotion) is ready for it.
    type: str
    choices: [deployed, rolled_back, rejected, awaiting_promotion]
    required: true
  services:
    description: The names of the services that take traffic, with C({color}). Their images belong to this app.
    type: list
    elements: str
    required: true
  keep_releases:
    description: How many releases keep their images.
    type: int
    default: 3
  run:
    description: What the history records about the run, in addition to its O(outcome).
    type: dict
    required: true
    suboptions:
      kind:
        description: What the run did.
        type: str
        choices: [deploy, rollback, promote, abort]
        required: true
      release:
        description: The release that was to get the traffic. Empty if it was started by hand.
        type: str
      previous_release:
        description: The release that had the traffic before. Empty if it was started by hand.
        type: str
      color:
        description: The release's color.
        type: str
      phases:
        description: The seconds of each phase.
        type: dict
        default: {}
      warnings:
        description: The warnings of the run.
        type: list
        elements: str
        default: []
      reason:
        description: Why it failed. The history has the first line.
        type: str
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

from ..module_utils._deploy.recorder import Recorder
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._errors import BluegreenError
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._state.directory import AppState
from ..module_utils._state.history import append_run, ended_run, owner_of
from ..module_utils._state.journal import OUTCOMES
from ..module_utils._state.lock import AppLock


def close(params, holder):
    """Return ``(whether something was unfinished, images that were removed, the run as the history has it, warnings)``;
    ``holder``: who has the lock."""
    state = AppState(params["state_dir"], params["app"])
    changed = state.journal["unfinished"] is not None
    removed, images, warnings = [], {}, []
    if state.unfinished:
        recorder = Recorder(Engine.connect(params), state, params["services"], params["keep_releases"])
        removed = recorder.close(state.unfinished, params["outcome"])
        images, warnings = recorder.images, recorder.warnings
    elif changed:
        state.save(unfinished=None)  # nginx's file was written again, and nothing deployed
    run = ended_run(
        dict(params["run"], outcome=params["outcome"]),
        holder and holder["since"],
        owner_of(holder),
        images,
        params["run"]["warnings"] + warnings,
    )
    return changed, removed, run, warnings + append_run(state.directory, run)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            outcome={"type": "str", "choices": list(OUTCOMES), "required": True},
            services={"type": "list", "elements": "str", "required": True},
            keep_releases={"type": "int", "default": 3},
            run={
                "type": "dict",
                "required": True,
                "options": {
                    "kind": {"type": "str", "choices": ["deploy", "rollback", "promote", "abort"], "required": True},
                    "release": {"type": "str"},
                    "previous_release": {"type": "str"},
                    "color": {"type": "str"},
                    "phases": {"type": "dict", "default": {}},
                    "warnings": {"type": "list", "elements": "str", "default": []},
                    "reason": {"type": "str"},
                },
            },
            **APP_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    params = module.params
    try:
        if module.check_mode:
            state = AppState(params["state_dir"], params["app"])
            module.exit_json(changed=state.journal["unfinished"] is not None, removed_images=[])
        lock = AppLock(params["state_dir"], params["app"])
        with lock.acting(params["lock"]):
            changed, removed, run, warnings = close(params, lock.holder())
            if params["lock"]:
                lock.release(params["lock"])
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error))
    for warning in warnings:
        module.warn(warning)
    module.exit_json(changed=changed, removed_images=removed, run=run)


if __name__ == "__main__":
    main()
