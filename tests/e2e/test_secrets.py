# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A word that only bluegreen_env has, looked for wherever a deploy leaves something."""

from __future__ import annotations

import base64
import json
import stat

import pytest
from sites import Processes

WORD = "sentinel-7Zq'\"$x"
ENV = {"GREETING": WORD, "BEHAVIOUR": "healthy"}


def encodings():
    """The word as it may appear: as it is, escaped, and as the part of the variable's encoding that holds it."""
    plain = "sentinel-7Zq"
    encoded = base64.b64encode(json.dumps(ENV).encode()).decode()
    return [plain, encoded[:40]]


@pytest.fixture(scope="module")
def site(site):
    for release in ("v1", "v2", "bad"):
        site.image(release)
    site.first_deploy("v1", env=dict(ENV, GREETING="nothing special"))
    return site


@pytest.mark.parametrize("release, behaviour", [("v2", "healthy"), ("bad", "never-healthy")])
def test_in_no_output_and_no_process_list(site, release, behaviour):
    env = dict(ENV, BEHAVIOUR=behaviour)
    with Processes(encodings()) as watching:
        run = site.play("deploy", release=release, env=env, arguments=["-vvvvvv", "--diff"], health_timeout=5)
    assert (run.rc == 0) is (behaviour == "healthy")
    for word in encodings():
        assert word not in run.stdout + run.stderr
        assert word not in json.dumps(run.tasks) + json.dumps(run.results)
    assert watching.found == set()
    assert any(name.endswith("docker") for name in watching.seen)  # it did look
    assert site.get()[1]["GREETING"] == WORD


def test_in_no_file_that_another_user_can_read(site):
    holding = []
    for path in site.state.rglob("*"):
        if path.is_file() and "sentinel-7Zq" in path.read_text(errors="replace"):
            holding.append(path)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert holding  # a rollback needs it
    others = [path for path in [*site.conf.rglob("*"), *site.src.rglob("*")] if path.is_file()]
    assert not any("sentinel-7Zq" in path.read_text(errors="replace") for path in others)


def test_in_no_diff_of_check_mode_and_no_journal(site):
    site.image("v3")
    run = site.check("v3", env=dict(ENV, GREETING=WORD + " changed"))
    assert "sentinel-7Zq" not in run.succeeded().stdout
    assert "sentinel-7Zq" not in json.dumps(site.journal())
