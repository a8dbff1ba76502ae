# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Closes an unfinished deploy in the journal, trims the journal, and removes images that are no longer needed."""

from __future__ import annotations

from .._docker.containers import containers_by_id, find_containers
from .._errors import EngineError
from .._files import utc_now
from .._names import COLORS, project_name, with_color
from .._state.journal import AWAITING
from .decisions import releases_with_traffic
from .retention import prunable, retained_deploys
from .trim import trimmed_migrations, trimmed_policies, trimmed_releases


class Recorder:
    """``services``: the names of those that take traffic, with ``{color}``; ``keep``: how many releases are
    retained."""

    def __init__(self, engine, state, services, keep):
        self.engine = engine
        self.state = state
        self.services = services
        self.keep = keep
        self.warnings = []
        self.images = {}  # of the recorded deploy

    def close(self, unfinished, outcome):
        """Record the unfinished deploy and prune. Return the removed images."""
        releases = list(self.state.journal["releases"])
        if unfinished.get("adopted") and not releases:
            releases.append(unfinished["adopted"])
        # A release that awaited its promotion and was not touched still awaits it, so its record stays the newest.
        place = len(releases) - (outcome == "rejected" and self._still_awaits(releases, unfinished))
        record = self._record(unfinished, outcome)
        if outcome in ("rejected", "rolled_back"):
            self._leave_networks(unfinished)
        self.images = record["images"]
        releases.insert(place, record)
        if outcome not in ("deployed", AWAITING) and "ids_before" in unfinished:
            self._restore_names(unfinished)
        images_here = self.engine.image_ids()
        releases = trimmed_releases(releases, self.keep, images_here)
        migrations = trimmed_migrations(self.state.journal.get("migrations", []), releases, images_here)
        containers = self.engine.list_containers([])
        policies = trimmed_policies(self.state.journal["restart_policies"], {each["Id"] for each in containers})
        self.state.save(releases=releases, migrations=migrations, restart_policies=policies, unfinished=None)
        removed = self._prune(releases, {each["ImageID"] for each in containers}, images_here)
        self.state.forget_deploys(self._deploys_to_keep(releases))
        return removed

    def _leave_networks(self, unfinished):
        """Remove the networks of a release that was given up. Disconnect the active color from the networks to which
        this run connected it, unless nginx's file uses its name there."""
        color = unfinished["color"]
        try:
            if "networks_before" in unfinished and not find_containers(self.engine, self.state.app)[color]:
                made = set(self.engine.project_networks(project_name(self.state.app, color)))
                for network in sorted(made - set(unfinished["networks_before"])):
                    self.engine.remove_network(network)
            for each in unfinished.get("connected", []) if "swap" not in unfinished else []:
                self.engine.leave_network(each["id"], each["network"])
        except EngineError as error:
            self.warnings.append(f"the networks of {color} could not be removed: {error}")

    def _still_awaits(self, releases, unfinished):
        newest = releases[-1] if releases else None
        if newest is None or newest["outcome"] != AWAITING or newest["deploy"] == unfinished["deploy"]:
            return False
        return len(containers_by_id(self.engine, newest["containers"])) == len(newest["containers"])

    def _deploys_to_keep(self, releases):
        goes_on = releases_with_traffic(releases)[-2:] + [
            record for record in releases[-1:] if record["outcome"] == AWAITING
        ]
        return retained_deploys(releases, self.keep) | {record["deploy"] for record in goes_on}

    def _record(self, unfinished, outcome):
        containers = find_containers(self.engine, self.state.app)[unfinished["color"]]
        if unfinished["deploy"] == "adopted":
            ids = unfinished["containers"]
        else:
            ids = [container["id"] for container in containers if container["deploy"] == unfinished["deploy"]]
        # In case it is aborted.
        noted = ("ids_before", "networks_before") if outcome == AWAITING else ()
        more = {key: unfinished[key] for key in noted if key in unfinished}
        # A run of an older version lacks these; a rollback reads no files.
        more.update({key: unfinished[key] for key in ("expected", "files") if key in unfinished})
        return {
            **more,
            "release": unfinished["release"],
            "color": unfinished["color"],
            "deploy": unfinished["deploy"],
            "deployed_at": utc_now(),
            "images": unfinished["images"] if "images" in unfinished else self._images(unfinished, containers),
            "containers": ids,
            "config_hash": unfinished["config_hash"],
            "outcome": outcome,
            "rollback": unfinished["rollback"],
            "services": unfinished["services"],
        }

    def _images(self, unfinished, containers):
        # The images of the running containers, because a tag may have moved meanwhile.
        running = {each["service"]: each["image_id"] for each in containers if each["deploy"] == unfinished["deploy"]}
        images = {}
        for service, ref in unfinished["refs"].items():
            image_id = running.get(service) or self.engine.image_id(ref)
            if image_id:
                brought = image_id != unfinished["ids_before"][ref]
                digest = self.engine.digest(image_id, ref)
                images[service] = {"ref": ref, "id": image_id, "digest": digest, "brought": brought}
                if service in unfinished.get("tags", {}):
                    images[service]["tags"] = unfinished["tags"][service]
        return images

    def _restore_names(self, unfinished):
        """Give names such as ``app:latest``, which a rejected pull or build moved, back to their previous images."""
        for ref, image_id in unfinished["ids_before"].items():
            if image_id and self.engine.image_id(ref) != image_id and self.engine.image_id(image_id):
                self.engine.call(self.engine.api.tag, image_id, ref)

    def _prune(self, releases, in_use, here):
        kept = {image["id"] for record in releases_with_traffic(releases)[-2:] for image in record["images"].values()}
        ours = [with_color(name, color) for name in self.services for color in COLORS]
        chosen = prunable(releases, self.keep, in_use | kept, self.state.foreign_images(), ours)
        return [image["ref"] or image["id"] for image in chosen if image["id"] in here and self._remove(image)]

    def _remove(self, image):
        if self.engine.image_id(image["id"]) is None:
            return False
        name = image["ref"] if image["ref"] and self.engine.image_id(image["ref"]) == image["id"] else image["id"]
        try:
            self.engine.call(self.engine.api.remove_image, name)
        except EngineError as error:
            self.warnings.append(f"the image {name} could not be removed: {error}")
            return False
        return True
