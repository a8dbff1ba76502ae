# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The aliases of an app on outside networks, such as ``orders-api`` on ``corp``. Only the active color has them, so
they move at the swap.

Docker gives a container its aliases when it connects it. So a running container is disconnected and connected again,
which takes about 50 ms. It gets the same address again unless a lower address of that network has become free. With the
same address, its open connections survive.

``moving`` is ``[{service, network, aliases, moving}]``. A container of the service always has ``aliases`` on the
network, and ``moving`` only while its color is active. ``containers`` are summaries (see containers.py).
"""

from __future__ import annotations

from .containers import containers_by_id, containers_of_run


def to_give(containers, moving):
    """Return ``[(container, network, aliases)]`` to connect again, so that these containers have the moving aliases."""
    found = []
    for container, entry in _pairs(containers, moving):
        wanted = {*entry["aliases"], *entry["moving"]}
        names = _names(container, entry["network"])
        if not wanted <= names:
            found.append((container, entry["network"], sorted(_own(container, names) | wanted)))
    return found


def to_take(containers, moving):
    """Return the same, so that these containers lose the moving aliases."""
    found = []
    for container, entry in _pairs(containers, moving):
        names = _names(container, entry["network"])
        # Without any name, it is off the network: a run was killed between disconnecting and connecting it.
        if not names or names & set(entry["moving"]):
            kept = (_own(container, names) - set(entry["moving"])) | set(entry["aliases"])
            found.append((container, entry["network"], sorted(kept)))
    return found


def as_moving_of(moving, containers):
    """Return the entries of ``moving``, which belong to the other color's release, for ``containers``.

    No file lists the aliases of a stack that was started by hand. These entries let it hand its aliases over and get
    them back.
    """
    found = []
    for entry in moving:
        same = [each for each in containers if _in_blue(each["service"]) == _in_blue(entry["service"])]
        here = [each for each in same if entry["network"] in each["networks"]]
        found += [
            {"service": service, "network": entry["network"], "aliases": [], "moving": entry["moving"]}
            for service in sorted({each["service"] for each in here})
        ]
    return found


def give_aliases(engine, containers, moving):
    """Give these containers the moving aliases. Return a line for each container whose address has changed."""
    return _reconnect(engine, to_give(containers, moving))


def hand_over(engine, app, unfinished):
    """Give the moving aliases to the containers of an unfinished run (see _state/journal.py), whose color gets the
    traffic. The previous color keeps them until it is retired. Return the same as give_aliases()."""
    return give_aliases(engine, containers_of_run(engine, app, unfinished), unfinished.get("moving_aliases", []))


def hand_back(engine, app, unfinished):
    """Leave the moving aliases only to the color that was active before an unfinished run. Return the same."""
    previous = containers_by_id(engine, unfinished["previous"])
    changed = give_aliases(engine, previous, unfinished.get("previous_moving_aliases", []))
    ours = containers_of_run(engine, app, unfinished)
    return changed + take_aliases(engine, ours, unfinished)


def to_take_in_run(containers, unfinished):
    """Return the same as to_take() for containers of either color, from the journal's unfinished run (or None). Each
    container loses the aliases of its own color, because a service may have different networks in each color."""
    found = unfinished or {}
    previous = [each for each in containers if each["id"] in found.get("previous", [])]
    ours = [each for each in containers if each not in previous and _is_of_run(each, found)]
    return to_take(ours, found.get("moving_aliases", [])) + to_take(previous, found.get("previous_moving_aliases", []))


def take_aliases(engine, containers, unfinished):
    """Take the moving aliases from containers of either color. Return the same as give_aliases()."""
    return _reconnect(engine, to_take_in_run(containers, unfinished))


def join_network(engine, container, network, aliases):
    """Connect a container. Disconnect it first if it is connected, because only connecting changes its aliases."""
    if network in container["networks"]:
        engine.leave_network(container["id"], network)
    engine.join_network(container["id"], network, aliases)


def _reconnect(engine, joins):
    changed = []
    for container, network, aliases in joins:
        join_network(engine, container, network, aliases)
        before = container["networks"].get(network, {}).get("addresses")
        after = [
            each["networks"].get(network, {}).get("addresses") for each in containers_by_id(engine, [container["id"]])
        ]
        if before and after != [before] and container["state"] == "running":
            changed.append(
                "{} got another address on network {} when its aliases moved (it was {}), so its open connections "
                "there "
                "are cut".format(container["name"], network, " and ".join(before))
            )
    return changed


def _pairs(containers, moving):
    return [(each, entry) for entry in moving for each in containers if each["service"] == entry["service"]]


def _is_of_run(container, unfinished):
    return container["deploy"] == unfinished.get("deploy") or container["id"] in unfinished.get("containers", [])


def _names(container, network):
    return set(container["networks"].get(network, {}).get("names", []))


def _own(container, names):
    """Return the aliases among the names. The Engine itself adds the container's name and short id."""
    return names - {container["name"], container["id"][:12]}


def _in_blue(service):
    return service.replace("green", "blue")
