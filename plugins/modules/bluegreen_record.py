#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_record
short_description: Record how a deploy ended, and remove the images that nobody needs any more
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Closes the unfinished deploy in the journal with its outcome.
  - After a deploy, removes this app's images beyond the retained releases; after one that failed, those that only it
    brought. Never an image that a container uses, that another app recorded, or that was there for somebody else.
  - A part of the role P(hotswap.compose.bluegreen#role), of little use alone.
extends_documentation_fragment:
  - hotswap.compose.attributes
  - hotswap.compose.docker
  - hotswap.compose.app
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
    details: Where no deploy is unfinished, nothing is recorded.
options:
  outcome:
    description:
      - How the deploy ended.
      - V(deployed) has the traffic, after a rollback too; V(rolled_back) had it and lost it in the same run;
        V(rejected) never had it.
    type: str
    choices: [deployed, rolled_back, rejected]
    required: true
  services:
    description: The names of the services that take traffic, with C({color}); their images are this app's own.
    type: list
    elements: str
    required: true
  keep_releases:
    description: How many releases' images are retained.
    type: int
    default: 3
"""

EXAMPLES = r"""
- name: Record that the release has the traffic
  hotswap.compose.bluegreen_record:
    app: shop
    outcome: deployed
    services: ["was-{color}", "signal-{color}"]
    keep_releases: 3
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
removed_images:
  description: The images that were removed.
  returned: success
  type: list
  elements: str
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.hotswap.compose.plugins.module_utils._containers import find
from ansible_collections.hotswap.compose.plugins.module_utils._engine import ENGINE_ARGUMENTS, Engine, EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._plan import held
from ansible_collections.hotswap.compose.plugins.module_utils._retention import identity, prunable, retained
from ansible_collections.hotswap.compose.plugins.module_utils._settings import COLORS, with_color
from ansible_collections.hotswap.compose.plugins.module_utils._state import AppState


class Recorder:
    def __init__(self, engine, state, params):
        self.engine = engine
        self.state = state
        self.params = params
        self.warnings = []

    def close(self, unfinished):
        """Record the unfinished deploy and prune; return the images that went."""
        releases = list(self.state.journal["releases"])
        if unfinished.get("adopted") and not releases:
            releases.append(unfinished["adopted"])
        record = self._record(unfinished)
        releases.append(record)
        self.state.save(releases=releases, unfinished=None)
        if self.params["outcome"] != "deployed" and not unfinished["rollback"]:
            self._restore_names(unfinished)
        removed = self._prune(releases)
        self.state.forget_deploys(self._deploys_to_keep(releases))
        return removed

    def _deploys_to_keep(self, releases):
        kept = retained(releases, self.params["keep_releases"])
        return {
            record["deploy"]
            for record in releases
            if record["outcome"] == "deployed" and (identity(record) in kept or record in held(releases)[-2:])
        }

    def _record(self, unfinished):
        containers = find(self.engine, self.params["app"])[unfinished["color"]]
        if unfinished["deploy"] == "adopted":
            ids = unfinished["containers"]
        else:
            ids = [container["id"] for container in containers if container["deploy"] == unfinished["deploy"]]
        return {
            "release": unfinished["release"],
            "color": unfinished["color"],
            "deploy": unfinished["deploy"],
            "deployed_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "images": unfinished["images"] if unfinished["rollback"] else self._images(unfinished),
            "containers": ids,
            "config_hash": unfinished["config_hash"],
            "outcome": self.params["outcome"],
            "rollback": unfinished["rollback"],
        }

    def _images(self, unfinished):
        images = {}
        for service, ref in unfinished["refs"].items():
            image_id = self.engine.image_id(ref)
            if image_id:
                brought = image_id != unfinished["ids_before"][ref]
                images[service] = {"ref": ref, "id": image_id, "brought": brought}
        return images

    def _restore_names(self, unfinished):
        """A refused pull moved ``app:latest`` to its own image; give the name back to the one it named before."""
        for ref, image_id in unfinished["ids_before"].items():
            if image_id and self.engine.image_id(ref) != image_id and self.engine.image_id(image_id):
                self.engine.call(self.engine.api.tag, image_id, ref)

    def _prune(self, releases):
        in_use = {listed["ImageID"] for listed in self.engine.list_containers([])}
        kept = {image["id"] for record in held(releases)[-2:] for image in record["images"].values()}
        foreign = {
            image["id"]
            for state in self.state.others()
            for record in state["releases"]
            for image in record["images"].values()
        }
        ours = [with_color(name, color) for name in self.params["services"] for color in COLORS]
        chosen = prunable(releases, self.params["keep_releases"], in_use | kept, foreign, ours)
        return [image["ref"] or image["id"] for image in chosen if self._remove(image)]

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


def main():
    module = AnsibleModule(
        argument_spec=dict(
            app={"type": "str", "required": True},
            state_dir={"type": "str", "required": True},
            outcome={"type": "str", "choices": ["deployed", "rolled_back", "rejected"], "required": True},
            services={"type": "list", "elements": "str", "required": True},
            keep_releases={"type": "int", "default": 3},
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    params = module.params
    state = AppState(params["state_dir"], params["app"])
    unfinished = state.journal["unfinished"]
    removed = []
    try:
        if unfinished is not None and "deploy" not in unfinished and not module.check_mode:
            state.save(unfinished=None)  # nginx's file was written again, and nothing deployed
        elif unfinished is not None and not module.check_mode:
            recorder = Recorder(Engine.connect(params), state, params)
            removed = recorder.close(unfinished)
            for warning in recorder.warnings:
                module.warn(warning)
    except (EngineError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=unfinished is not None, removed_images=removed)


if __name__ == "__main__":
    main()
