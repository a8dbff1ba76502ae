# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils import _files
from ansible_collections.hotswap.compose.plugins.module_utils._errors import StateError
from ansible_collections.hotswap.compose.plugins.module_utils._state import journal


def test_a_temporary_directory_leaves_nothing_behind(tmp_path):
    (tmp_path / "kept").mkdir()
    for parent, lies_in in (("kept", "kept"), ("state/shop/scratch", ".")):
        with _files.temporary_directory(str(tmp_path / parent)) as path:
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
            assert os.path.dirname(path) == str(tmp_path / lies_in)
            open(os.path.join(path, "candidate"), "w", encoding="utf-8").close()
    assert (os.listdir(tmp_path), os.listdir(tmp_path / "kept")) == (["kept"], [])


def test_a_temporary_directory_goes_after_a_failure_too(tmp_path):
    with pytest.raises(KeyError), _files.temporary_directory(str(tmp_path / "state")):
        raise KeyError
    assert os.listdir(tmp_path) == []


def test_no_temporary_directory_where_none_can_be_made(tmp_path):
    with pytest.raises(StateError, match="/proc/shop/scratch can't be written"), _files.temporary_directory(
        "/proc/shop/scratch"
    ):
        pass


@pytest.mark.parametrize(
    "path, flag, allowed, free, why",
    [
        ("state/shop", 0, True, 2**20, None),
        ("here", 0, True, 2**20, None),
        ("file/shop", 0, True, 2**20, "Not a directory"),
        ("gone", 0, True, 2**20, "Not a directory"),  # a link to nowhere
        ("state/shop", os.ST_RDONLY, False, 2**20, "Read-only file system"),
        ("state/shop", 0, False, 2**20, "Permission denied"),
        ("state/shop", 0, True, 1, "No space left on device"),
    ],
)
def test_whether_a_file_could_be_made(path, flag, allowed, free, why, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "gone").symlink_to("nowhere")
    disk = SimpleNamespace(f_flag=flag, f_bfree=free, f_bavail=free, f_blocks=2**30, f_frsize=1024)
    monkeypatch.setattr(_files.os, "statvfs", lambda _path: disk)
    monkeypatch.setattr(_files.os, "access", lambda _path, _mode: allowed)
    assert _files.why_unwritable(str(tmp_path / path)) == why
    assert sorted(os.listdir(tmp_path)) == ["file", "gone", "here"]


def test_a_file_is_replaced_whole_with_its_mode(tmp_path):
    path = tmp_path / "shop.json"
    path.write_text("old")
    with open(path, encoding="utf-8") as reader:
        _files.write_atomic(path, "näw", mode=0o644)
        assert reader.read() == "old"
    assert path.read_text(encoding="utf-8") == "näw"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    _files.write_atomic(path, "newer")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["shop.json"]


def test_a_link_is_replaced_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    path = tmp_path / "shop.json"
    path.symlink_to(elsewhere)
    _files.write_atomic(path, "ours")
    assert (elsewhere.read_text(), path.read_text(), path.is_symlink()) == ("theirs", "ours", False)


@pytest.mark.parametrize("step", ["fchmod", "fsync", "rename"])
def test_a_failure_leaves_the_old_file_and_nothing_else(step, tmp_path, monkeypatch):
    path = tmp_path / "shop.json"
    path.write_text("old")
    seen = []

    def fail(*_args):
        seen.extend(os.listdir(tmp_path))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal.os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        _files.write_atomic(path, "new")
    assert sorted(name[0] for name in seen) == [".", "s"]
    assert os.listdir(tmp_path) == ["shop.json"]
    assert path.read_text() == "old"


def test_text_that_is_no_utf8_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="surrogates"):
        _files.write_atomic(tmp_path / "shop.json", "\ud800")
    assert os.listdir(tmp_path) == []


def test_file_and_directory_reach_the_disk_around_the_rename(tmp_path, monkeypatch):
    calls = []
    sync, rename = os.fsync, os.rename

    def fsync(descriptor):
        calls.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    monkeypatch.setattr(journal.os, "fsync", fsync)
    monkeypatch.setattr(journal.os, "rename", lambda *paths: (calls.append("rename"), rename(*paths)))
    _files.write_atomic(tmp_path / "shop.json", "new")
    assert calls == ["file", "rename", "directory"]
