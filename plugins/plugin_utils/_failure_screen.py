# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The failure screen: a failed run on one screen. Pure.

``facts`` are from bluegreen_fail.facts_of(), with ``arguments`` and ``job`` for how_to_run(), and ``logs_in``: whether
bluegreen_registry is set.
"""

from __future__ import annotations

from ..module_utils._text import cut_text, excerpt, first_line, join_lines
from ._commands import how_to_run

LINES = 34
"""At most; together with the lines that Ansible prints below them, they fill a terminal."""

WIDTH = 160
"""The most characters shown of a line of foreign output."""

CONTAINERS = 3
PROBES = 2
NAMES = 6


def failure_headline(facts):
    """Return what happened, in one line."""
    verb = "was rolled back" if facts["outcome"] == "rolled_back" else "was rejected"
    if not facts["kept_traffic"]:  # the release has the traffic, or may have it
        verb = "failed"
    place = f"hook {facts['hook']}" if facts["hook"] else f"phase {facts['phase']}"
    return f"{facts['app']} {_release(facts)} {verb} in the {place}: {_why(facts)[0]}"


def failure_screen(facts):
    """Return the whole screen, LINES lines at most."""
    end = [
        f"Traffic: {_traffic(facts)}",
        *_undone(facts),
        *(f"Left undone: {each}" for each in first_few(facts["left_undone"])),
        *_next(facts),
        *([f"Page: {facts['page']}"] if facts["page"] else []),
    ]
    evidence = _evidence(facts, LINES - len(end) - 3)
    return join_lines([failure_headline(facts), "", *evidence, *([""] if evidence else []), *end])


def _release(facts):
    return facts["release"] or "(the stack started by hand)"


def _why(facts):
    """Return the lines of the reason, at least one. All but the first are indented, so that none looks like a line of
    ours."""
    line, rest = first_line(facts["why"])
    indented = (each if each.startswith("  ") else "  " + each for each in rest)
    return [cut_text(each.rstrip(), 5 * WIDTH) for each in (line or "no reason was given", *indented)]


def _evidence(facts, room):
    explained = [container for container in facts["containers"] if container["log"] or container["probes"]]
    shown = explained[:CONTAINERS]
    more = [container["name"] for container in explained[CONTAINERS:]]
    lines = _last(_why(facts)[1:], room // 2)
    room -= len(lines) + bool(more)
    for number, container in enumerate(shown):
        share = room // (len(shown) - number)
        block = _block(container, share)
        room -= len(block)
        lines += block
    return lines + ([f"not shown: {', '.join(first_few(more))}"] if more else [])


def _block(container, room):
    probes = [probe for probe in container["probes"] if probe["exit_code"] != 0]
    probes = _last(probes, min(PROBES, room - 2))
    log = _last(container["log"], room - 1 - len(probes))
    name = f"{container['name']} ({container['image']}) {excerpt(container['reason'], WIDTH)}"
    return [name, *map(_probe, probes), *(f"  log: {cut_text(line.rstrip(), WIDTH)}" for line in log)]


def _last(items, count):
    return items[-count:] if count > 0 else []


def _probe(probe):
    if probe["exit_code"] is None:  # the role's own request, and not a healthcheck
        text = f"probe: {probe['output']}"
    else:
        output = excerpt(probe["output"], WIDTH)
        text = f"health check: exit status {probe['exit_code']}" + (f": {output}" if output else "")
    return "  " + excerpt(text, WIDTH)


def _traffic(facts):
    new = f"{_release(facts)} ({facts['color']})"
    old = f"{facts['previous_release'] or 'the stack started by hand'} ({facts['active_color']})"
    if facts["new_keeps_it"]:
        return f"{new} keeps it, because there is no other healthy color. Nothing was removed."
    if not facts["kept_traffic"]:
        where = f"{facts['color']} or to {facts['active_color'] or 'nothing'}"
        why = excerpt(facts["put_back_error"], WIDTH)
        failed = f" Moving it back failed: {why}" if why else ""
        return f"unknown. nginx may send it to {where}. Both colors still run.{failed}"
    if not facts["active_color"]:
        return "no color has it. This was the first deploy."
    return f"{old} has it back." if facts["outcome"] == "rolled_back" else f"{old} keeps it."


def _undone(facts):
    if not facts["removed_containers"]:
        return []
    done = "stopped again" if facts["how"] in ("start", "warm") else "removed"
    images = facts["removed_images"]
    text = f"Undone: {', '.join(first_few(facts['removed_containers']))} {done}"
    return [text + (f", and the images {', '.join(first_few(images))}" if images else "") + "."]


def _next(facts):
    """Return what to do next. A command has a line of its own, so that it can be copied."""
    playbook, release = ("rollback", None) if facts["kind"] == "rollback" else ("deploy", facts["release"])
    advice, way = f"Next: {_advice(facts)}, then", how_to_run(playbook, facts, release)
    return [f"{advice} {way}"] if facts["job"] else [f"{advice} run:", f"  {way}"]


def _advice(facts):
    if not (facts["kept_traffic"] or facts["new_keeps_it"]):
        return "fix the error that nginx logged (error log or docker logs)"
    if facts["hook"]:
        return f"fix the hook {facts['hook']}"
    if facts["new_keeps_it"]:
        return "fix the release, or choose one that works"
    if facts["nginx_fault"]:
        return "fix the nginx problem quoted above"
    without_containers = ("prepare", "build", "migrate", "smoke")
    by_container = None if facts["phase"] in without_containers else _of_container(facts)
    if by_container:
        return by_container
    if facts["phase"] == "prepare" and facts["module"].endswith(".bluegreen_compose"):
        return _of_pull(facts)
    return {
        "build": "fix the Dockerfile or its context (the end of the build's output is above)",
        "migrate": "check the state of the database and fix the migration",
        "canary": "fix the release",
        "bake": "fix the release",
        "smoke": "fix the release or the test (bluegreen_smoke_tests)",
    }.get(facts["phase"], "fix the problem above")


def _of_pull(facts):
    """Return the remedy for a failed pull, without what is set already."""
    images = ", ".join(first_few(facts["pulled_images"]))
    login = "" if facts["logs_in"] else ", or set bluegreen_registry to log in"
    if facts["pull"] == "missing":
        return f"check that the registry has {images}{login}, or load the image on the target (docker load)"
    return (
        f"check that the registry has {images}{login}; if an image is only on the target, give it a tag other than "
        "latest and set bluegreen_pull: missing"
    )


def _of_probe(container, probes):
    """Return the remedy for a container that fails the probe of its service. None if it has no probe, or passes it."""
    probe = next((each for each in probes if each["service"] == container["service"]), None)
    last = container["probes"][-1] if container["probes"] else None
    if probe is None or last is None or last["exit_code"] is not None or "its probe" not in container["reason"]:
        return None
    request = f"GET {probe['path']} on" if probe.get("path") else "TCP connection to"
    reply = excerpt(last["output"].partition(": ")[2].partition("; the answer: ")[0], WIDTH)
    return f"fix {container['service']}, or its probe in bluegreen_services ({request} port {probe['port']}: {reply})"


def _of_container(facts):
    """Return the remedy for the first container that failed; if none did, for the first that was not ready in time."""
    containers = facts["containers"]
    failed = [container for container in containers if container["verdict"] == "failed"]
    pending = [container for container in containers if container["verdict"] == "pending"]
    if not failed:
        if not pending:
            return None
        remedy = _of_probe(pending[0], facts["probes"]) or f"find out why {pending[0]['service']} is not ready"
        return f"{remedy}; if it needs time, raise bluegreen_health_timeout"
    first = failed[0]
    service = first["service"]
    if first["oom_killed"]:
        return f"give {service} more memory in the Compose file, or reduce its memory use"
    of_probe = _of_probe(first, facts["probes"])
    if of_probe:
        return of_probe
    if first["health"] == "unhealthy":
        return f"fix {service}, or its healthcheck"
    if first["state"] == "removed":
        return f"find out what removed {first['name']}"
    if first["exit_code"] in (126, 127):
        return f"check that the image of {service} contains the command that it runs"
    if first["state"] == "running" and first["health"] is None and not first["restarts"]:
        return (
            f"add a healthcheck for {service} to the Compose file or a probe to bluegreen_services, or set "
            "bluegreen_no_healthcheck: running"
        )
    return f"fix {service} (its log is above)"


def first_few(names):
    """Return at most NAMES of the names; the last entry then says how many more there are."""
    names = [excerpt(name, WIDTH) for name in names]
    return names if len(names) <= NAMES else [*names[: NAMES - 1], f"{len(names) - NAMES + 1} more"]
