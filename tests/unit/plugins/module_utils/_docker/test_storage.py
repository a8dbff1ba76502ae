# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker.storage import Storage


def test_symbolic_links_are_resolved(tmp_path):
    (tmp_path / "data" / "pg").mkdir(parents=True)
    (tmp_path / "link").symlink_to("data")
    storage = Storage(SimpleNamespace(data_root=str(tmp_path / "link")))
    real = os.path.realpath(tmp_path)
    assert storage.real_directory(str(tmp_path / "link" / "pg")) == f"{real}/data/pg"
    assert storage.real_directory(str(tmp_path / "to" / "come")) == f"{real}/to/come"  # Docker makes it
    assert storage.volumes_directory == f"{real}/data/volumes"


def test_a_single_file_or_socket_holds_no_data_of_others(tmp_path, monkeypatch):
    (tmp_path / "nginx.conf").touch()
    storage = Storage(None)
    assert storage.real_directory(str(tmp_path / "nginx.conf")) is None
    listener = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(tmp_path)  # the path of a socket has 107 characters at most
    listener.bind("docker.sock")
    assert storage.real_directory(str(tmp_path / "docker.sock")) is None
    listener.close()


@pytest.mark.parametrize("path", ["/", "/dev/null", "/dev/snd", "/proc", "/sys/fs/cgroup", "/run/no-such.sock"])
def test_directories_of_the_kernel_hold_no_data(path):
    assert Storage(None).real_directory(path) is None


def test_a_volume_is_looked_up_once():
    asked = []
    storage = Storage(SimpleNamespace(volume=asked.append))
    assert (storage.volume("shop_data"), storage.volume("shop_data"), asked) == (None, None, ["shop_data"])
