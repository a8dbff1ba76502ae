#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_history_info
short_description: Return how the last runs of an app ended
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Reads the history of deploys, rollbacks, promotions and aborts, including rejected releases.
  - Some runs leave no record - a run that found nothing to do, a run that was refused because of its variables or the
    lock, and a first deploy that was refused before the role created anything. A run that was killed is recorded when
    the next run has finished or undone it.
extends_documentation_fragment:
  - hotswap.compose._attributes.changes_nothing
  - hotswap.compose._app
"""

EXAMPLES = r"""
- name: Read how the last runs of the shop ended
  hotswap.compose.bluegreen_history_info:
    app: shop
    state_dir: /var/lib/bluegreen
  register: seen

- name: Count the rejected releases
  ansible.builtin.debug:
    msg: "{{ seen.runs | selectattr('outcome', 'equalto', 'rejected') | length }} of {{ seen.runs | length }}"
"""

RETURN = r"""
runs:
  description: The last thirty, the newest last.
  returned: success
  type: list
  elements: dict
  contains:
    at:
      description: When the run ended, UTC.
      type: str
      sample: "2026-01-31T23:59:59Z"
    begun_at:
      description: When the run began. Null if unknown.
      type: str
    kind:
      description: What the run did.
      type: str
      choices: [deploy, rollback, promote, abort]
    outcome:
      description: How the run ended, as in the role's C(bluegreen_result).
      type: str
      choices: [deployed, rolled_back, rejected, awaiting_promotion]
    release:
      description: The release that was to get the traffic. Null if it was started by hand.
      type: str
    previous_release:
      description: The release that had the traffic before. Null if it was started by hand.
      type: str
    color:
      description: The release's color. Null if it had none yet.
      type: str
    phases:
      description: The seconds of each phase, except of the last one, in which the record is written.
      type: dict
    by:
      description: Who started the run - C(user), C(controller) and C(job) of AWX. Null if unknown.
      type: dict
    images:
      description: By service, the image's C(ref), C(id), and the registry's C(digest).
      type: dict
    warnings:
      description: The warnings, one line each.
      type: list
      elements: str
    reason:
      description: Why the run failed, in one line. Null if it did not fail.
      type: str
text:
  description: The same as text, the newest first, in lines of at most 100 characters.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import StateError
from ..module_utils._state.directory import AppState
from ..module_utils._state.history import read_history
from ..module_utils._state.status import history_text


def main():
    module = AnsibleModule(
        argument_spec={"app": {"type": "str", "required": True}, "state_dir": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    app = module.params["app"]
    try:
        runs = read_history(AppState(module.params["state_dir"], app).directory)
    except StateError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, runs=runs, text=history_text(app, runs))


if __name__ == "__main__":
    main()
