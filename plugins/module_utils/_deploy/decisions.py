# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decisions of a deploy and a rollback: the active color, whether anything must change, and the target of a rollback.
Pure.

``colors`` is ``{"blue": [summary, …], "green": […]}`` from find_containers(), ``services`` is from named_services(),
``releases`` are the journal's records.
"""

from __future__ import annotations

from .._docker.completeness import has_gone, lacks, record_lacks
from .._docker.traffic import place_of, service_names, services_as_run
from .._errors import PlanError
from .._names import COLORS, LOOPBACK, alias, other_color, with_color
from .._state.journal import AWAITING
from .plan import CREATE, START, WARM
from .retention import release_identity


def active_color(app, services, served, colors, releases):
    """Return ``(color, source)``: the active color, and where this is known from: ``nginx``, ``containers``,
    ``journal`` or None.

    ``served``: ``{upstream: [target, …]}`` of this app, from nginx's files on disk. Raises PlanError if it can't be
    known.
    """
    targets = {place_of(target) for each in served.values() for target in each}
    hosts = {target["host"] for each in served.values() for target in each}
    serving = [color for color in COLORS if (hosts | targets) & _names_of(app, color, services, colors[color])]
    if len(serving) == 2:
        raise PlanError(
            "nginx sends the traffic of {} to both colors ({}), so the active color is unknown; remove one of them "
            "from "
            "nginx's configuration".format(app, ", ".join(sorted(targets)))
        )
    if serving:
        return serving[0], "nginx"
    waiting = releases[-1]["deploy"] if releases and releases[-1]["outcome"] == AWAITING else None
    running = [
        color
        for color in COLORS
        if any(each["state"] == "running" and (not waiting or each["deploy"] != waiting) for each in colors[color])
    ]
    if len(running) == 1:
        return running[0], "containers"
    held_by = [record["color"] for record in releases if record["outcome"] == "deployed"]
    if held_by and (running or colors[held_by[-1]]):
        return held_by[-1], "journal"
    if running:
        raise PlanError(
            f"both colors of {app} run, but neither nginx nor the journal shows which one has the traffic; stop the "
            "color that has no traffic"
        )
    return None, None


def _names_of(app, color, services, containers):
    """Return all names of a color in an upstream: names and addresses, and ports that only this color has on the
    host."""
    names = {alias(app, color, service["base"]) for service in services}
    names |= {with_color(service["name"], color) for service in services if service["name"] != service["base"]}
    names |= {"{}:{}".format(LOOPBACK, service["publish"][color]) for service in services if service.get("publish")}
    for container in containers:
        names.add(container["name"])
        names |= {f"{LOOPBACK}:{port}" for port in container["published"].values()}
        for network in container["networks"].values():
            names.update(network["addresses"] + network["names"])
    return names - _of_both(color, containers)


def _of_both(color, containers):
    """Return the names without a color: those of services in one Compose file for both colors."""
    return {each["service"] for each in containers if each["app"] is not None and color not in each["service"]}


def mark_exclusive(colors, exclusive):
    """Mark the containers that were started by hand whose service never runs in both colors. The role's own containers
    have a label for this. ``exclusive``: names of such services, with ``{color}``."""
    for color, containers in colors.items():
        names = {with_color(name, color) for name in exclusive}
        for container in containers:
            container["exclusive"] = container["exclusive"] or container["service"] in names


def live_release(containers):
    """Return the release of a color's containers. None if the role did not start them, or if they differ."""
    releases = {container["release"] for container in containers}
    return releases.pop() if len(releases) == 1 else None


def changes_since(release, config, refs, image_ids, containers, expected, traffic_services):
    """Return why the active color differs from the requested release, one short reason each. Empty if it does not.

    ``config``: hash of the configuration as it would be for the active color; ``refs``: ``{service: image reference}``
    of it; ``image_ids``: ``{reference: id on the target, or None}``; ``containers``: of the active color; ``expected``,
    ``traffic_services``: as for lacks().
    """
    reasons = []
    if not containers:
        return ["no container of it runs"]
    if any(container["release"] != release for container in containers):
        reasons.append("the release is {}".format(live_release(containers) or "unknown"))
    if any(container["config"] != config for container in containers):
        reasons.append("the configuration differs")
    for service in sorted(refs):
        running = {container["image_id"] for container in containers if container["service"] == service}
        if running and running != {image_ids.get(refs[service])}:
            reasons.append(f"{refs[service]} is a different image now")
    # Another configuration expects other services.
    return reasons or lacks(expected, containers, traffic_services)


def services_of(record, services, color, names):
    """Return the services that take traffic, as a release ran with them.

    ``record``: of that release, or None. An older record lacks them, so their names are looked up among ``names``,
    those of its services in ``color``; ``services``: those of today.
    """
    return (record or {}).get("services") or services_as_run(services, color, names)


def probed_services(containers, color, releases):
    """Return the names of the services of a color that a probe checks, by the records of the journal."""
    deploys = {container["deploy"] for container in containers}
    return {
        name
        for record in releases
        if record["deploy"] in deploys
        for service in record.get("services") or []
        if service.get("probe") is not None
        for name in service_names([service], color)
    }


def releases_with_traffic(releases):
    """Return the records of the releases that had the traffic one after the other. The last one is active.

    A release that was left by a rollback is removed, because a rollback never returns there by itself.
    """
    stack = []
    for record in releases:
        if record["outcome"] != "deployed":
            continue
        if record.get("rollback") and any(kept["deploy"] == record["deploy"] for kept in stack):
            while stack[-1]["deploy"] != record["deploy"]:
                stack.pop()
            stack[-1] = record  # it may run in other containers now
        elif stack and content_of(stack[-1]) == content_of(record):
            stack.pop()  # the same release again: a rollback would return to the later record
        if not stack or stack[-1]["deploy"] != record["deploy"]:
            stack.append(record)
    return stack


def content_of(record):
    """Return what two records have in common if the same release was deployed twice."""
    return release_identity(record), record["config_hash"]


def rollback_target(app, releases, wanted=None):
    """Return the record to roll back to: the one before the active one, or the newest of release ``wanted``."""
    stack = releases_with_traffic(releases)
    if not stack:
        raise PlanError(f"there is no release to roll back to: the journal in bluegreen_state_dir has none of {app}")
    known = [record for record in releases if record["outcome"] == "deployed"]
    if wanted is None:
        if len(stack) < 2:
            raise PlanError("there is no release to roll back to: " + _why_no_way_back(app, stack[-1], known))
        return stack[-2]
    for record in reversed(known):
        if record["release"] == wanted:
            return record
    raise PlanError(
        "bluegreen_release is {0!r}, but a rollback can't return to it; give one of the releases that had the traffic "
        "({1}), or deploy {0}".format(
            wanted, ", ".join(dict.fromkeys(record["release"] or "(adopted)" for record in known))
        )
    )


def _why_no_way_back(app, active, known):
    """Return why there is no release before the active one. ``known``: the records of all that had the traffic."""
    name = active["release"] or "the stack started by hand"
    left = [record["release"] for record in known if record["release"] not in ("", active["release"])]
    if left:
        return f"{left[-1]} was rolled back; set bluegreen_release: {left[-1]} to return to it"
    return f"{name} is the only release of {app} on record that had the traffic"


def awaiting_release(app, releases):
    """Return the record of the release that awaits its promotion, which is the newest record."""
    newest = releases[-1] if releases else None
    if newest and newest["outcome"] == AWAITING:
        return newest
    last = "the last run was of {release}, which was {outcome}".format(**newest) if newest else "nothing was deployed"
    raise PlanError(f"no release of {app} awaits its promotion here: {last}")


def refuse_unfit_release(record, containers, services):
    """Raise PlanError if a release that awaits its promotion can no longer get the traffic.

    ``containers``: of its color now; ``services``: from services_of().
    """
    wrong = record_lacks(record, containers, services)
    if wrong:
        raise PlanError(
            "{} in {} can't be promoted any more ({}); abort it, or deploy it again".format(
                record["release"], record["color"], ", ".join(wrong)
            )
        )


def way_back(record, colors, active, services):
    """Return ``(color, how, containers)``: in which color a release comes back, and which containers it still has.

    ``record``: of that release; ``active``: the active color, so the release comes back in the other one; ``services``:
    from services_of().
    """
    idle = other_color(active) if active else COLORS[0]
    containers = [container for container in colors[idle] if container["id"] in record["containers"]]
    if not containers or has_gone(record, containers):
        return idle, CREATE, []
    return idle, START if record_lacks(record, containers, services) else WARM, containers
