# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest is what Docker 26.1 said of an image in Debian's docker-registry."""

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker import download

SINGLE = (pathlib.Path(__file__).parents[1] / "fixtures" / "manifest.json").read_text()
LAYER = "sha256:cf918f657d6d527cbaa52243b194321d4e0efd68f6407e151b473501b424145b"


def several():
    """As of an image for several platforms, the first of which is another."""
    other = json.loads(SINGLE)
    other["Descriptor"]["platform"]["architecture"] = "arm64"
    other["SchemaV2Manifest"]["layers"] = []
    attestation = json.loads(SINGLE)
    attestation["Descriptor"]["platform"] = {"architecture": "unknown", "os": "unknown"}
    return json.dumps([other, attestation, json.loads(SINGLE)])


@pytest.mark.parametrize("said", [SINGLE, several()])
def test_what_an_image_is_made_of(said):
    assert download.parse_manifest(said, "amd64") == {
        "ids": [
            "sha256:6226d59229ba9074e5ddc2e937edfa73a1a0d73f11c501cbd5a3f886c3ba47a8",
            "sha256:0b2e051d504e9dd2e8cb4fb852e71015512134fafd7689ffc3a3df5e5232e983",
        ],
        "layers": {LAYER: 1064572},
    }


@pytest.mark.parametrize("said", ["", "no such manifest", "[]", several().replace("amd64", "s390x")])
def test_where_the_registry_does_not_tell(said):
    assert download.parse_manifest(said, "amd64") is None


@pytest.mark.parametrize(
    "reference, insecure",
    [
        ("127.0.0.1:5000/shop:v1", True),
        ("localhost:5000/shop", True),
        ("registry.example/shop:v1", False),
        ("a", False),
    ],
)
def test_the_command_that_asks(reference, insecure):
    argv = download.manifest_command("docker", reference)
    assert argv[-1] == reference
    assert ("--insecure" in argv) == insecure


@pytest.mark.parametrize(
    "said, reference, expected",
    [
        ("no such manifest: shop:v1", "shop:v1", True),
        ("denied: requested access to the resource is denied", "shop:v1", True),
        ("unauthorized: authentication required", "me/shop:v1", True),
        ("unauthorized: authentication required", "registry.example/shop:v1", False),
        ("denied: access forbidden", "localhost/shop", False),
        ("manifest unknown", "registry.example:5000/shop:v1", True),
        ("dial tcp: lookup registry-1.docker.io: no such host", "shop:v1", False),
        ("", "shop:v1", False),
    ],
)
def test_whether_the_registry_does_not_have_it(said, reference, expected):
    assert download.is_not_found(said, reference) is expected


def test_what_is_missing():
    first, second = {"layers": {"a": 1, "b": 20}}, {"layers": {"b": 20, "c": 300}}
    assert download.bytes_to_download([first, second], set()) == 321
    assert download.bytes_to_download([first, second], {"b", "z"}) == 301
    assert download.bytes_to_download([], {"b"}) == 0


@pytest.mark.parametrize(
    "wanted, free, words",
    [
        (0, 0, None),
        (100_000_000, 800_000_000, None),
        (100_000_000, 799_999_999, "need 300.0 MB in /var/lib/docker (100.0 MB to download"),
        (
            2_000_000_000,
            1_000_000_000,
            "need 6.0 GB in /var/lib/docker (2.0 GB to download, then unpacked) with 500.0 MB",
        ),
    ],
)
def test_whether_there_is_room(wanted, free, words):
    said = download.space_problem(wanted, free, "/var/lib/docker")
    assert (said is None) == (words is None)
    assert words is None or words in said


@pytest.mark.parametrize(
    "wanted, silent, said",
    [
        (0, [], "nothing new"),
        (45_100_000, [], "45.1 MB to download, 12.3 GB free"),
        (0, ["app:1", "db:2"], "app:1, db:2 (size unknown)"),
        (45_100_000, ["app:1"], "45.1 MB to download, 12.3 GB free; app:1 (size unknown)"),
    ],
)
def test_what_a_pull_is_said_to_bring(wanted, silent, said):
    assert download.describe_download(wanted, 12_300_000_000, silent) == said
