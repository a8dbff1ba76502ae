# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images an app no longer needs. Pure."""

from __future__ import annotations

from .._state.journal import FORGOTTEN

# The active release and the one that a rollback returns to.
ALWAYS_RETAINED = 2


def prunable(releases, keep, protected_ids, foreign_ids, traffic_services):
    """Return ``[{"ref": str or None, "id": str, "release": str}, ...]``, the images that may be removed, oldest first.

    releases: the records of the app's journal, newest last (see _state/journal.py).
    keep: how many releases are retained, the newest ones that had the traffic, and at least the active and the previous
        one. A release is its name and its images. The same name with other images is another release.
    protected_ids: ids of the images of all containers on the host, running or not.
    foreign_ids: ids of the images in the journals of other apps.
    traffic_services: names of the services that take traffic, as in the records' images.

    An image of a release that had the traffic is removed if its service takes traffic. Any other image, of a cache or
    of a rejected release, is only removed if a deploy of this app pulled it, because it may have been there before.

    ref is None if the name belongs, or may belong, to another image. Then only the id may be removed. A ref may only be
    removed while it still names the id, because a later pull or build may have moved it.
    """
    kept_releases = retained(releases, keep)
    kept = [
        image for record in releases if release_identity(record) in kept_releases for image in record["images"].values()
    ]
    untouchable = set(protected_ids) | set(foreign_ids) | {image["id"] for image in kept}
    kept_refs = {name for image in kept for name in names_of(image)}
    every_use = [(record, service, image) for record in releases for service, image in record["images"].items()]
    brought = {image["id"] for _record, _service, image in every_use if image["brought"]}
    newest_id = {name: image["id"] for _record, _service, image in every_use for name in names_of(image)}

    refs_of = {}
    release_of = {}
    for record, service, image in every_use:
        ours = record["outcome"] in ("deployed", FORGOTTEN) and service in traffic_services
        if image["id"] in untouchable or not (ours or image["id"] in brought):
            continue
        refs = refs_of.setdefault(image["id"], [])
        release_of[image["id"]] = record["release"]
        for ref in names_of(image):
            if ref not in kept_refs and newest_id[ref] == image["id"] and ref not in refs:
                refs.append(ref)
    return [
        {"ref": ref, "id": image_id, "release": release_of[image_id]}
        for image_id, refs in refs_of.items()
        for ref in refs or [None]
    ]


def names_of(image):
    """Return all names of a recorded image. A built image may have several."""
    return [image["ref"], *image.get("tags", [])]


def retained(releases, keep):
    """Return the identities of the newest releases that had the traffic."""
    newest_first = [release_identity(record) for record in reversed(releases) if record["outcome"] == "deployed"]
    return set(list(dict.fromkeys(newest_first))[: max(keep, ALWAYS_RETAINED)])


def retained_deploys(releases, keep):
    """Return the deploys whose files a rollback to a retained release needs: the last one of each release."""
    kept = retained(releases, keep)
    last = {release_identity(record): record["deploy"] for record in releases if record["outcome"] == "deployed"}
    return {deploy for each, deploy in last.items() if each in kept}


def release_identity(record):
    """Return what identifies a record's release: its name and its images, in either color."""
    return record["release"], frozenset(image["id"] for image in record["images"].values())
