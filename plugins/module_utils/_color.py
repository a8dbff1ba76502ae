# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, stop and remove containers of a color, and have the journal remember the restart policies that a stop takes
from them. ``containers``: summaries (see _containers)."""

from __future__ import annotations

from ansible_collections.hotswap.compose.plugins.module_utils import _containers


def start(engine, state, containers):
    """Start containers that don't run, each with the restart policy that it had."""
    policies = state.journal["restart_policies"]
    _containers.start(engine, containers, policies)
    state.save(restart_policies=_without(policies, containers))


def stop(engine, state, containers):
    """Stop them, so that they stay stopped when the Docker daemon restarts."""
    # Before they are changed: a stop that is killed half way must not lose what a rollback restores.
    policies = {container["id"]: container["restart_policy"] for container in containers}
    state.save(restart_policies=dict(policies, **state.journal["restart_policies"]))
    _containers.stop(engine, containers)


def remove(engine, state, containers, volumes):
    """Stop and remove them, with their anonymous volumes where ``volumes``."""
    _containers.stop(engine, [container for container in containers if container["state"] == "running"])
    _containers.remove(engine, containers, volumes)
    state.save(restart_policies=_without(state.journal["restart_policies"], containers))


def _without(policies, containers):
    gone = {container["id"] for container in containers}
    return {key: policy for key, policy in policies.items() if key not in gone}
