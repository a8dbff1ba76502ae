# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that run once, beside the colors: what is to be done so that they run. Pure.

A deploy never restarts one. Where somebody started them by hand, those containers are the ones: a second database on
the same volume would destroy it.
"""

from __future__ import annotations

import copy

from ansible_collections.hotswap.compose.plugins.module_utils._compose import LABEL
from ansible_collections.hotswap.compose.plugins.module_utils._containers import has_completed, is_running


def work(config, containers, update):
    """Return ``(work, warnings)``.

    ``config``: from _ordinary.of_shared; ``containers``: ``{service: [summary, …]}``; ``update``: whether the user
    wants those to run as they are defined now.

    Keys of the work: ``up``, names of services that Compose is to start from their file; ``start``, ids of containers
    to start that somebody started by hand once, and ``by_hand``, ``{service: ids}`` of all of those; ``waits``,
    ``[{project, services}]`` that must be healthy before a color starts.
    """
    up, start, by_hand, waits, warnings = [], [], {}, {}, []
    for name, service in sorted(config["services"].items()):
        here = containers.get(name) or []
        ready = bool(here) and all(is_running(each) or has_completed(each) for each in here)
        if here and not any(each["shared"] for each in here):
            by_hand[name] = [each["id"] for each in here]
            start += [each["id"] for each in here if each["state"] != "running" and not has_completed(each)]
            project = here[0]["project"]
        else:
            another = any(each["config"] != service["labels"][LABEL + "config"] for each in here)
            if another and not update:
                warnings.append(
                    f"shared service {name} runs as it was defined before: a deploy restarts it only with "
                    "bluegreen_shared_update"
                )
            ready = ready and not (another and update)
            up += [] if ready else [name]
            project = config["name"]
        if not ready:
            waits.setdefault(project, []).append(name)
    return {
        "up": up,
        "start": start,
        "by_hand": by_hand,
        "waits": [{"project": project, "services": names} for project, names in sorted(waits.items())],
    }, warnings


def without(config, names):
    """Return the file without services that somebody started by hand: Compose would start them a second time."""
    result = copy.deepcopy(config)
    result["services"] = {name: service for name, service in result["services"].items() if name not in names}
    for service in result["services"].values():
        depends_on = {name: how for name, how in (service.pop("depends_on", None) or {}).items() if name not in names}
        service.update({"depends_on": depends_on} if depends_on else {})
    return result
