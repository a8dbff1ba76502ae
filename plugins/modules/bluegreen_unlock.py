#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_unlock
short_description: (private) Release the lock of an app
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Releases the lock that keeps every other run of the app on this host out.
  - A dead run loses its lock by itself, at once or after 30 seconds. Use this module for a run that is alive and must
    stop. That run changes nothing more once another run has the lock.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._app
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.app
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  lock:
    description: Release the lock only if it is this one, as M(hotswap.compose.bluegreen_plan) returned it.
    type: str
"""

EXAMPLES = r"""
- name: Release the lock of the shop
  hotswap.compose.bluegreen_unlock:
    app: shop
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
freed:
  description: Which run had the lock, as text. Null if it was free.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._state.lock import AppLock, describe_holder


def main():
    module = AnsibleModule(
        argument_spec=APP_ARGUMENTS,
        supports_check_mode=True,
    )
    lock = AppLock(module.params["state_dir"], module.params["app"])
    holder = lock.holder()
    if holder and module.params["lock"] not in (None, holder["token"]):
        holder = None
    try:
        if holder and not module.check_mode:
            lock.release(holder["token"])
    except OSError as error:
        module.fail_json(msg=f"the lock in {lock.directory} can't be released: {error.strerror}; run with become")
    module.exit_json(changed=bool(holder), freed=describe_holder(holder) if holder else None)


if __name__ == "__main__":
    main()
