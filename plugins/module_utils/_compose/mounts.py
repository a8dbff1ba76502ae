# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files behind a stack's mounts: which volume a key of the file means, who writes it, and what a release would
miss. Pure, except for the lookups of a Storage (here ``storage``).

A configuration is as Compose rendered it: each volume has a ``name``, and unused ones are left out.
"""

from __future__ import annotations

import posixpath
import re
import typing as t

from .._files import is_within
from .._names import PLACEHOLDER

VOLUME, DIRECTORY, DEVICE = "volume", "directory", "device"
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")


class Place(t.NamedTuple):
    """The place of a mount's files. Equal places are the same files."""

    kind: str
    """VOLUME; DIRECTORY of the host; or DEVICE, a file system that a volume mounts, such as an NFS export."""

    name: str
    """The volume's name, the directory's real path, or the type, the device and the server's address."""

    inside: str = ""
    """The directory within the volume or the device. Empty for all of it."""

    def __str__(self):
        return f"{self.kind} {posixpath.join(self.name, self.inside) if self.inside else self.name}"


def share_files(one, other):
    """Return whether two places are the same files, or one of them contains the other."""
    if one.kind != other.kind:
        return False
    if one.kind == DIRECTORY:
        return _is_nested(one.name, other.name)
    return one.name == other.name and _is_nested("/" + one.inside, "/" + other.inside)


def _is_nested(one, other):
    return is_within(one, other) or is_within(other, one)


def is_named_by_compose(config, key):
    """Return whether Compose names a volume after the project, because the file gives it no name."""
    definition = config["volumes"][key] or {}
    return not definition.get("external") and definition.get("name") == "{}_{}".format(config.get("name"), key)


def volumes_in_use(stacks, noted, storage):
    """Return ``{key: volume name}``: the existing volume of each key to which the file gives no name.

    ``stacks``: ``[(config, containers)]``, the active color first; ``noted``: what an earlier run found.

    A volume belongs to a key if a container of the service has it at the key's mount target. Its name must also consist
    of the container's project and the key, or its Compose label must be the key. Containers count first, then
    ``noted``, and last an existing volume with such a name that no container uses. A volume to which the file gives a
    name belongs to another key.
    """
    found, others = {}, {}
    for config, containers in stacks:
        volumes = config.get("volumes") or {}
        own = [key for key in volumes if is_named_by_compose(config, key)]
        named = {volumes[key]["name"] for key in volumes if key not in own}
        for container in containers:
            for target, key in _keys_at_targets(config, container["service"]).items():
                name = container["volumes"].get(target)
                if name and key in own and name not in named and _is_of_key(name, key, container["project"], storage):
                    found.setdefault(key, name)
        by_hand = [each["project"] for each in containers if each["app"] is None]
        for key in own:
            names = [noted[key]] if key in noted else []
            names += [f"{project}_{key}" for project in dict.fromkeys(by_hand)]
            others.setdefault(key, []).extend(name for name in names if name not in named)
    for key in set(others) - set(found):
        there = [name for name in others[key] if storage.volume(name)]
        found.update({key: there[0]} if there else {})
    return found


def _keys_at_targets(config, service):
    mounts = (config["services"].get(service) or {}).get("volumes") or []
    return {_target(each): each["source"] for each in mounts if each["type"] == "volume" and each.get("source")}


def _is_of_key(name, key, project, storage):
    if name == f"{project}_{key}":
        return True
    labels = (storage.volume(name) or {}).get("Labels") or {}
    return labels.get("com.docker.compose.volume") == key


def written_by_service(config, name, storage):
    """Return ``[(place, its name in the file)]``: the places that a service writes."""
    found = [(_place(config, each, storage), _described(each)) for each in _mounts(config, name)]
    return [(place, words) for place, words in found if place]


def _mounts(config, name, read_only=False):
    """Return the mounts that a service may write, including those of its ``volumes_from``."""
    service = config["services"].get(name) or {}
    mounts = [] if read_only else [each for each in service.get("volumes") or [] if not each.get("read_only")]
    for each in service.get("volumes_from") or []:
        other, _colon, mode = each.partition(":")
        if other != "container":
            mounts += _mounts(config, other, read_only or mode == "ro")
    return mounts


def _place(config, mount, storage):
    """Return the place of a mount. None if no other container can have it, such as a tmpfs."""
    source = mount.get("source")
    if mount["type"] == "bind":
        return directory_place(source, storage)
    if mount["type"] != "volume" or not source:
        return None
    definition = config["volumes"][source] or {}
    subpath = (mount.get("volume") or {}).get("subpath") or ""
    return volume_place(definition.get("name", source), storage, subpath, definition)


def _described(mount):
    return ("volume " if mount["type"] == "volume" else "directory ") + (mount.get("source") or "")


def volume_place(name, storage, inside="", definition=None):
    """Return the place of a volume's files. None if it can't be written.

    ``inside``: the directory in it; ``definition``: from the file, for a volume that does not exist yet.
    """
    there = storage.volume(name)
    driver, options = (definition or {}).get("driver"), (definition or {}).get("driver_opts")
    if there:
        driver, options = there.get("Driver"), there.get("Options")
    device, kind = (options or {}).get("device"), (options or {}).get("type")
    if (driver or "local") != "local" or not device or kind == "tmpfs":
        return Place(VOLUME, name, inside)
    flags = (options.get("o") or "").split(",")
    if "ro" in flags:
        return None
    if {"bind", "rbind"} & set(flags):
        return directory_place(posixpath.join(device, inside), storage)
    server = [flag for flag in flags if flag.startswith("addr=")]
    return Place(DEVICE, " ".join([kind or "", device, *server]).strip(), inside)


def directory_place(path, storage):
    """Return the place of a directory of the host. None if it holds no data."""
    real = storage.real_directory(path)
    if real is None:
        return None
    root = storage.volumes_directory + "/"
    name, _slash, rest = real[len(root) :].partition("/") if real.startswith(root) else ("", "", "")
    if name and (rest + "/").startswith("_data/"):
        return Place(VOLUME, name, rest[len("_data/") :])
    return Place(DIRECTORY, real)


def written_by_container(inspected, storage):
    """Return the places that a container writes. ``inspected``: from the Engine."""
    subpaths = {
        each["Target"]: (each.get("VolumeOptions") or {}).get("Subpath") or ""
        for each in inspected["HostConfig"].get("Mounts") or []
    }
    places = []
    for mount in inspected.get("Mounts") or []:
        if not mount.get("RW", True):
            continue
        if mount["Type"] == "volume":
            places.append(volume_place(mount["Name"], storage, subpaths.get(mount["Destination"], "")))
        elif mount["Type"] == "bind":
            places.append(directory_place(mount["Source"], storage))
    return [place for place in places if place]


def shared_writers(configs, exclusive, remedy, storage):
    """Return a warning for each place that two releases write while both run.

    ``configs``: ``{color: config}``, with the volumes that the colors will have; ``exclusive``: services that never run
    in both colors; ``remedy``: the variables that prevent this. If a service's name contains the color, the warning has
    ``{color}`` instead.
    """
    color, another = configs
    written = {each: _writers(config, exclusive, storage) for each, config in configs.items()}
    warnings = []
    for place, (words, names) in sorted(written[color].items(), key=lambda item: item[1]):
        if any(share_files(place, each) for each in written[another]):
            in_both = configs[another]["services"]
            services = [name if name in in_both else name.replace(color, PLACEHOLDER) for name in names]
            warnings.append(
                f"service {' and '.join(services)} of both releases writes {words} while both run; make sure that they "
                f"can share it, mount it read-only, or name the service in {remedy}"
            )
    return warnings


def written_by_others(config, strangers, storage):
    """Return a warning for each place that both a release and another app's container write.

    ``config``: as for left_behind(); ``strangers()``: ``[(name, [Place])]``, what those containers write. It asks the
    Engine for each container, so it is only called if the release writes anything.
    """
    warnings, written = [], _writers(config, [], storage)
    others = strangers() if written else []
    for place, (words, services) in sorted(written.items(), key=lambda item: item[1]):
        names = sorted(name for name, places in others if any(share_files(place, each) for each in places))
        if names:
            warnings.append(
                f"service {' and '.join(services)} writes {words}, and so does the container {' and '.join(names)} "
                "outside the app; make sure that they can share it (databases can't)"
            )
    return warnings


def _writers(config, exclusive, storage):
    """Return ``{place: (its name in the file, services)}`` of the places that the services of a color write."""
    writers = {}
    for name in sorted(set(config["services"]) - set(exclusive)):
        for place, words in written_by_service(config, name, storage):
            services = writers.setdefault(place, (words, []))[1]
            services += [] if name in services else [name]
    return writers


def declared_volumes(image):
    """Return the mount targets by VOLUME of an image from the Engine. Empty if the image is not on the target."""
    return sorted(((image or {}).get("Config") or {}).get("Volumes") or {})


def anonymous_volumes(config, declared):
    """Return a warning for each volume that no other release can use.

    ``declared``: ``{service: [mount target]}`` by VOLUME of the services' images, if these are on the target.
    """
    warnings = []
    for name, service in sorted(config["services"].items()):
        mounts = service.get("volumes") or []
        taken = _all_targets(config, name)
        targets = {_target(each): "" for each in mounts if each["type"] == "volume" and not each.get("source")}
        of_image = {posixpath.normpath(target) for target in declared.get(name) or []} - taken
        targets.update(dict.fromkeys(of_image, ", declared by its image,"))
        warnings += [
            f"{target} of service {name}{by} is an anonymous volume, so each release gets an empty one; mount a named "
            "volume there to keep its files"
            for target, by in sorted(targets.items())
        ]
    return warnings


def _all_targets(config, name):
    """Return the targets of all mounts of a service."""
    service = config["services"].get(name) or {}
    targets = {_target(each) for each in service.get("volumes") or []}
    tmpfs = service.get("tmpfs") or []
    targets |= {posixpath.normpath(each.partition(":")[0]) for each in ([tmpfs] if isinstance(tmpfs, str) else tmpfs)}
    for each in service.get("volumes_from") or []:
        other = each.partition(":")[0]
        targets |= _all_targets(config, other) if other != "container" else set()
    return targets


def left_behind(config, containers, storage):
    """Return a warning for each place that a container of the active color has and the new release would miss.

    ``config``: of the new color, with the volumes that it will have; ``containers``: ``[(name of the service in it,
    summary)]``. Directories count only for containers that were started by hand, because their paths may change with
    the release on purpose. So do anonymous volumes, because each release has its own.
    """
    warnings = []
    for service, container in containers:
        mounts = (config["services"].get(service) or {}).get("volumes") or []
        wanted = {_target(each): _place(config, each, storage) for each in mounts}
        by_hand = container["app"] is None
        volumes = sorted(container["volumes"].items())
        lost = [(target, f"volume {name}") for target, name in volumes if by_hand and _ANONYMOUS.fullmatch(name)]
        had = [(target, volume_place(name, storage)) for target, name in volumes if not _ANONYMOUS.fullmatch(name)]
        binds = sorted(container["binds"].items()) if by_hand else []
        had += [(target, directory_place(path, storage)) for target, path in binds]
        lost += [(target, place) for target, place in had if place and wanted.get(target, place) != place]
        warnings += [
            f"container {container['name']} has the {what} at {target}, but the new release does not mount it there; "
            "copy the files that the release needs"
            for target, what in lost
        ]
    return warnings


def _target(mount):
    return posixpath.normpath(mount["target"])
