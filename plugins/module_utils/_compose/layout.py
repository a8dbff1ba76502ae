# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each color runs and what both share, for both layouts: one Compose file for each color, or one for both. Pure.

``params``: from complete_request(); ``configs``: ``{color: what Compose rendered}``.
"""

from __future__ import annotations

import copy

from .._errors import ComposeError
from .._names import COLORS, is_single_file, with_color
from .render import reach_by_join, reach_by_name, reach_by_port
from .single_file import (
    ADDRESSES,
    ENDPOINT,
    JOINS,
    color_part,
    join_outside,
    networks_outside,
    one_shot_services,
    refuse_unknown_services,
    shared_part,
)
from .unsupported import refuse_unsupported, refuse_unsupported_in_one_file

ENDLESS = ("always", "unless-stopped", "any")
"""The restart policies with which the Engine restarts a container that exited with 0."""


def split_layout(params, services, configs, volumes):
    """Return ``(colors, shared, warnings)``: ``{color: config}``, the file of the shared services, and warnings. Raises
    ComposeError.

    ``services``: from named_services; ``volumes``: like in color_file().
    """
    for color, config in configs.items():
        exclusive = [with_color(name, color) for name in params["exclusive_services"]]
        refuse_unknown_services(config, "exclusive_services", exclusive)
        _refuse_dependents(config, exclusive, [with_color(service["name"], color) for service in services])
        _refuse_endless_one_shots(config)
        refuse_unsupported(config, params["shared_services"], exclusive)
    if not is_single_file(params["compose_files"]):
        _refuse_one_name(configs)
        return _with_moving_aliases(params, configs), {"services": {}}, []
    app, shared = params["app"], params["shared_services"]
    refuse_unknown_services(configs[COLORS[0]], "shared_services", shared)
    refuse_unknown_services(configs[COLORS[0]], "services", [service["name"] for service in services])
    colors, warnings = {}, []
    for color, config in configs.items():
        refuse_unsupported_in_one_file(config, shared)
        colors[color], said = color_part(
            config, app, color, services, shared, params["exclusive_services"], edge_network(params)
        )
        warnings += [line for line in said if line not in warnings]
    # Always of the same color, so that it does not change with each deploy.
    return colors, shared_part(configs[COLORS[0]], app, shared, volumes), warnings


def reach_for(params, color):
    """Return how nginx finds a color's services, for color_file()."""
    if not edge_network(params):
        return reach_by_port(color)
    if is_single_file(params["compose_files"]):
        return reach_by_join
    return reach_by_name(params["network"], params["app"], color)


def edge_network(params):
    """Return the network that nginx is on. None if nginx runs on the host."""
    return params["network"] if params["nginx_mode"] == "container" else None


def _refuse_endless_one_shots(config):
    services = config.get("services") or {}
    for name, dependent in sorted(one_shot_services({"services": services}).items()):
        service = services.get(name) or {}
        deployed = (service.get("deploy") or {}).get("restart_policy") or {}
        policy = service.get("restart") or deployed.get("condition")
        if policy in ENDLESS:
            raise ComposeError(
                f"service {name} has the restart policy {policy}, so it never completes, but service {dependent} waits "
                f'for its completion (service_completed_successfully); give {name} restart: on-failure or restart: "no"'
            )


def _with_moving_aliases(params, configs):
    """Return the configurations of the colors without the aliases that both have on an outside network. Only the active
    color has these aliases. Its containers get them at the swap."""
    network = edge_network(params)
    both = set.intersection(*({each[-2:] for each in _aliases_outside(config, network)} for config in configs.values()))
    found = {}
    for color, config in configs.items():
        result = found[color] = copy.deepcopy(config)
        exclusive = [with_color(name, color) for name in params["exclusive_services"]]
        joins = {}
        for name, key, place, alias in _aliases_outside(config, network):
            if (place, alias) in both and name not in exclusive:
                joined = result["services"][name]["networks"][key]
                _refuse_endpoint(name, key, joined, alias)
                joined["aliases"].remove(alias)
                joins.setdefault((name, place), []).append(alias)
        if joins:
            result[JOINS] = [
                join_outside(name, place, name, sorted(aliases), False, network)
                for (name, place), aliases in sorted(joins.items())
            ]
    return found


def _refuse_endpoint(name, key, joined, alias):
    lost = [each for each in (*ADDRESSES, *ENDPOINT) if joined.get(each)]
    if lost:
        raise ComposeError(
            f"service {name} has {lost[0]} on network {key} and the alias {alias}, which both colors' files have. The "
            "role moves that alias at the swap by connecting the container again, which can't keep "
            f"{lost[0]}; remove {lost[0]}, or the alias"
        )


def _aliases_outside(config, network):
    """Return ``[(service, network's key, network's name, alias)]`` of the outside networks."""
    outside = networks_outside(config, network)
    return [
        (name, key, outside[key], alias)
        for name, service in (config.get("services") or {}).items()
        for key, joined in (service.get("networks") or {}).items()
        if key in outside
        for alias in (joined or {}).get("aliases") or []
    ]


def _refuse_dependents(config, exclusive, traffic):
    for name, service in sorted((config.get("services") or {}).items()):
        needed = sorted(set(service.get("depends_on") or {}) & set(exclusive))
        if needed and name not in exclusive:
            remedy = f"remove {needed[0]} from its depends_on, or from bluegreen_exclusive_services"
            if name not in traffic:
                remedy = f"add {name} to bluegreen_exclusive_services"
            raise ComposeError(
                f"service {name} depends on {needed[0]}, which only starts after the swap, because it must never run "
                f"in both colors; {remedy}"
            )


def _refuse_one_name(configs):
    """Raise ComposeError if both colors give a container the same name."""
    taken = {}
    for color, config in configs.items():
        for name, service in sorted((config.get("services") or {}).items()):
            given = service.get("container_name")
            if given and taken.setdefault(given, color) != color:
                raise ComposeError(
                    f"service {name} has the container_name {given} in both colors, but only one container can have "
                    "that name; put ${BLUEGREEN_COLOR} into it, or remove container_name"
                )
