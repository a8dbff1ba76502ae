# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import os

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import lock
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError


@pytest.fixture(autouse=True)
def shared(tmp_path, monkeypatch):
    """A directory where any user may make a file."""
    directory = tmp_path / "lock"
    directory.mkdir()
    directory.chmod(0o1777)
    monkeypatch.setattr(lock, "DIRECTORIES", (str(directory),))
    return directory


def hold(conf_dir, on_wait=lambda *_wait: None):
    return lock.edge_lock(str(conf_dir), on_wait)


def test_one_deploy_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "LOCK_PATIENCE", 0.2)
    shown = []
    with hold(tmp_path), pytest.raises(EdgeError) as error, hold(tmp_path, lambda *wait: shown.append(wait)):
        pass
    assert str(error.value) == (
        "another deploy has held the lock on nginx's files for 0.2 s; find its process with 'fuser -v "
        f"{lock.lock_path(str(tmp_path))}', and end it if it hangs"
    )
    assert shown[0][0] == "another deploy changes nginx's files" and 0 < shown[0][1] <= 0.2
    with hold(tmp_path):
        pass


def test_each_conf_dir_has_a_lock_whatever_its_path(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "other")
    assert lock.lock_path(str(tmp_path / "link")) == lock.lock_path(str(tmp_path / "other"))
    with hold(tmp_path), hold(tmp_path / "link"):
        pass


def test_a_lock_lies_where_every_user_can_make_it(tmp_path, shared, monkeypatch):
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o755)
    directories = [str(tmp_path / "none"), str(mine), str(shared), str(tmp_path)]
    monkeypatch.setattr(lock, "DIRECTORIES", directories)
    assert os.path.dirname(lock.lock_path("/srv/edge")) == str(shared)


def test_another_user_can_take_it(tmp_path):
    """Without the right to write: a file in such a directory can't be opened to write by anybody but its owner."""
    with hold(tmp_path):
        pass
    path = lock.lock_path(str(tmp_path))
    assert os.stat(path).st_mode & 0o777 == 0o644
    os.chmod(path, 0o444)
    with hold(tmp_path):
        descriptor = os.open(path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)


@pytest.mark.parametrize(
    "plant, expected",
    [
        (
            lambda path, target: os.symlink(target, path),
            "can't be opened: Too many levels of symbolic links; remove it",
        ),
        (lambda path, target: os.mkfifo(path), "is not a regular file; remove it"),
        (lambda path, target: os.mkdir(path), "is not a regular file; remove it"),
    ],
    ids=["link", "fifo", "directory"],
)
def test_what_somebody_planted_is_refused(plant, expected, tmp_path):
    target = tmp_path / "target"
    target.write_text("precious")
    plant(lock.lock_path(str(tmp_path)), str(target))
    with pytest.raises(EdgeError, match=expected), hold(tmp_path):
        pass
    assert target.read_text() == "precious"
