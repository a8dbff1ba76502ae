# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan's part about the shared services and the networks that they join."""

from __future__ import annotations

import json
import os

from .._compose.mounts import written_by_container, written_by_service
from .._compose.shared_services import refuse_second_writer, shared_work
from .._compose.single_file import JOINS, SHARED, missing_joins, moving_aliases
from .._docker.aliases import as_moving_of, to_give
from .._docker.containers import ENDED
from .._errors import ComposeError
from .._names import LABEL, project_name
from .adoption import keeps_gateway


class SharedPlan:
    """``params``: from complete_request(); ``now``: a Situation; ``storage``: a Storage."""

    def __init__(self, engine, params, now, storage):
        self.engine = engine
        self.params = params
        self.now = now
        self.storage = storage
        self.app = params["app"]

    def refuse_unnamed(self):
        """Raise ComposeError if a shared service runs that is no longer named.

        Each color would start its own. If it was started by hand, it would also count as a color's container, which a
        run stops or removes with its color although the active color still uses it.
        """
        ours = [
            (listed["Labels"][LABEL + "shared"], listed["Names"][0].lstrip("/"))
            for listed in self.engine.list_containers([LABEL + "shared"])
            if listed["Labels"].get(LABEL + "app") == self.app
        ]
        used = {join["shared"] for join in self.joins_in(self._active_file()) if "shared" in join}
        by_hand = [
            (each["service"], each["name"])
            for here in self.now.colors.values()
            for each in here
            if each["app"] is None and each["service"] in used and each["state"] not in ENDED
        ]
        for name, container in ours + by_hand:
            if name not in self.params["shared_services"]:
                raise ComposeError(
                    f"{name} is a shared service that runs in the container {container}, but bluegreen_shared_services "
                    "does not name it; name it there, or remove that container first"
                )

    def work(self, config, one_shots, colors):
        """Return ``(work, warnings)`` of shared_work(), with the place of the work. ``colors``: ``{color: config}``.
        Raises ComposeError."""
        work, warnings = shared_work(config, self.now.shared, self.params["shared_update"], one_shots)
        if work["absent"]:
            refuse_second_writer(self._starting(config, work), self._running(colors))
        place = {"project": project_name(self.app, SHARED), "file": "compose.shared.json"}
        return {**work, **place}, warnings

    def reasons(self, work):
        """Return why the active color lacks a shared service or a network."""
        reasons = [f"shared service {name} does not run as defined" for name in work["absent"]]
        joins = self.joins_in(self._active_file())
        if reasons or not joins:
            return reasons
        try:
            missing = missing_joins(joins, self.now.active_containers, self.now.shared)
        except ComposeError as error:
            return [str(error)]
        reasons = [f"{container['name']} is not on the network {network}" for container, network, _aliases in missing]
        unnamed = to_give(self.now.active_containers, moving_aliases(joins)) if not missing else []
        return reasons + [
            f"{container['name']} lacks an alias on the network {network}" for container, network, _aliases in unnamed
        ]

    def joins(self, color, path):
        """Return ``[{color, file}]``: the files with the networks to join, of the new color and of the active one. A
        shared service may have been recreated since that one joined."""
        files = [(color, path), (self.now.active, self._active_file())]
        return [{"color": each, "file": file} for each, file in files if self.joins_in(file)]

    def moving(self, color, joins):
        """Return the moving aliases of both colors, if any, for the journal of a run that gives the traffic to
        ``color``. ``joins``: of the file of its release."""
        coming, previous = moving_aliases(joins), moving_aliases(self.joins_in(self._active_file()))
        if not coming and self.params["kind"] == "rollback":  # the release has no file, or an older version's
            coming = as_moving_of(previous, self.now.colors[color])
        if not previous and self.now.active:
            previous = as_moving_of(coming, self.now.active_containers)
        both = {"moving_aliases": coming, "previous_moving_aliases": previous}
        return {key: aliases for key, aliases in both.items() if aliases}

    def moved_gateways(self, joins):
        """Return a warning for each shared container whose published ports a join interrupts. ``joins``: from a color's
        file."""
        warnings = []
        for join in joins:
            for container in self.now.shared.get(join.get("shared"), []):
                if not container["published"] or join["network"] in container["networks"]:
                    continue
                inspected = self.engine.inspect(container["id"])
                if inspected and not keeps_gateway(inspected["NetworkSettings"]["Networks"], join["network"]):
                    warnings.append(
                        f"shared service {join['shared']} joins network {join['network']}, which moves the default "
                        f"gateway of {container['name']}: its published ports close for a moment, and those that "
                        "Docker chose change"
                    )
        return warnings

    def by_hand(self):
        """Return ``{service: ids}`` of the shared services that were started by hand."""
        shared = self.now.shared.items()
        return {name: [each["id"] for each in here] for name, here in shared if not any(c["shared"] for c in here)}

    def _active_file(self):
        """Return the file that the active color runs from. Empty if it has none."""
        deploys = {container["deploy"] for container in self.now.active_containers} - {None}
        paths = [
            os.path.join(self.now.state.deploy_directory(deploy), f"compose.{self.now.active}.json")
            for deploy in sorted(deploys)
        ]
        return next((path for path in paths if os.path.exists(path)), "")

    @staticmethod
    def joins_in(path):
        """Return the joins in a color's file. Empty if it can't be read."""
        return (config_in(path) or {}).get(JOINS, [])

    def _starting(self, config, work):
        """Return ``{service: [Place]}`` that the services to start write."""
        places = {
            name: [place for place, _words in written_by_service(config, name, self.storage)] for name in work["up"]
        }
        for name, ids in work["by_hand"].items():
            inspected = [self.engine.inspect(each) for each in ids if each in work["start"]]
            places[name] = [place for each in inspected if each for place in written_by_container(each, self.storage)]
        return places

    def _running(self, colors):
        """Return the ``running`` of refuse_second_writer(): every running container except shared ones and nginx, which
        is no database."""
        by_design = {
            container["id"]: [
                place for place, _words in written_by_service(colors[color], container["service"], self.storage)
            ]
            for color, here in self.now.colors.items()
            for container in here
        }
        return [
            {"name": name, "places": places, "by_design": by_design.get(container_id, [])}
            for container_id, (name, places) in self._writers(set()).items()
        ]

    def strangers(self):
        """Return ``[(name, [Place])]``: what running containers of other apps write, except nginx."""
        return list(self._writers({each["id"] for here in self.now.colors.values() for each in here}).values())

    def _writers(self, left_out):
        """Return ``{id: (name, [Place])}``: what each running container writes, without the shared ones, nginx and
        those in ``left_out``."""
        left_out = left_out | {container["id"] for here in self.now.shared.values() for container in here}
        left_out |= {self.now.edge.container["Id"]} if self.now.edge.container else set()
        found = {}
        for listed in self.engine.list_containers([]):
            wanted = listed["State"] == "running" and listed["Id"] not in left_out
            inspected = self.engine.inspect(listed["Id"]) if wanted else None
            if inspected:
                name, places = listed["Names"][0].lstrip("/"), written_by_container(inspected, self.storage)
                found[listed["Id"]] = (name, places)
        return found


def config_in(path):
    """Return the content of a color's file. None if it can't be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None
