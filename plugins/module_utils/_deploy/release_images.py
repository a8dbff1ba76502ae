# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images of a release: which are pulled, which are built, and which images their names mean on the target now."""

from __future__ import annotations

from .._compose.builds import image_policy, pulled_instead, release_builds, shared_builds, with_built_images
from .._compose.render import image_refs
from .._docker.disk_space import DiskSpace
from .._docker.download import is_not_found, manifest_command
from .._docker.engine import repository
from .._errors import PlanError
from .._text import first_line


class ReleaseImages:
    """``planner``: the Planner of this run; ``run``, ``docker_logged_in``: as for FromFiles; ``rendered``: ``{color:
    what Compose rendered}``.

    ``pulled``: references that are pulled although the files can build them; ``builds``: ``{color: from
    release_builds()}``; ``refs``: ``{color: {service: reference}}``; ``found``, ``ids``: ``{reference: the Engine's
    data of it, or its id; or None}`` of every image name of either color.
    """

    def __init__(self, planner, run, docker_logged_in, rendered):
        self.engine = planner.engine
        self.request = planner.request
        self.journal = planner.now.state.journal
        self.active_containers = planner.now.active_containers
        self.warnings = planner.warnings
        self.run = run
        self.docker = docker_logged_in
        self.rendered = rendered
        self.is_first_plan = self.request["deploy"] is None
        self.pulled = self._pulled_instead()
        self._warn_of_unbuilt()
        self.builds, self.refs, self.found, self.ids = {}, {}, {}, {}

    def name(self, configs):
        """Return the files of the colors with the names of their images, and keep those. Raises ComposeError."""
        named = {}
        for color, config in configs.items():
            builds = release_builds(self.rendered[color], self.request, color, self.pulled, set(config["services"]))
            named[color] = with_built_images(config, builds, self.pulled)
            self.builds[color], self.refs[color] = builds, image_refs(named[color])
        names = {ref for refs in self.refs.values() for ref in refs.values()}
        names |= {tag for builds in self.builds.values() for build in builds for tag in build["tags"]}
        self.found = {name: self.engine.image(name) for name in sorted(names)}
        self.ids = {name: image and image["Id"] for name, image in self.found.items()}
        return named

    def builds_of(self, color, shared, starting):
        """Return what is built before the color starts. Nothing in the second plan after the builds.

        Each deploy builds, because the source may have changed under the same release name. If it has not, Docker
        returns the same image from its cache. ``shared``: the file of the shared services; ``starting``: the names of
        those that Compose starts.
        """
        return self.builds[color] + shared_builds(shared, starting) if self.is_first_plan else []

    def pulls(self, color):
        """Return the services whose images are pulled. Raises PlanError if a required image is missing."""
        built = self._tags(color)
        pulls = []
        for service, ref in self.refs[color].items():
            if service in built:
                continue
            definition = self.rendered[color]["services"][service]
            policy = image_policy(definition, self.request["pull"])
            if policy == "always" or (policy == "missing" and self.ids[ref] is None):
                pulls.append(service)
            elif self.ids[ref] is None:
                raise PlanError(self._missing(service, ref, definition))
        return pulls if self.is_first_plan else []

    def download(self, color, services):
        """Return the size of the pull of the services' images, as text, and ``{reference: whether the target or a
        registry is known to have the image}``. Raises PlanError if there is no space."""
        if not services:
            return None, {}
        references = sorted({self.refs[color][service] for service in services})
        disk = DiskSpace(self.engine, self.run, self.docker, self.active_containers)
        size = disk.check(references, self.ids)
        return size, {ref: self.ids[ref] is not None or ref not in disk.silent for ref in references}

    def noted(self, color):
        """Return what the journal remembers of the images, for the second plan and for the record."""
        return {"refs": self.refs[color], "tags": self._tags(color), "pulled": sorted(self.pulled)}

    def _tags(self, color):
        return {name: build["tags"] for build in self.builds[color] for name in build["services"]}

    def _pulled_instead(self):
        if not self.is_first_plan:
            return set(self.journal["unfinished"]["pulled"])
        return pulled_instead(self.rendered.values(), self.request["pull"], self._has)

    def _has(self, reference, policy):
        """Return whether a registry has the image. With the policy ``missing``, an image on the target counts, if it
        came from a registry.

        With Docker's containerd image store, a built image also has a digest. So the registry is asked for that digest.
        """
        here = self.engine.image_id(reference) if policy == "missing" else None
        if here is None:
            return self._registry_has(reference)
        digest = None if here in self._built_here() else self.engine.digest(here, reference)
        return digest is not None and self._registry_has(f"{repository(reference)}@{digest}")

    def _registry_has(self, reference):
        rc, _out, err = self.run(manifest_command(self.docker, reference), {})
        if rc != 0 and not is_not_found(err, reference):
            said = first_line(err)[0] or f"exit status {rc}"
            self.warnings.append(
                f"the registry did not answer whether it has {reference} ({said}), so the image is built; set "
                "pull_policy: build in the Compose file to skip that question"
            )
        return rc == 0

    def _warn_of_unbuilt(self):
        for reference in sorted(self.pulled):
            if reference.rpartition("/")[2].partition(":")[2] != self.request["release"]:
                self.warnings.append(
                    f"the image {reference} is pulled and not built, so changes in its source have no effect; to build "
                    "it, set pull_policy: build in the Compose file"
                )

    def _built_here(self):
        """Return the ids of the recorded images that were built."""
        images = [image for record in self.journal["releases"] for image in record["images"].values()]
        return {image["id"] for image in images if "tags" in image}

    def _missing(self, service, ref, definition):
        why, remedy = f"pull_policy is '{definition.get('pull_policy')}'", "remove pull_policy"
        if self.request["pull"] == "never":
            why, remedy = "bluegreen_pull is 'never'", "set bluegreen_pull: missing"
        return f"{why}, but the image {ref} of service {service} is not on the target; load it, or {remedy}"
