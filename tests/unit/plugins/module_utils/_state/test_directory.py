# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import stat
import time

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._errors import StateError
from ansible_collections.hotswap.compose.plugins.module_utils._state import directory, journal
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState


def record(deploy):
    return {
        "release": "v1",
        "color": "blue",
        "deploy": deploy,
        "deployed_at": "2026-01-31T23:59:59Z",
        "images": {},
        "containers": [],
        "config_hash": "c0ffee",
        "outcome": "deployed",
    }


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_looking_makes_nothing(tmp_path):
    seen = AppState(str(tmp_path / "state"), "shop")
    assert seen.journal == journal.empty_journal("shop")
    assert seen.reason == f"there is no journal at {tmp_path}/state/shop/journal.json"
    assert os.listdir(tmp_path) == []


def test_only_its_owner_can_look_in(tmp_path):
    made = AppState(str(tmp_path / "state"), "shop")
    made.create()
    made.create()
    assert sorted(os.listdir(made.directory)) == ["deploys", "lock", "scratch"]
    assert {mode(path) for path in (made.directory, made.deploys, made.scratch, made.lock)} == {0o700}
    made.save(releases=[record("d1")])
    assert mode(os.path.join(made.directory, "journal.json")) == 0o600


def test_what_is_saved_is_read_again(tmp_path):
    made = AppState(str(tmp_path), "shop")
    made.create()
    made.save(unfinished={"swap": {"from": ""}})
    made.save(releases=[record("d1")])
    again = AppState(str(tmp_path), "shop")
    assert again.reason is None
    assert again.journal == dict(
        journal.empty_journal("shop"), unfinished={"swap": {"from": ""}}, releases=[record("d1")]
    )


def test_a_journal_that_cannot_be_used_is_kept(tmp_path):
    AppState(str(tmp_path), "shop").create()
    (tmp_path / "shop" / "journal.json").write_text("{")
    seen = AppState(str(tmp_path), "shop")
    assert "it is truncated or not JSON" in seen.damaged
    seen.save(releases=[record("d1")])
    seen.save(releases=[record("d1"), record("d2")])
    assert (tmp_path / "shop" / directory.UNUSABLE).read_text() == "{"
    again = AppState(str(tmp_path), "shop")
    assert (again.damaged, len(again.journal["releases"])) == (None, 2)


def test_a_directory_that_cannot_be_written(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(directory.os, "makedirs", refuse)
    message = (
        f"bluegreen_state_dir: {tmp_path}/shop can't be written (Permission denied); give the directory to the "
        "connecting user, or run with become"
    )
    with pytest.raises(StateError, match=f"^{re.escape(message)}$"):
        AppState(str(tmp_path), "shop").create()


@pytest.mark.parametrize("number, name", [(0, "root"), (4294967294, "4294967294")])
def test_a_state_directory_that_only_root_can_create(tmp_path, monkeypatch, number, name):
    monkeypatch.setattr(directory, "why_unwritable", lambda path: "Permission denied")
    monkeypatch.setattr(directory.os, "geteuid", lambda: number)
    place = tmp_path / "var" / "bluegreen"
    message = f"{place} does not exist, and {name} can't create it; if it is on a disk, mount that; else run as root: "
    with pytest.raises(StateError, match=re.escape(f"{message}install -d -o {name} {place}")):
        AppState(str(place), "shop").refuse_unusable()


def test_a_full_disk_is_found_before_anything_starts(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(directory.os, "fsync", refuse)
    with pytest.raises(StateError, match="No space left on device"):
        AppState(str(tmp_path), "shop").create()


def test_a_first_deploy_that_is_refused_leaves_nothing(tmp_path):
    place = str(tmp_path / "var" / "bluegreen")
    made = AppState(place, "shop")
    directories = made.create()
    assert directories == [f"{place}/shop", place, f"{tmp_path}/var"]
    made.remove(directories)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("what", ["another app", "a journal", "it was there before"])
def test_what_is_somebody_elses_stays(tmp_path, what):
    place = str(tmp_path / "bluegreen")
    made = AppState(place, "shop")
    if what == "it was there before":
        made.create()
    directories = made.create()
    if what == "another app":
        AppState(place, "bank").create()
    elif what == "a journal":
        made.save(releases=[record("d1")])
    made.remove(directories)
    assert os.listdir(place) == (["bank"] if what == "another app" else ["shop"])


def test_a_file_where_the_directory_should_be(tmp_path):
    (tmp_path / "shop").touch()
    with pytest.raises(StateError, match=r"shop can't be written \((File exists|Not a directory)\)"):
        AppState(str(tmp_path), "shop").create()


def test_a_directory_that_somebody_else_decides_on(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    message = f"{tmp_path}/link is a symbolic link to {tmp_path}/real; give that directory instead"
    with pytest.raises(StateError, match=f"^bluegreen_state_dir: {re.escape(message)}$"):
        AppState(str(tmp_path / "link"), "shop").create()
    (tmp_path / "real" / "shop").symlink_to("/etc")
    with pytest.raises(StateError, match="real/shop is a symbolic link to /etc; give that directory instead$"):
        AppState(str(tmp_path / "real"), "shop").create()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user(tmp_path):
    (tmp_path / "shop").mkdir()
    os.chown(tmp_path / "shop", 12345, -1)
    with pytest.raises(StateError, match=r"shop belongs to another user \(uid 12345, this run is uid 0\)"):
        AppState(str(tmp_path), "shop").create()


def test_files_that_no_record_needs_go(tmp_path):
    made = AppState(str(tmp_path), "shop")
    made.create()
    made.save(releases=[record("d1"), record("adopted")])
    for deploy in ("d1", "d2", "d3"):
        os.mkdir(made.deploy_directory(deploy))
        (tmp_path / "shop" / "deploys" / deploy / "compose.blue.json").touch()
    made.forget_deploys(made.deploys_on_record() | {"d3"})
    assert sorted(os.listdir(made.deploys)) == ["d1", "d3"]
    made.forget_deploys(made.deploys_on_record())
    assert sorted(os.listdir(made.deploys)) == ["d1"]


def kept_aside(state_dir, text):
    """Have a journal that can't be used be kept aside by the run that finds it."""
    made = AppState(str(state_dir), "shop")
    made.create()
    for deploy in ("d1", "d2"):
        os.mkdir(made.deploy_directory(deploy))
    (state_dir / "shop" / "journal.json").write_text(text)
    time.sleep(0.02)  # more than a tick of the file system's clock
    found = AppState(str(state_dir), "shop")
    found.save(releases=[record("d3")])
    time.sleep(0.02)
    for deploy in ("d3", "d4"):
        os.mkdir(found.deploy_directory(deploy))
    return found


@pytest.mark.parametrize("text", ["", "{", '{"releases": [{"deploy": "d1"'])
def test_the_files_of_a_journal_that_is_kept_aside_stay(tmp_path, text):
    """The journal is truncated, so nobody can say which files it names."""
    found = kept_aside(tmp_path, text)
    found.forget_deploys(found.deploys_on_record())
    assert sorted(os.listdir(found.deploys)) == ["d1", "d2", "d3"]


def test_they_go_when_that_journal_has_gone(tmp_path):
    found = kept_aside(tmp_path, "{")
    os.remove(tmp_path / "shop" / directory.UNUSABLE)
    found.forget_deploys(found.deploys_on_record())
    assert os.listdir(found.deploys) == ["d3"]


def with_image(deploy, image_id):
    return dict(record(deploy), images={"was-blue": {"ref": "was:v1", "id": image_id, "brought": True}})


def test_the_images_of_other_apps(tmp_path):
    for app in ("shop", "bank", "zoo"):
        made = AppState(str(tmp_path), app)
        made.create()
        made.save(releases=[with_image("d1", f"sha256:{app}")])
    (tmp_path / "notes").touch()
    (tmp_path / "empty").mkdir()
    assert AppState(str(tmp_path), "shop").foreign_images() == {"sha256:bank", "sha256:zoo"}


@pytest.mark.parametrize("name", ["journal.json", directory.UNUSABLE])
@pytest.mark.parametrize("text", ['{"format": 99, "image": "sha256:bank"}', '{"releases": [{"id": "sha256:bank", "'])
def test_the_images_of_a_journal_that_this_version_can_not_read(tmp_path, name, text):
    AppState(str(tmp_path), "shop").create()
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / name).write_text(text)
    assert AppState(str(tmp_path), "shop").foreign_images() == {"sha256:bank"}


def test_a_journal_of_a_newer_version_is_refused(tmp_path):
    AppState(str(tmp_path), "shop").create()
    (tmp_path / "shop" / "journal.json").write_text('{"format": 99}')
    with pytest.raises(StateError, match="was written by a newer version of hotswap.compose"):
        AppState(str(tmp_path), "shop")


@pytest.mark.parametrize(
    "state_dir, message",
    [
        ("real/link", "link is a symbolic link"),
        ("file", "file/shop can't be written (Not a directory)"),
        ("file/below", "file/below/shop can't be written (Not a directory)"),
        ("new/below", None),
        ("real", None),
    ],
)
def test_a_directory_that_can_not_be_made_is_found_without_making_it(tmp_path, state_dir, message):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "link").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    if message:
        with pytest.raises(StateError, match=re.escape(message)):
            AppState(str(tmp_path / state_dir), "shop").refuse_unusable()
    else:
        AppState(str(tmp_path / state_dir), "shop").refuse_unusable()
    assert sorted(tmp_path.rglob("*")) == before
