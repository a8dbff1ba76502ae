# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The size of a pull, if the registry gives it, and whether the disk has space for it. Pure."""

from __future__ import annotations

import json

UNPACKED = 3
"""Bytes that an image needs for each downloaded byte, because both forms exist while it is unpacked."""

MARGIN = 500_000_000
"""Bytes that must stay free after a pull, because the containers write, too."""


def manifest_command(docker, reference):
    """Return the argv that asks the registry for an image's parts. Docker needs no TLS on loopback addresses, but the
    command needs an option for that."""
    insecure = ["--insecure"] if reference.partition("/")[0].startswith(("127.", "localhost")) else []
    return ["timeout", "10", docker, "manifest", "inspect", "--verbose", *insecure, reference]


def is_not_found(said, reference):
    """Return whether that command printed that the registry lacks the image. Docker Hub, whose references name no host,
    denies access to an unknown repository."""
    host = reference.partition("/")[0] if "/" in reference else ""
    on_hub = not any(mark in host for mark in (".", ":")) and host != "localhost"
    words = ("no such manifest", "manifest unknown", *(("denied", "unauthorized") if on_hub else ()))
    return any(each in said.lower() for each in words)


def parse_manifest(said, architecture):
    """Return ``{"ids": [possible ids and digests on the target], "layers": {digest: bytes}}`` from the output of that
    command, for Docker's name of the architecture. None if the output has no manifest."""
    try:
        manifests = json.loads(said)
    except ValueError:
        return None
    for manifest in manifests if isinstance(manifests, list) else [manifests]:
        descriptor = manifest.get("Descriptor") or {}
        platform = descriptor.get("platform") or {}
        content = manifest.get("OCIManifest") or manifest.get("SchemaV2Manifest") or {}
        if platform.get("os", "linux") == "linux" and platform.get("architecture", architecture) == architecture:
            return {
                "ids": [descriptor.get("digest"), (content.get("config") or {}).get("digest")],
                "layers": {layer["digest"]: layer["size"] for layer in content.get("layers") or []},
            }
    return None


def bytes_to_download(images, here):
    """Return the bytes of the layers of ``images``, from parse_manifest(), except those in ``here``."""
    layers = {digest: size for each in images for digest, size in each["layers"].items()}
    return sum(size for digest, size in layers.items() if digest not in here)


def space_problem(download, free, directory):
    """Return why a download of so many bytes does not fit into a directory with ``free`` bytes. None if it fits."""
    need = download * UNPACKED + MARGIN
    if not download or need <= free:
        return None
    return (
        f"the images need {_size(download * UNPACKED)} in {directory} ({_size(download)} to download, then unpacked) "
        f"with {_size(MARGIN)} left free, but only {_size(free)} is free; free some space (docker system df shows what "
        "uses it), and deploy again"
    )


def describe_download(download, free, silent):
    """Return the size of a pull in a few words. ``silent``: the images whose size no registry gives."""
    parts = [f"{_size(download)} to download, {_size(free)} free"] if download else []
    parts += [", ".join(silent) + " (size unknown)"] if silent else []
    return "; ".join(parts) or "nothing new"


def _size(number):
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"
