# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy.migration import (
    is_migration_due,
    migration_failure,
    migrations_after,
)

DONE = [
    {"release": "v2", "image": "sha256:aa", "command": "migrate", "at": "2026-03-02T10:00:00Z"},
    {"release": "v3", "image": "sha256:bb", "command": "migrate", "at": "2026-03-03T10:00:00Z"},
]


@pytest.mark.parametrize(
    "release, image, command, due",
    [
        ("v2", "sha256:aa", "migrate", False),
        ("v2", "sha256:cc", "migrate", True),
        ("v2", "sha256:aa", "migrate --all", True),
        ("v4", "sha256:aa", "migrate", True),
    ],
)
def test_a_migration_is_run_once(release, image, command, due):
    assert is_migration_due(DONE, release, image, command) is due
    assert is_migration_due([], release, image, command)


@pytest.mark.parametrize(
    "release, since, named",
    [
        ("v1", "2026-03-01T10:00:00Z", ["v2", "v3"]),
        ("v2", "2026-03-02T10:01:00Z", ["v3"]),
        ("v2", "2026-03-02T09:00:00Z", ["v3"]),
        ("v3", "2026-03-03T10:01:00Z", []),
    ],
)
def test_what_a_rollback_goes_back_behind(release, since, named):
    said = migrations_after(DONE, release, since)
    assert said == [f"the migration of {each} (migrate) was run, and a rollback does not undo it" for each in named]


@pytest.mark.parametrize(
    "result, why",
    [
        ({"rc": 0, "stdout_lines": ["done"], "stderr_lines": []}, None),
        ({"rc": 7, "stdout_lines": [], "stderr_lines": []}, "the migration (migrate) exited with 7"),
        (
            {"rc": 1, "stdout_lines": ["table a"], "stderr_lines": ["column b exists"]},
            "the migration (migrate) exited with 1\n  table a\n  column b exists",
        ),
        (
            {"rc": 1, "stdout_lines": ["the first", *["more"] * 20], "stderr_lines": []},
            "the migration (migrate) exited with 1" + "\n  more" * 20,
        ),
        ({"failed": True, "msg": "no such service"}, "the migration (migrate) could not be run: no such service"),
    ],
)
def test_why_a_migration_refuses_the_release(result, why):
    assert migration_failure("migrate", result) == why
