# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person is told of a run that failed, on one screen. Pure.

``facts`` are the options of the module bluegreen_fail, cast to their types.
"""

from __future__ import annotations

from ..module_utils._text import cut_text, excerpt, first_line, join_lines

LINES = 34
"""At most; with the lines that Ansible prints after them, a terminal's."""

WIDTH = 160
"""Characters of a line of somebody else's at most."""

CONTAINERS = 3
PROBES = 2
NAMES = 6


def failure_headline(facts):
    """Return what happened, in one line."""
    verb = "was rolled back" if facts["outcome"] == "rolled_back" else "was refused"
    place = f"hook {facts['hook']}" if facts["hook"] else f"phase {facts['phase']}"
    return f"{facts['app']} {_release(facts)} {verb}, in the {place}: {_why(facts)[0]}"


def failure_screen(facts):
    """Return all there is to say, LINES lines at most."""
    end = [
        f"Traffic: {_traffic(facts)}",
        *_undone(facts),
        *(f"Left undone: {each}" for each in first_few(facts["left_undone"])),
        f"Next: {_next(facts)}",
        *([f"Page: {facts['page']}"] if facts["page"] else []),
    ]
    evidence = _evidence(facts, LINES - len(end) - 3)
    return join_lines([failure_headline(facts), "", *evidence, *([""] if evidence else []), *end])


def _release(facts):
    return facts["release"] or "(the stack that was started by hand)"


def _why(facts):
    """Return the lines of the reason. There is always a first; the others are indented, so that none passes for one of
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
    return lines + ([f"and of {', '.join(first_few(more))}"] if more else [])


def _block(container, room):
    probes = [probe for probe in container["probes"] if probe["exit_code"] != 0]
    probes = _last(probes, min(PROBES, room - 2))
    log = _last(container["log"], room - 1 - len(probes))
    name = f"{container['name']} ({container['image']}) {excerpt(container['reason'], WIDTH)}"
    return [name, *map(_probe, probes), *(f"  log: {cut_text(line.rstrip(), WIDTH)}" for line in log)]


def _last(items, count):
    return items[-count:] if count > 0 else []


def _probe(probe):
    output = excerpt(probe["output"], WIDTH)
    if probe["exit_code"] is None:
        return f"  probe: {output}"
    return f"  probe: exit status {probe['exit_code']}" + (f": {output}" if output else "")


def _traffic(facts):
    new = f"{_release(facts)} ({facts['color']})"
    old = f"{facts['previous_release'] or 'what was started by hand'} ({facts['active_color']})"
    if facts["new_keeps_it"]:
        return f"{new} has it and keeps it, for there is no healthy color to go back to. Nothing was removed."
    if not facts["kept_traffic"]:
        where = f"{facts['color']} or to {facts['active_color'] or 'nothing'}"
        why = excerpt(facts["put_back_error"], WIDTH)
        failed = f" Putting it back failed: {why}" if why else ""
        return f"not known for sure. nginx may send it to {where}; both still run.{failed}"
    if not facts["active_color"]:
        return "nothing has it, as before; this was the first deploy."
    return f"{old} has it back." if facts["outcome"] == "rolled_back" else f"{old} keeps it."


def _undone(facts):
    if not facts["removed_containers"]:
        return []
    done = "stopped again" if facts["how"] in ("start", "warm") else "removed"
    images = facts["removed_images"]
    text = f"Undone: {', '.join(first_few(facts['removed_containers']))} {done}"
    return [text + (f", and the images {', '.join(first_few(images))}" if images else "") + "."]


def _next(facts):
    command = f"ansible-playbook hotswap.compose.{'rollback' if facts['kind'] == 'rollback' else 'deploy'}"
    if facts["kind"] != "rollback" and facts["release"]:
        command += f" -e bluegreen_release={facts['release']}"
    return f"{_advice(facts)}, then {command}"


def _advice(facts):
    if not (facts["kept_traffic"] or facts["new_keeps_it"]):
        return "see what nginx says (its error log, or docker logs), correct that; the next run ends this one"
    if facts["hook"]:
        return f"correct the hook {facts['hook']}"
    if facts["new_keeps_it"]:
        return "correct the release, or go back to one that is sound by a deploy of it"
    if facts["module"] == "hotswap.compose.bluegreen_swap":
        return "correct what nginx, or the way through it, is said to have wrong"
    without_containers = ("prepare", "build", "migrate", "smoke")
    by_container = None if facts["phase"] in without_containers else _of_container(facts["containers"])
    if by_container:
        return by_container
    return {
        "prepare": "see that the images are there under these names, and that the target may pull them "
        "(bluegreen_registry)",
        "build": "correct the Dockerfile or its context; the end of the build's output is above",
        "migrate": "see in what state it left the database, and correct it",
        "canary": "correct the release",
        "bake": "correct the release",
        "smoke": "correct the release, or what the test expects (bluegreen_smoke_tests)",
    }.get(facts["phase"], "correct what is wrong")


def _of_container(containers):
    """Return what to do of the first container that failed or, where none did, that was not ready in time."""
    failed = [container for container in containers if container["verdict"] == "failed"]
    pending = [container for container in containers if container["verdict"] == "pending"]
    if not failed:
        if not pending:
            return None
        return f"see why {pending[0]['service']} is not ready; if it only takes longer, raise bluegreen_health_timeout"
    first = failed[0]
    service = first["service"]
    if first["oom_killed"]:
        return f"give {service} more memory in the Compose file, or have it use less"
    if first["health"] == "unhealthy":
        return f"correct {service}, or its healthcheck or probe"
    if first["state"] == "removed":
        return f"see who removed {first['name']}"
    if first["exit_code"] in (126, 127):
        return f"see that the image of {service} has the command that it is to run"
    if first["state"] == "running" and first["health"] is None and not first["restarts"]:
        return (
            f"give {service} a healthcheck in the Compose file or a probe in bluegreen_services, or set "
            "bluegreen_no_healthcheck to running"
        )
    return f"correct {service}; its log is above"


def first_few(names):
    """Return not too many of them, with a last one that says how many more there are."""
    names = [excerpt(name, WIDTH) for name in names]
    return names if len(names) <= NAMES else [*names[: NAMES - 1], f"{len(names) - NAMES + 1} more"]
