# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which mounts there are. That a command sees a copy of them is tested on real containers, in tests/e2e."""

from __future__ import annotations

import os
import sys

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import private_root

MOUNTINFO = """\
618 513 0:56 / / rw,relatime master:217 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A,upperdir=/b
619 618 0:60 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
620 618 0:61 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
621 620 0:62 / /dev/pts rw,nosuid,noexec,relatime - devpts devpts rw,gid=5,mode=620,ptmxmode=666
622 618 0:63 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro
623 622 0:31 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw
624 620 0:64 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k
625 618 254:0 /srv/conf.d /etc/nginx/conf.d ro,relatime - ext4 /dev/vda rw
626 618 254:0 /srv/a\\040b /a\\040b rw,relatime master:1 - ext4 /dev/vda rw
627 618 0:70 / /cache rw,relatime - tmpfs tmpfs rw
628 627 0:71 / /cache ro,relatime - tmpfs tmpfs rw
514 619 0:60 /bus /proc/bus ro,nosuid,nodev,noexec,relatime - proc proc rw
"""


def test_the_mounts_of_a_container():
    assert private_root.mount_points(MOUNTINFO) == [
        ("/", "overlay", False),
        ("/a b", "ext4", False),
        ("/cache", "tmpfs", True),
        ("/dev", "tmpfs", False),
        ("/dev/pts", "devpts", False),
        ("/dev/shm", "tmpfs", False),
        ("/etc/nginx/conf.d", "ext4", True),
        ("/proc", "proc", False),
        ("/sys", "sysfs", True),
    ]


def test_a_process_that_is_gone():
    with pytest.raises(OSError):
        private_root.run_in_private_root(2**22 + 1, [sys.executable], {}, None)


def test_a_container_with_users_of_its_own(monkeypatch):
    """Root there is nobody here, and may not mount what this needs."""
    stat = os.stat
    monkeypatch.setattr(private_root.os, "stat", lambda path: stat("/" if "self" in path else path))
    with pytest.raises(PermissionError, match="a user namespace of its own"):
        private_root.run_in_private_root(os.getpid(), [sys.executable], {}, None)
