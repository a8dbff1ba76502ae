# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import health_checks
from ansible_collections.hotswap.compose.plugins.module_utils._errors import PlanError
from ansible_collections.hotswap.compose.plugins.module_utils._names import named_services

TEST = ["CMD", "true"]


@pytest.mark.parametrize(
    "service, found",
    [
        ({}, None),
        ({"healthcheck": {"test": TEST}}, True),
        ({"healthcheck": {"test": "true"}}, True),
        ({"healthcheck": {"interval": "1s"}}, None),  # the test is the image's
        ({"healthcheck": {"disable": True}}, False),
        ({"healthcheck": {"disable": True, "test": TEST}}, False),
        ({"healthcheck": {"test": ["NONE"]}}, False),
    ],
)
def test_a_healthcheck_in_a_file(service, found):
    assert health_checks.healthcheck_in_file(service) is found


def services(**more):
    return named_services("shop", [{"name": "was-{color}", "port": 3000, **more}])


@pytest.mark.parametrize(
    "more, checks, no_healthcheck",
    [
        ({}, {"was-green": True}, "fail"),
        ({}, {"was-green": None}, "fail"),  # its image is still to be pulled
        ({}, {"was-green": False}, "running"),
        ({"probe": {}}, {"was-green": False}, "fail"),
    ],
)
def test_what_can_be_judged(more, checks, no_healthcheck):
    health_checks.refuse_unchecked(services(**more), "green", checks, no_healthcheck)


def test_what_is_refused_names_the_remedy():
    with pytest.raises(PlanError) as caught:
        health_checks.refuse_unchecked(services(), "green", {"was-green": False}, "fail")
    assert "service was-green takes traffic but has no healthcheck" in str(caught.value)
    assert "\n    probe:\n      path: /\n" in str(caught.value)
    assert "bluegreen_no_healthcheck" in str(caught.value)


@pytest.mark.parametrize(
    "recorded, check, chosen",
    [
        ({"path": "/then"}, False, {"path": "/then"}),
        ({"path": "/then"}, True, {"path": "/then"}),
        (None, False, {"path": "/now"}),
        (None, True, None),  # today's probe may ask for what that release does not have
    ],
)
def test_the_probe_of_a_release_that_comes_back(recorded, check, chosen):
    (found,) = health_checks.choose_probes(
        services(probe=recorded), services(probe={"path": "/now"}), "green", {"was-green": check}
    )
    assert found["probe"] == chosen
