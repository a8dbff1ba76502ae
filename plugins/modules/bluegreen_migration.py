#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_migration
short_description: (private) Decide whether a migration must run, and record that it ran
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - A migration runs once for each release, which is its name and its image. The journal keeps the newest 100 migrations
    and those whose images are still on the target.
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
options:
  service:
    description: The service whose image runs the migration, with C({color}).
    type: str
    required: true
  command:
    description: The command.
    type: str
    required: true
  done:
    description: Whether the command has succeeded, so that the journal must record it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Check whether the migration of the release must still run
  hotswap.compose.bluegreen_migration:
    app: shop
    service: "was-{color}"
    command: ./manage.py migrate --no-input
    state_dir: /var/lib/bluegreen
  register: migration
"""

RETURN = r"""
due:
  description: Whether the migration must still run.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._deploy.migration import is_migration_due
from ..module_utils._docker.containers import COMPOSE_LABEL
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._errors import BluegreenError, StateError
from ..module_utils._files import utc_now
from ..module_utils._names import LABEL, with_color
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._state.directory import AppState
from ..module_utils._state.lock import AppLock


def running(engine, app):
    """Return the names of the app's one-off containers that run."""
    labels = [f"{LABEL}app={app}", f"{COMPOSE_LABEL}oneoff=True"]
    found = engine.call(engine.api.containers, filters={"label": labels})
    return sorted(container["Names"][0].lstrip("/") for container in found)


def check_or_record(params, check_mode):
    """Return ``(changed, due)``."""
    with AppLock(params["state_dir"], params["app"]).acting(None if check_mode else params["lock"]):
        state = AppState(params["state_dir"], params["app"])
        unfinished = state.journal["unfinished"]
        migrations = state.journal.get("migrations", [])
        ref = unfinished["refs"][with_color(params["service"], unfinished["color"])]
        engine = Engine.connect(params)
        still = running(engine, params["app"])
        if still and not params["done"]:
            raise StateError(
                "the migration of an interrupted run is still running in {0}; wait for it or run docker stop {0}, then "
                "deploy again".format(" ".join(still))
            )
        image = engine.image_id(ref)
        due = is_migration_due(migrations, unfinished["release"], image, params["command"])
        if not (due and params["done"]) or check_mode:
            return False, due
        noted = {"release": unfinished["release"], "image": image, "command": params["command"], "at": utc_now()}
        state.save(migrations=[*migrations, noted])
        return True, False


def main():
    module = AnsibleModule(
        argument_spec=dict(
            service={"type": "str", "required": True},
            command={"type": "str", "required": True},
            done={"type": "bool", "default": False},
            **APP_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    try:
        changed, due = check_or_record(module.params, module.check_mode)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed, due=due)


if __name__ == "__main__":
    main()
