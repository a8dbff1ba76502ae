# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shared services: what to do so that they run. Pure.

A deploy never restarts one. If they were started by hand, the role uses those containers, because a second database on
the same volume would destroy it.
"""

from __future__ import annotations

import copy

from .._docker.containers import has_completed, is_ready
from .._errors import ComposeError
from .._names import LABEL
from .mounts import share_files
from .single_file import needed_services


def shared_work(config, containers, update, one_shots):
    """Return ``(work, warnings)``.

    ``config``: from shared_part(); ``containers``: ``{service: [summary, …]}``; ``update``: whether changed services
    are recreated; ``one_shots``: from one_shot_services().

    Keys of the work: ``up``, names of services that Compose starts from their file; ``start``, ids of containers to
    start that were started by hand before; ``by_hand``, ``{service: ids}`` of all such containers; ``absent``, names of
    the services in either; ``waits``, ``[{project, services}]`` that must be healthy before a color starts. Raises
    ComposeError.
    """
    up, start, by_hand, waits, warnings = [], [], {}, {}, []
    for name, service in sorted(config["services"].items()):
        here = containers.get(name) or []
        ended = [each for each in here if not (each["state"] == "running" or _is_done(each, name in one_shots))]
        ready = here and all(is_ready(each) or _is_done(each, name in one_shots) for each in here)
        project = config["name"]
        if here and not any(each["shared"] for each in here):
            by_hand[name] = [each["id"] for each in here]
            start += [each["id"] for each in ended]
            project = here[0]["project"]
            warnings += [_not_ours(name, project)] if update else []
        else:
            another = any(each["config"] != service["labels"][LABEL + "config"] for each in here)
            warnings += [_as_before(name)] if another and not update else []
            ready = ready and not (another and update)
            up += [name] if not here or ended or (another and update) else []
        if not ready:
            waits.setdefault(project, []).append(name)
    _refuse_divided(config, up, by_hand, containers)
    return {
        "up": up,
        "start": start,
        "by_hand": by_hand,
        "absent": up + [name for name, ids in by_hand.items() if set(ids) & set(start)],
        "waits": [{"project": project, "services": names} for project, names in sorted(waits.items())],
    }, warnings


def refuse_second_writer(starting, running):
    """Raise ComposeError if a service would start on files that another container writes, because two databases on the
    same files destroy them.

    ``starting``: ``{service: [Place]}`` that the services to start write; ``running``: ``[{name, places, by_design}]``
    of every other running container: the places that it writes, and those that the user's file lets its service write
    together with the shared ones.
    """
    for name, places in sorted(starting.items()):
        for place in places:
            for container in running:
                if any(share_files(place, each) for each in container["by_design"]):
                    continue
                other = next((each for each in container["places"] if share_files(place, each)), None)
                if other:
                    where = "" if other == place else f" ({other})"
                    raise ComposeError(
                        f"shared service {name} would start on the {place}, which the container "
                        f"{container['name']} writes{where}. Two databases on the same files destroy them; stop that "
                        f"container first, or remove {name} from bluegreen_shared_services"
                    )


def _is_done(container, is_one_shot):
    return is_one_shot and has_completed(container, is_one_shot)


def _as_before(name):
    return (
        f"the definition of shared service {name} has changed, but it still runs as before; set "
        "bluegreen_shared_update: true to recreate it"
    )


def _not_ours(name, project):
    return (
        f"shared service {name} was started by hand in the Compose project {project}, so bluegreen_shared_update does "
        "not change it; remove its container, and the next deploy creates it on the same volumes"
    )


def _refuse_divided(config, up, by_hand, containers):
    for name in up:
        for other in sorted(needed_services(config["services"][name]) & set(by_hand)):
            project = containers[other][0]["project"]
            raise ComposeError(
                f"shared service {name} needs {other}, which was started by hand in the Compose project {project} and "
                f"can't be found from another project; start {name} there: docker compose -p {project} up -d {name}"
            )


def without_services(config, names):
    """Return the file without services that were started by hand, because Compose would start them a second time."""
    result = copy.deepcopy(config)
    result["services"] = {name: service for name, service in result["services"].items() if name not in names}
    for service in result["services"].values():
        depends_on = {name: how for name, how in (service.pop("depends_on", None) or {}).items() if name not in names}
        service.update({"depends_on": depends_on} if depends_on else {})
    return result
