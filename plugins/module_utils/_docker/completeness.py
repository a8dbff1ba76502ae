# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide whether a release is complete: all its containers exist and are ready. Pure.

``expected`` is ``{service: number of containers}``, with the names in the color's own Compose file, 0 for a one-shot.
``containers`` are summaries (see containers.py).
"""

from __future__ import annotations

from collections import Counter

from .._names import other_color
from .containers import has_completed, is_ready
from .traffic import service_names, services_as_run


def lacks(expected, containers, traffic_services):
    """Return what is missing, a short text each. Empty if all containers exist and serve.

    ``traffic_services``: names of the services that take traffic, which must not end. Containers of a service that is
    not expected are ignored.
    """
    texts = []
    for service, replicas in sorted(expected.items()):
        here = [each for each in containers if each["service"] == service]
        if len(here) < replicas:
            texts.append(
                f"{service} has {len(here)} of {replicas} containers" if here else f"{service} has no container"
            )
        may_end = service not in traffic_services
        texts += [
            describe_state(each)
            for each in here
            if not is_ready(each) and not (may_end and has_completed(each, is_one_shot=replicas == 0))
        ]
    return texts


def serving_lacks(containers, services, color):
    """Return what a color lacks to answer requests, as lacks() does.

    Each service that takes traffic needs a container, and all its containers must be ready. Fewer replicas than
    expected are enough, because the color only has to take traffic back from a release that failed.
    """
    names = service_names(services, color)
    return lacks(dict.fromkeys(names, 1), containers, names)


def way_back_lacks(unfinished, containers):
    """Return what the color that was active before an unfinished run (see _state/journal.py) lacks to take the traffic
    back. ``containers``: of that color."""
    return serving_lacks(containers, previous_services(unfinished, containers), other_color(unfinished["color"]))


def previous_services(unfinished, containers):
    """Return the services that took traffic before an unfinished run, as they ran then. ``containers``: as for
    way_back_lacks()."""
    names = {container["service"] for container in containers}
    unprobed = [dict(service, probe=None) for service in unfinished["services"]]
    return unfinished.get("previous_services") or services_as_run(unprobed, other_color(unfinished["color"]), names)


def record_lacks(record, containers, services):
    """Return what a release lacks, as lacks() does, from its journal record.

    ``containers``: of the color in which it may run; ``services``: those that take traffic, as it ran with them.
    Exclusive services are ignored, because they start after the swap. An older record has no ``expected``, so its
    container ids are counted instead.
    """
    ours = [each for each in containers if each["id"] in record["containers"]]
    exclusive = {each["service"] for each in ours if each["exclusive"]}
    traffic = service_names(services, record["color"])
    expected = expected_by(record, ours)
    texts = lacks({name: count for name, count in expected.items() if name not in exclusive}, ours, traffic)
    gone = 0 if record.get("expected") else len(record["containers"]) - len(ours)
    return [f"{gone} of its containers are gone"] if gone and not texts else texts


def expected_by(record, containers):
    """Return what a release expects, from its journal record, or from its ``containers`` if an older record lacks
    it."""
    return record.get("expected") or expected_of(containers)


def expected_of(containers):
    """Return what is expected of a color, from the containers that it has."""
    return dict(Counter(container["service"] for container in containers))


def has_gone(record, containers):
    """Return whether containers that a release ran in are gone. ``containers``: those that still exist."""
    here = [container["service"] for container in containers]
    if record.get("expected"):
        return any(here.count(service) < replicas for service, replicas in record["expected"].items())
    return len(here) < len(record["containers"])


def describe_state(container):
    """Return a container's name and state, such as ``shop-blue-was-1 is unhealthy``."""
    state = container["state"]
    if state == "running" and container["health"] in (None, "healthy"):
        return "{} fails its probe ({})".format(container["name"], container["probe_problem"])
    return "{} is {}".format(container["name"], container["health"] or state if state == "running" else state)
