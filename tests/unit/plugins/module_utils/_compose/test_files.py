# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose import files
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError


@pytest.mark.parametrize(
    "there, loaded",
    [
        ([], []),
        (["compose.yml"], ["compose.yml"]),
        (["docker-compose.yml", "compose.yaml", "compose.yml"], ["compose.yaml"]),
        (["compose.yml", "docker-compose.override.yml"], ["compose.yml", "docker-compose.override.yml"]),
        (
            ["docker-compose.yml", "compose.override.yaml", "compose.override.yml"],
            ["docker-compose.yml", "compose.override.yml"],
        ),
        (["compose.override.yml"], []),
        (["compose.prod.yml"], []),
    ],
)
def test_the_files_that_compose_finds(tmp_path, there, loaded):
    for name in there:
        (tmp_path / name).touch()
    assert files.loaded_files(str(tmp_path), [], {}) == loaded


@pytest.mark.parametrize(
    "env_file, environ, loaded",
    [
        ("COMPOSE_FILE=compose.yml:second.yml", {}, ["compose.yml", "second.yml"]),
        ("export COMPOSE_FILE='a.yml:b.yml' # both", {}, ["a.yml", "b.yml"]),
        ('COMPOSE_FILE="a.yml"\nCOMPOSE_FILE=b.yml', {}, ["b.yml"]),
        ("COMPOSE_FILE: a.yml # only this", {}, ["a.yml"]),
        ("COMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE=a.yml,b.yml", {}, ["a.yml", "b.yml"]),
        ("COMPOSE_FILE=a.yml", {"COMPOSE_FILE": "c.yml"}, ["c.yml"]),
        ("COMPOSE_FILE=a.yml;b.yml", {"COMPOSE_PATH_SEPARATOR": ";"}, ["a.yml", "b.yml"]),
        ("# COMPOSE_FILE=a.yml\nMY_COMPOSE_FILE=b.yml\nCOMPOSE_FILES=c.yml", {}, ["compose.yml"]),
        ("COMPOSE_FILE=", {}, ["compose.yml"]),
        ("COMPOSE_FILE='a$b.yml'", {}, ["a$b.yml"]),
        ("A=$B", {}, ["compose.yml"]),
    ],
)
def test_the_files_that_compose_is_told(tmp_path, env_file, environ, loaded):
    (tmp_path / "compose.yml").touch()
    (tmp_path / ".env").write_text(env_file + "\n")
    assert files.loaded_files(str(tmp_path), [], environ) == loaded


def test_an_env_file_outranks_that_of_the_project(tmp_path):
    (tmp_path / ".env").write_text("COMPOSE_FILE=a.yml\n")
    (tmp_path / "prod.env").write_text("COMPOSE_FILE=b.yml\n")
    assert files.loaded_files(str(tmp_path), ["prod.env", "missing.env"], {}) == ["b.yml"]


def test_a_variable_in_compose_file_is_refused(tmp_path):
    (tmp_path / ".env").write_text('COMPOSE_FILE="compose.${STAGE}.yml"\n')
    message = f"{tmp_path}/.env has a variable in COMPOSE_FILE; name the files in bluegreen_compose_files instead"
    with pytest.raises(ComposeError, match=f"^{re.escape(message)}$"):
        files.loaded_files(str(tmp_path), [], {})


@pytest.mark.parametrize(
    "kind, named, expected",
    [
        ("deploy", ["prod.yml"], (["prod.yml"], [])),
        ("deploy", [], None),
        ("rollback", [], ([], [])),
        ("promote", ["prod.yml"], (["prod.yml"], [])),
        ("abort", [], ([], [])),
    ],
)
def test_a_variable_in_compose_file_is_refused_only_where_a_deploy_needs_the_files(tmp_path, kind, named, expected):
    (tmp_path / ".env").write_text("COMPOSE_FILE=compose.yml:compose.${STAGE}.yml\n")
    if expected is None:
        with pytest.raises(ComposeError, match="has a variable in COMPOSE_FILE"):
            files.requested_files(named, kind, str(tmp_path), [], {})
    else:
        assert files.requested_files(named, kind, str(tmp_path), [], {}) == expected
        assert not named or files.file_warnings(str(tmp_path), *expected, []) == []


@pytest.mark.parametrize("named", [[], ["prod.yml"]])
def test_files_that_a_run_is_about(tmp_path, named):
    (tmp_path / "compose.yml").touch()
    expected = (named or ["compose.yml"], ["compose.yml"])
    assert files.requested_files(named, "deploy", str(tmp_path), [], {}) == expected


@pytest.mark.parametrize(
    "names, message",
    [
        (["compose.yml", "../base.yml"], None),
        (["./compose.yml"], None),
        (["/srv/shop/compose.yml"], None),
        (
            [],
            "/srv/shop has no compose.yaml, compose.yml, docker-compose.yml or docker-compose.yaml; correct "
            "bluegreen_project_src, or name the files in bluegreen_compose_files",
        ),
        (
            ["docker/compose.yml"],
            "COMPOSE_FILE begins with docker/compose.yml, and Compose resolves paths from that file's directory; "
            "set bluegreen_project_src to /srv/shop/docker, and name the files in bluegreen_compose_files",
        ),
    ],
)
def test_files_that_cannot_be_the_projects(names, message):
    if message is None:
        files.refuse_unusable("/srv/shop", names)
        return
    with pytest.raises(ComposeError, match=f"^{re.escape(message)}$"):
        files.refuse_unusable("/srv/shop", names)


BOTH = ["compose.yml", "compose.override.yml"]


@pytest.mark.parametrize(
    "named, loaded, known, expected",
    [
        (["compose.yml"], ["compose.yml"], [], []),
        (BOTH, BOTH, [], ["this deploy also reads compose.override.yml"]),
        (BOTH, BOTH, ["/srv/shop/compose.yml"], ["this deploy also reads compose.override.yml"]),
        (BOTH, BOTH, ["/srv/shop/compose.yml", "/srv/shop/compose.override.yml"], []),
        (["compose.yml"], ["compose.yml"], ["/srv/shop/other.yml"], ["this deploy also reads compose.yml"]),
        (["compose.yml"], BOTH, [], ["docker compose reads compose.override.yml"]),
        (["./compose.yml", "prod.yml"], BOTH, [], ["docker compose reads compose.override.yml"]),
        (["prod.yml"], BOTH, [], []),  # the user's own choice
        (["compose.{color}.yml", "compose.yml"], BOTH, [], []),
        (["compose.yml"], [], [], []),
    ],
)
def test_what_is_told_of_the_files(named, loaded, known, expected):
    found = files.file_warnings("/srv/shop", named, loaded, known)
    assert [text[: len(start)] for text, start in zip(found, expected)] == expected
    assert len(found) == len(expected)
