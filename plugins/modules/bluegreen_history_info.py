#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_history_info
short_description: Say how the last runs of an app ended
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Reads what deploys, rollbacks, promotions and aborts left on record, those that were refused among them.
  - A run that found nothing to do, that was refused for the lock or for its variables, and a first deploy that was
    refused before anything was made, leave nothing. One that was killed is on record once the next run has finished
    or undone it.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._app
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: See how the last runs of the shop ended
  hotswap.compose.bluegreen_history_info:
    app: shop
    state_dir: /var/lib/bluegreen
  register: seen

- name: Count those that were refused
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
      description: When it ended, UTC.
      type: str
      sample: "2026-01-31T23:59:59Z"
    begun_at:
      description: When it began; null where nobody knows.
      type: str
    kind:
      description: What was asked for.
      type: str
      choices: [deploy, rollback, promote, abort]
    outcome:
      description: How it ended, as in the role's C(bluegreen_result).
      type: str
      choices: [deployed, rolled_back, rejected, awaiting_promotion]
    release:
      description: The release that was to have the traffic; null where it was started by hand.
      type: str
    previous_release:
      description: The one that had it before; null likewise.
      type: str
    color:
      description: The release's color; null where it had none yet.
      type: str
    phases:
      description: The seconds of each phase but the last, in which this was written.
      type: dict
    by:
      description: Whose run it was, C(user), C(controller) and C(job) of AWX; null where nobody knows.
      type: dict
    images:
      description: By service, the image's C(ref), C(id), and the registry's C(digest).
      type: dict
    warnings:
      description: What a person should read, a line each.
      type: list
      elements: str
    reason:
      description: Why it failed, in a line; null where it did not.
      type: str
text:
  description: The same for people, the newest first, in lines of at most 100 characters.
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
