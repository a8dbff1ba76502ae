# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy.retention import prunable, retained_deploys


def record(release, outcome="deployed", **images):
    """A journal's record; an image is "ref id", with a "+" behind it where the deploy pulled it."""
    return {
        "release": release,
        "color": "blue",
        "deployed_at": "2026-01-31T23:59:59Z",
        "images": {
            service: {"ref": text.split()[0], "id": text.split()[1].rstrip("+"), "brought": text.endswith("+")}
            for service, text in images.items()
        },
        "config_hash": "c0ffee",
        "outcome": outcome,
    }


def history(count):
    return [record(f"v{number}", was=f"was:v{number} id{number}+") for number in range(1, count + 1)]


def pruned(releases, keep=2, protected=(), foreign=(), traffic=("was", "signal")):
    """What goes, as "release ref id"."""
    gone = prunable(releases, keep, set(protected), set(foreign), traffic)
    return [f"{entry['release']} {entry['ref']} {entry['id']}" for entry in gone]


def built(release, *tags, image=None):
    """The record of a release whose image was built under a name of its own, and has others in the file."""
    made = record(release, was=f"shop-was:{release} {image or 'id-' + release}+")
    made["images"]["was"]["tags"] = list(tags)
    return made


CASES = {
    "a built one goes with all names that are its own": (
        [built("v1", "was:a1"), built("v2", "was:a2"), built("v3", "was:a3")],
        {},
        ["v1 shop-was:v1 id-v1", "v1 was:a1 id-v1"],
    ),
    "a name of a built one that a later build has stays": (
        [built(release, "was:latest") for release in ("v1", "v2", "v3")],
        {},
        ["v1 shop-was:v1 id-v1"],
    ),
    "two releases built from one source share the image": (
        [built("v1", image="id"), built("v2", image="id"), built("v3")],
        {},
        [],
    ),
    "and both names go with it": (
        [built("v1", image="id"), built("v2", image="id"), built("v3"), built("v4")],
        {},
        ["v2 shop-was:v1 id", "v2 shop-was:v2 id"],
    ),
    "nothing was deployed yet": ([], {}, []),
    "fewer releases than are kept": (history(2), {"keep": 3}, []),
    "the oldest goes": (history(4), {"keep": 3}, ["v1 was:v1 id1"]),
    "oldest first": (history(5), {"keep": 3}, ["v1 was:v1 id1", "v2 was:v2 id2"]),
    "active and rollback target stay, whatever is asked": (history(3), {"keep": 0}, ["v1 was:v1 id1"]),
    "a container of anybody's uses it": (history(4), {"protected": ["id1"]}, ["v2 was:v2 id2"]),
    "another app's journal has it": (history(4), {"foreign": ["id2"]}, ["v1 was:v1 id1"]),
    "a release that came back counts as new": (history(3) + history(1), {}, ["v2 was:v2 id2"]),
    "deployed again, with other configuration only": (history(3) + history(3)[2:], {}, ["v1 was:v1 id1"]),
    "refused ones don't push the rollback target out": (
        history(2) + [record("v3", "rejected", was="was:v3 id3+"), record("v4", "rolled_back", was="was:v4 id4+")],
        {},
        ["v3 was:v3 id3", "v4 was:v4 id4"],
    ),
    "a refused one that was built here, not pulled, stays": (
        history(2) + [record("v3", "rejected", was="was:v3 id3")],
        {},
        [],
    ),
    "a refused one with the active one's image": (history(2) + [record("v3", "rejected", was="was:v3 id2+")], {}, []),
    "built here, and once held the traffic": (
        [record("v1", was="was:v1 id1"), *history(3)[1:]],
        {},
        ["v1 was:v1 id1"],
    ),
    "two services, one of them unchanged since": (
        [
            record("v1", was="was:v1 w1+", signal="signal:v1 s1+"),
            record("v2", was="was:v2 w2+", signal="signal:v1 s1"),
            record("v3", was="was:v3 w3+", signal="signal:v1 s1"),
        ],
        {},
        ["v1 was:v1 w1"],
    ),
    "a tag that moves: only the id goes": (
        [record("v1", was="was:latest id1+"), record("v2", was="was:latest id2+"), record("v3", was="was:latest id3+")],
        {},
        ["v1 None id1"],
    ),
    "a tag that moved to a refused image: only the id goes": (
        [*(record(f"v{n}", was=f"was:latest id{n}+") for n in (1, 2)), record("v3", "rejected", was="was:latest id3+")],
        {},
        ["v3 None id3"],
    ),
    "a tag that moved while it was in use, and is not any more": (
        [record("v1", was="was:old id1+"), record("v2", was="was:old id2+"), *history(4)[2:]],
        {},
        ["v1 None id1", "v2 was:old id2"],
    ),
    "one release name for ever, other content each time": (
        [record("main", was=f"was:main id{number}+") for number in range(1, 5)],
        {},
        ["main None id1", "main None id2"],
    ),
    "one image by two names": (
        [record("v1", was="was:v1 id0+"), record("v1b", was="was:v1b id0"), *history(4)[2:]],
        {},
        ["v1b was:v1 id0", "v1b was:v1b id0"],
    ),
    "an old name of an image still used stays": (
        [record("v1", was="was:v1 id2+"), *history(3)[1:]],
        {},
        [],
    ),
    "a cache that was here before us stays": (
        [record("v1", was="was:v1 id1+", cache="redis:6 r6"), *history(3)[1:]],
        {},
        ["v1 was:v1 id1"],
    ),
    "a cache that we pulled goes": (
        [record("v1", was="was:v1 id1+", cache="redis:6 r6+"), *history(3)[1:]],
        {},
        ["v1 was:v1 id1", "v1 redis:6 r6"],
    ),
    "a cache that an earlier deploy of ours pulled goes": (
        [
            record("v1", was="was:v1 id1+", cache="redis:6 r6+"),
            record("v2", was="was:v2 id2+", cache="redis:6 r6"),
            *history(4)[2:],
        ],
        {},
        ["v1 was:v1 id1", "v2 redis:6 r6", "v2 was:v2 id2"],
    ),
    "a cache that a container of somebody's uses stays": (
        [record("v1", was="was:v1 id1+", cache="redis:6 r6+"), *history(3)[1:]],
        {"protected": ["r6"]},
        ["v1 was:v1 id1"],
    ),
}


@pytest.mark.parametrize("releases, options, expected", CASES.values(), ids=CASES.keys())
def test_what_goes(releases, options, expected):
    assert pruned(releases, **options) == expected


def test_the_files_of_each_retained_release_s_last_deploy_are_kept():
    one, two, three = history(3)
    moved = record("v1", was="was:v1 moved")
    refused = record("v3", "rejected", was="was:v3 id3")
    done = [one, two, one, two, one, three, moved, refused]
    releases = [dict(each, deploy=f"d{number}") for number, each in enumerate(done, 1)]
    assert retained_deploys(releases, 3) == {"d7", "d6", "d5"}
    assert retained_deploys(releases, 4) == {"d7", "d6", "d5", "d4"}
    assert retained_deploys([], 3) == set()
