# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pathlib
import re

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils import _files
from ansible_collections.hotswap.compose.plugins.module_utils._errors import JournalError, StateError
from ansible_collections.hotswap.compose.plugins.module_utils._state import journal


def a_state():
    return {
        "format": 2,
        "app": "shop",
        "releases": [
            {
                "release": "v1",
                "color": "blue",
                "deployed_at": "2026-01-31T23:59:59Z",
                "images": {"was": {"ref": "shop-was:v1", "id": "sha256:1a", "brought": True}},
                "deploy": "20260131T235959Z-c0ffee",
                "containers": ["0123456789ab"],
                "config_hash": "c0ffee",
                "outcome": "deployed",
            },
        ],
        "restart_policies": {"4f5e": {"Name": "on-failure", "MaximumRetryCount": 3}},
        "proved": "c0ffeec0ffee",
        "unfinished": None,
    }


def an_unfinished():
    return {
        "deploy": "20260201T000000Z-decade",
        "release": "v2",
        "color": "green",
        "rollback": False,
        "how": "create",
        "services": [],
        "started": [],
        "previous": ["0123456789ab"],
        "endpoints": ["172.18.0.2:3000"],
        "begun_at": "2026-02-01T00:00:00Z",
        "config_hash": "decade",
    }


def changed(path, value):
    """Return a state in which one place, given as a list of keys, holds something else; Ellipsis deletes it."""
    state = a_state()
    place = state
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return state


@pytest.mark.parametrize(
    "state",
    [
        a_state(),
        journal.empty_journal("shop"),
        changed(["unfinished"], {"swap": {"from": ""}}),
        changed(["unfinished"], an_unfinished()),
        changed(["proved"], None),
        changed(["releases", 0, "deployed_at"], "2026-01-31T23:59:59.123456Z"),
        changed(["releases", 0, "release"], ""),
        changed(["releases", 0, "outcome"], "forgotten"),
        changed(["of_a_later_version"], [1]),
    ],
)
def test_a_state_is_read_back(state, tmp_path):
    path = tmp_path / "shop.json"
    _files.write_atomic(path, journal.dumps(state))
    assert journal.read_journal(path, "shop") == (state, None)
    assert journal.read_journal(path) == (state, None)


WRONG = [
    (["format"], ..., "it is not a journal: it has no format number"),
    (["format"], 0, "it has format 0, but this version reads 1 to 2"),
    (["format"], True, "it has format True, but this version reads 1 to 2"),
    (["format"], "3", "it has format '3', but this version reads 1 to 2"),
    (["format"], 3.0, "it has format 3.0, but this version reads 1 to 2"),
    (["app"], ..., "app is missing"),
    (["app"], 7, "app has the wrong type, int"),
    (["releases"], {}, "releases has the wrong type, dict"),
    (["releases", 0], "v1", "releases[0] is not a mapping"),
    (["releases", 0, "release"], None, "releases[0].release has the wrong type, NoneType"),
    (["releases", 0, "color"], "red", "releases[0].color is 'red', not one of blue, green"),
    (["releases", 0, "outcome"], ..., "releases[0].outcome is missing"),
    (
        ["releases", 0, "outcome"],
        "good",
        "releases[0].outcome is 'good', not one of deployed, rolled_back, rejected, awaiting_promotion, forgotten",
    ),
    (
        ["releases", 0, "deployed_at"],
        "yesterday",
        "releases[0].deployed_at is 'yesterday', not a UTC time such as 2026-01-31T23:59:59Z",
    ),
    (["releases", 0, "images"], [], "releases[0].images has the wrong type, list"),
    (["releases", 0, "images", "was"], "shop-was:v1", "releases[0].images[was] is not a mapping"),
    (["releases", 0, "images", "was", "brought"], 1, "releases[0].images[was].brought has the wrong type, int"),
    (
        ["releases", 0, "images", "was", "id"],
        "1a",
        "releases[0].images[was].id is '1a', not an image id such as sha256:...",
    ),
    (["restart_policies", "4f5e"], None, "restart_policies[4f5e] is not a mapping"),
    (
        ["restart_policies", "4f5e", "MaximumRetryCount"],
        True,
        "restart_policies[4f5e].MaximumRetryCount has the wrong type, bool",
    ),
    (["unfinished"], [], "unfinished has the wrong type, list"),
    (["unfinished"], {"deploy": "d2"}, "unfinished.release is missing"),
    (["unfinished"], dict(an_unfinished(), color="purple"), "unfinished.color is 'purple', not one of blue, green"),
    (
        ["unfinished"],
        dict(an_unfinished(), how="magic"),
        "unfinished.how is 'magic', not one of create, start, warm, promote",
    ),
    (["unfinished"], dict(an_unfinished(), services=["web"]), "unfinished.services[0] is not a mapping"),
    (["unfinished"], dict(an_unfinished(), services=[{"name": "web"}]), "unfinished.services[0].base is missing"),
    (["unfinished"], dict(an_unfinished(), refs=[]), "unfinished.refs has the wrong type, list"),
    (["unfinished"], dict(an_unfinished(), swap={}), "unfinished.swap.from is missing"),
    (["unfinished"], dict(an_unfinished(), previous="0123"), "unfinished.previous has the wrong type, str"),
    (["project"], 7, "project has the wrong type, int"),
    (["releases", 0, "files"], "a.yml", "releases[0].files has the wrong type, str"),
    (["unfinished"], dict(an_unfinished(), files=7), "unfinished.files has the wrong type, int"),
    (["proved"], 7, "proved has the wrong type, int"),
]


@pytest.mark.parametrize("path, value, message", WRONG)
def test_a_wrong_state_is_neither_written_nor_read(path, value, message, tmp_path):
    state = changed(path, value)
    with pytest.raises(JournalError) as error:
        journal.dumps(state)
    assert str(error.value) == message
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(state))
    assert journal.read_journal(file, "shop") == (
        journal.empty_journal("shop"),
        f"the journal {file} is not used: {message}",
    )


# Written by the last version that had format 1.
FORMAT_1 = sorted((pathlib.Path(__file__).parents[1] / "fixtures" / "journal").glob("format-1-*.json"))


@pytest.mark.parametrize("path", FORMAT_1, ids=lambda path: path.stem)
def test_a_journal_of_format_1_is_carried_over(path, tmp_path):
    before = json.loads(path.read_text())
    state, reason = journal.read_journal(path, "shop")
    assert reason is None
    assert state == dict(before, format=2)
    _files.write_atomic(tmp_path / "journal.json", journal.dumps(state))
    assert journal.read_journal(tmp_path / "journal.json", "shop") == (state, None)


def test_what_is_wrong_in_an_old_journal_is_found(tmp_path):
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(dict(changed(["releases", 0, "color"], "red"), format=1)))
    assert journal.read_journal(path, "shop")[1].endswith("releases[0].color is 'red', not one of blue, green")


@pytest.mark.parametrize("state", [changed(["format"], 3), changed(["app"], "bank"), {}])
def test_a_journal_of_a_newer_version_is_never_taken_for_empty(state, tmp_path):
    """Whatever else is in it, and whosever it is."""
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(dict(state, format=3)))
    message = (
        f"the journal {path} was written by a newer version of hotswap.compose (format 3, this version reads up to "
        "2); update the collection on the controller"
    )
    with pytest.raises(StateError, match=f"^{re.escape(message)}$"):
        journal.read_journal(path, "shop")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"{", "it is truncated or not JSON"),
        (journal.dumps(a_state()).encode()[:100], "it is truncated or not JSON"),
        (b"\xff\xfe\xff", "it is truncated or not JSON"),
        (b"[" * 100000, "it is truncated or not JSON"),
        (b"\0" * 512, "it is truncated or not JSON"),
        (b"[]", "it is not a journal"),
        (b"null", "it is not a journal"),
        (b'{"version": "3"}', "it is not a journal"),
    ],
)
def test_a_file_that_is_no_journal_is_a_reason(content, message, tmp_path):
    path = tmp_path / "shop.json"
    path.write_bytes(content)
    state, reason = journal.read_journal(path, "shop")
    assert state == journal.empty_journal("shop")
    assert reason.startswith(f"the journal {path} is not used: {message}")


def test_a_missing_file_is_a_reason(tmp_path):
    path = tmp_path / "none" / "shop.json"
    assert journal.read_journal(path, "shop") == (journal.empty_journal("shop"), f"there is no journal at {path}")


def test_another_apps_journal_is_a_reason(tmp_path):
    path = tmp_path / "bank.json"
    _files.write_atomic(path, journal.dumps(a_state()))
    reason = f"the journal {path} is not used: it is of the app 'shop', not of 'bank'"
    assert journal.read_journal(path, "bank") == (journal.empty_journal("bank"), reason)


def a_link(path):
    target = path.with_name("elsewhere")
    target.write_text(journal.dumps(a_state()))
    path.symlink_to(target)


@pytest.mark.parametrize(
    "make, message",
    [
        (a_link, "it is a symbolic link"),
        (lambda path: path.symlink_to("nowhere"), "it is a symbolic link"),
        (lambda path: path.mkdir(), "it is not a regular file"),
        (os.mkfifo, "it is not a regular file"),
    ],
)
def test_what_is_no_regular_file_is_a_reason(make, message, tmp_path):
    path = tmp_path / "shop.json"
    make(path)
    assert journal.read_journal(path, "shop") == (
        journal.empty_journal("shop"),
        f"the journal {path} is not used: {message}",
    )
