# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configurations have the shape of what Compose 2.26 rendered."""

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose import mounts
from ansible_collections.hotswap.compose.plugins.module_utils._compose.mounts import DEVICE, DIRECTORY, VOLUME, Place
from ansible_collections.hotswap.compose.tests.unit.stand_ins import StandInStorage, container

ANONYMOUS = "4f" * 32


def volume(source, target, **more):
    return {"type": "volume", "source": source, "target": target, "volume": {}, **more}


def bind(source, target, **more):
    return {"type": "bind", "source": source, "target": target, "bind": {"create_host_path": True}, **more}


def config(volumes=None, project="stack", **services):
    """``services``: what each has besides an image; ``volumes``: definitions, named by Compose where empty."""
    named = {key: each or {"name": f"{project}_{key}"} for key, each in (volumes or {}).items()}
    return {"name": project, "services": services, "volumes": named}


def by_hand(service="web", volumes=None, **more):
    return dict(container("x-blue", ours=False), service=service, project="stack", volumes=volumes or {}, **more)


def ours(service="web", volumes=None, project="shop-blue", **more):
    return dict(container("x-blue"), service=service, project=project, volumes=volumes or {}, **more)


DATA = volume("data", "/data")
COMPANY = volume("company", "/company", read_only=True)
CASE = config(
    {"data": {}, "company": {"name": "company_data", "external": True}}, "shop-blue", web={"volumes": [DATA, COMPANY]}
)
ONLY_DATA = config({"data": {}}, "shop-blue", web={"volumes": [DATA]})
BY_HAND = {"/data": "stack_data", "/company": "company_data"}


@pytest.mark.parametrize(
    "given, containers, noted, there, expected",
    [
        (CASE, [by_hand(volumes=BY_HAND)], {}, [], {"data": "stack_data"}),
        (CASE, [ours(volumes=BY_HAND)], {}, {"stack_data": "data"}, {"data": "stack_data"}),
        # The journal of an older version has the foreign volume, and so has the color that it deployed.
        (
            CASE,
            [ours(volumes={"/data": "company_data"}), by_hand(volumes=BY_HAND)],
            {"data": "company_data"},
            {"company_data": "data"},
            {"data": "stack_data"},
        ),
        (CASE, [ours(volumes={"/data": "company_data"})], {"data": "company_data"}, {"company_data": "data"}, {}),
        # The file's volume at that target was another one before.
        (ONLY_DATA, [by_hand(volumes={"/data": "company_data"})], {}, [], {}),
        (ONLY_DATA, [by_hand(volumes={"/other": "stack_data"})], {}, [], {}),
        # Its container was removed by hand, or its service is new to the file; Compose would use it.
        (ONLY_DATA, [by_hand(volumes={})], {}, {"stack_data": "data"}, {"data": "stack_data"}),
        (ONLY_DATA, [ours(volumes={})], {}, {"stack_data": "data"}, {}),
        # What runs counts more than what was noted.
        (ONLY_DATA, [ours(volumes={"/data": "a_data"})], {"data": "b_data"}, {"a_data": "data"}, {"data": "a_data"}),
        (ONLY_DATA, [], {"data": "b_data"}, {"b_data": "data"}, {"data": "b_data"}),
        (ONLY_DATA, [], {"data": "b_data"}, [], {}),
        (ONLY_DATA, [by_hand(volumes={})], {"data": "b_data"}, ["b_data", "stack_data"], {"data": "b_data"}),
        # The first one that has it.
        (
            ONLY_DATA,
            [ours(volumes={"/data": "a_data"}), ours(volumes={"/data": "b_data"})],
            {},
            {"a_data": "data", "b_data": "data"},
            {"data": "a_data"},
        ),
        (config({"data": {"name": "theirs"}}, web={"volumes": [DATA]}), [by_hand(volumes=BY_HAND)], {}, [], {}),
        (config(web={}), [by_hand(volumes=BY_HAND)], {"data": "b_data"}, ["b_data"], {}),
    ],
)
def test_volumes_in_use(given, containers, noted, there, expected):
    labels = there if isinstance(there, dict) else dict.fromkeys(there)
    storage = StandInStorage({name: {"Labels": {"com.docker.compose.volume": key}} for name, key in labels.items()})
    assert mounts.volumes_in_use([(given, containers)], noted, storage) == expected


def test_each_color_has_keys_of_its_own():
    stacks = [
        (config({f"data-{color}": {}}, **{f"web-{color}": {"volumes": [volume(f"data-{color}", "/data")]}}), here)
        for color, here in (("green", [by_hand("web-green", {"/data": "stack_data-green"})]), ("blue", []))
    ]
    assert mounts.volumes_in_use(stacks, {}, StandInStorage()) == {"data-green": "stack_data-green"}


DISGUISED = {"driver": "local", "driver_opts": {"type": "none", "o": "bind", "device": "/srv/link"}}
NFS = {"driver_opts": {"type": "nfs", "o": "addr=10.0.0.1,rw", "device": ":/export"}}
EXPORT = Place(DEVICE, "nfs :/export addr=10.0.0.1")


@pytest.mark.parametrize(
    "mount, definition, there, expected",
    [
        (DATA, {}, None, Place(VOLUME, "stack_data")),
        (volume("data", "/d", volume={"subpath": "a/b", "nocopy": True}), {}, None, Place(VOLUME, "stack_data", "a/b")),
        (volume("data", "/d", volume={"nocopy": True}), {}, None, Place(VOLUME, "stack_data")),
        (DATA, DISGUISED, None, Place(DIRECTORY, "/srv/data")),
        (volume("data", "/d", volume={"subpath": "a"}), DISGUISED, None, Place(DIRECTORY, "/srv/data/a")),
        # What exists counts; an external one has no options in the file.
        (
            DATA,
            {"external": True},
            {"Driver": "local", "Options": DISGUISED["driver_opts"]},
            Place(DIRECTORY, "/srv/data"),
        ),
        (DATA, DISGUISED, {"Driver": "local", "Options": None}, Place(VOLUME, "stack_data")),
        (DATA, NFS, None, EXPORT),
        (DATA, {"driver": "rexray", "driver_opts": {"device": "x"}}, None, Place(VOLUME, "stack_data")),
        (DATA, {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}}, None, Place(VOLUME, "stack_data")),
        (DATA, {"driver_opts": {"type": "none", "o": "bind,ro", "device": "/srv/data"}}, None, None),
        (bind("/srv/link", "/d"), {}, None, Place(DIRECTORY, "/srv/data")),
        (bind("/var/lib/docker/volumes/stack_data/_data/a", "/d"), {}, None, Place(VOLUME, "stack_data", "a")),
        (bind("/var/lib/docker/volumes", "/d"), {}, None, Place(DIRECTORY, "/var/lib/docker/volumes")),
        (bind("/run/docker.sock", "/d"), {}, None, None),
        (bind("/srv/data", "/d", read_only=True), {}, None, None),
        (dict(DATA, read_only=True), {}, None, None),
        ({"type": "tmpfs", "target": "/d"}, {}, None, None),
        ({"type": "volume", "target": "/d"}, {}, None, None),
    ],
)
def test_what_a_service_writes(mount, definition, there, expected):
    given = config({"data": dict(definition, name="stack_data")}, web={"volumes": [mount]})
    storage = StandInStorage({"stack_data": there} if there else {})
    assert [place for place, _words in mounts.written_by_service(given, "web", storage)] == [expected] * bool(expected)


@pytest.mark.parametrize(
    "volumes_from, expected", [("web", ["stack_data"]), ("web:rw", ["stack_data"]), ("web:ro", []), ("container:x", [])]
)
def test_volumes_of_another_service(volumes_from, expected):
    given = config({"data": {}}, web={"volumes": [DATA]}, worker={"volumes_from": [volumes_from]})
    assert [place.name for place, _target in mounts.written_by_service(given, "worker", StandInStorage())] == expected


def test_what_a_container_writes():
    inspected = {
        "HostConfig": {"Mounts": [{"Target": "/part", "VolumeOptions": {"Subpath": "a"}}, {"Target": "/whole"}]},
        "Mounts": [
            {"Type": "volume", "Name": "shop_data", "Destination": "/data", "RW": True},
            {"Type": "volume", "Name": "shop_data", "Destination": "/part", "RW": True},
            {"Type": "volume", "Name": "shop_logs", "Destination": "/logs", "RW": False},
            {"Type": "bind", "Source": "/srv/link", "Destination": "/srv", "RW": True},
            {"Type": "bind", "Source": "/run/docker.sock", "Destination": "/docker.sock", "RW": True},
            {"Type": "tmpfs", "Destination": "/tmp", "RW": True},
        ],
    }
    expected = [Place(VOLUME, "shop_data"), Place(VOLUME, "shop_data", "a"), Place(DIRECTORY, "/srv/data")]
    assert mounts.written_by_container(inspected, StandInStorage()) == expected
    assert mounts.written_by_container({"HostConfig": {}, "Mounts": None}, StandInStorage()) == []


@pytest.mark.parametrize(
    "one, other, expected",
    [
        (Place(VOLUME, "a"), Place(VOLUME, "a"), True),
        (Place(VOLUME, "a"), Place(VOLUME, "ab"), False),
        (Place(VOLUME, "a"), Place(VOLUME, "a", "x/y"), True),
        (Place(VOLUME, "a", "x"), Place(VOLUME, "a", "x/y"), True),
        (Place(VOLUME, "a", "x"), Place(VOLUME, "a", "xy"), False),
        (Place(DIRECTORY, "/srv/a"), Place(DIRECTORY, "/srv/a"), True),
        (Place(DIRECTORY, "/srv/a"), Place(DIRECTORY, "/srv"), True),
        (Place(DIRECTORY, "/srv/a"), Place(DIRECTORY, "/srv/a/b/c"), True),
        (Place(DIRECTORY, "/srv/a"), Place(DIRECTORY, "/srv/ab"), False),
        (Place(DIRECTORY, "/srv/a"), Place(VOLUME, "/srv/a"), False),
        (EXPORT, EXPORT, True),
        (EXPORT, Place(DEVICE, "nfs :/export addr=10.0.0.2"), False),
    ],
)
def test_places_that_share_files(one, other, expected):
    for pair in ((one, other), (other, one)):
        assert mounts.share_files(*pair) is expected


UPLOADS = bind("/srv/link", "/uploads")


@pytest.mark.parametrize(
    "services, exclusive, expected",
    [
        (
            {"web": {"volumes": [DATA]}, "worker": {"volumes": [DATA]}},
            [],
            ["service web and worker of both releases writes volume data"],
        ),
        (
            {"web": {"volumes": [DATA]}, "worker": {"volumes": [DATA]}},
            ["worker"],
            ["service web of both releases writes volume data"],
        ),
        ({"web": {"volumes": [dict(DATA, read_only=True)]}}, [], []),
        ({"web": {"volumes": [UPLOADS]}}, [], ["service web of both releases writes directory /srv/link"]),
        ({"web": {"volumes": [UPLOADS]}}, ["web"], []),
        # The same directory by another path.
        (
            {"web": {"volumes": [UPLOADS]}, "worker": {"volumes": [bind("/srv/data", "/in")]}},
            [],
            ["service web and worker of both releases writes directory /srv/link"],
        ),
        ({"web": {"volumes": [dict(UPLOADS, read_only=True), bind("/run/docker.sock", "/s")]}}, [], []),
        (
            {"web": {"volumes": [DATA, UPLOADS]}},
            [],
            [
                "service web of both releases writes directory /srv/link",
                "service web of both releases writes volume data",
            ],
        ),
        (
            {"web": {"volumes": [DATA]}, "worker": {"volumes_from": ["web"]}},
            [],
            ["service web and worker of both releases writes volume data"],
        ),
    ],
)
def test_what_both_releases_write(services, exclusive, expected):
    both = dict.fromkeys(["blue", "green"], config({"data": {}}, **services))
    found = mounts.shared_writers(both, exclusive, "bluegreen_exclusive_services", StandInStorage())
    assert len(found) == len(expected)
    assert all(warning.startswith(words) for words, warning in zip(expected, found))


@pytest.mark.parametrize(
    "blue, green, expected",
    [
        ([DATA], [DATA], ["service was-{color} of both releases writes volume data"]),
        (
            [UPLOADS],
            [bind("/srv/data/green", "/in")],
            ["service was-{color} of both releases writes directory /srv/link"],
        ),
        ([bind("/srv/blue", "/in")], [bind("/srv/green", "/in")], []),
        ([DATA], [dict(DATA, read_only=True)], []),
    ],
)
def test_what_both_releases_write_with_a_file_for_each_color(blue, green, expected):
    both = {
        color: config({"data": {}}, **{f"was-{color}": {"volumes": volumes}})
        for color, volumes in (("blue", blue), ("green", green))
    }
    found = mounts.shared_writers(both, [], "bluegreen_exclusive_services", StandInStorage())
    assert [warning[: len(words)] for words, warning in zip(expected, found)] == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    "volumes, place, warned",
    [
        ([UPLOADS], Place(DIRECTORY, "/srv/data/new"), True),
        ([DATA], Place(VOLUME, "stack_data"), True),
        ([DATA], Place(VOLUME, "company_data"), False),
        ([dict(UPLOADS, read_only=True)], Place(DIRECTORY, "/srv/data"), False),
    ],
)
def test_what_a_container_of_others_writes_too(volumes, place, warned):
    found = mounts.written_by_others(
        config({"data": {}}, web={"volumes": volumes}), lambda: [("backup", [place])], StandInStorage()
    )
    assert [each.partition(", ")[2].partition(";")[0] for each in found] == [
        "and so does the container backup outside the app"
    ] * warned


@pytest.mark.parametrize(
    "service, declared, expected",
    [
        ({}, [], []),
        (
            {"volumes": [{"type": "volume", "target": "/scratch"}]},
            [],
            ["/scratch of service web is an anonymous volume"],
        ),
        ({}, ["/data"], ["/data of service web, declared by its image, is an anonymous volume"]),
        (
            {"volumes": [{"type": "volume", "target": "/data"}]},
            ["/data/"],
            ["/data of service web is an anonymous volume"],
        ),
        ({"volumes": [DATA]}, ["/data"], []),
        ({"volumes": [bind("/srv", "/data/")]}, ["/data"], []),
        ({"volumes": [{"type": "tmpfs", "target": "/data"}]}, ["/data"], []),
        ({"tmpfs": ["/data:size=1m"]}, ["/data"], []),
        ({"tmpfs": "/data"}, ["/data"], []),
        ({"volumes_from": ["worker:ro"]}, ["/data"], []),
        ({"volumes_from": ["container:x"]}, ["/data"], ["/data of service web, declared by its image, is"]),
        # Docker makes one there, whatever lies around it.
        (
            {"volumes": [bind("/srv", "/data")]},
            ["/data/db"],
            ["/data/db of service web, declared by its image, is"],
        ),
    ],
)
def test_anonymous_volumes(service, declared, expected):
    given = config({"data": {}}, web=service, worker={"volumes": [DATA]})
    found = mounts.anonymous_volumes(given, {"web": declared})
    assert len(found) == len(expected)
    assert all(warning.startswith(words) for words, warning in zip(expected, found))


@pytest.mark.parametrize(
    "image, expected",
    [
        (None, []),
        ({"Config": None}, []),
        ({"Config": {"Volumes": None}}, []),
        ({"Config": {"Volumes": {"/b": {}, "/a": {}}}}, ["/a", "/b"]),
    ],
)
def test_declared_volumes(image, expected):
    assert mounts.declared_volumes(image) == expected


@pytest.mark.parametrize(
    "here, web, expected",
    [
        (by_hand(volumes={"/data": "stack_data"}), [DATA], []),
        (
            by_hand(volumes={"/data": ANONYMOUS}),
            [],
            [f"container legacy-x-blue-1 has the volume {ANONYMOUS} at /data,"],
        ),
        (
            by_hand(volumes={"/data": ANONYMOUS}),
            [DATA],
            [f"container legacy-x-blue-1 has the volume {ANONYMOUS} at /data,"],
        ),
        (ours(volumes={"/data": ANONYMOUS}), [], []),
        (
            ours(volumes={"/data": "old_data"}),
            [DATA],
            ["container shop-blue-x-blue-1 has the volume old_data at /data,"],
        ),
        (ours(volumes={"/data": "stack_data"}), [DATA], []),
        (ours(volumes={"/data": "old_data"}), [], []),  # the user took it out of the file
        (
            ours(volumes={"/data": "old_data"}),
            [{"type": "tmpfs", "target": "/data"}],
            ["container shop-blue-x-blue-1 has the volume old_data at /data,"],
        ),
        (ours(binds={"/uploads": "/srv/v1"}), [bind("/srv/v2", "/uploads")], []),
        (
            by_hand(binds={"/uploads": "/srv/v1"}),
            [UPLOADS],
            ["container legacy-x-blue-1 has the directory /srv/v1 at /uploads"],
        ),
        (by_hand(binds={"/uploads": "/srv/data"}), [UPLOADS], []),
        (by_hand(binds={"/s": "/run/docker.sock"}), [bind("/run/other.sock", "/s")], []),
        (by_hand("gone", volumes={"/data": "old_data"}), [DATA], []),
    ],
)
def test_what_the_release_would_not_find(here, web, expected):
    given = config({"data": {}}, web={"volumes": web})
    found = mounts.left_behind(given, [(here["service"], here)], StandInStorage())
    assert len(found) == len(expected)
    assert all(warning.startswith(words) for words, warning in zip(expected, found))
