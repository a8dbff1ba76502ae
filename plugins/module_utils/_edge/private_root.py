# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command in the namespaces of a container's process, with that process's user and capabilities, and on a copy of
the container's files. The command's changes to the copy vanish with it. Needs root.

The copy is an overlay over each mounted file system of the container, in a private mount namespace. The command sees
every file as the container does, but the container sees nothing of the command.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import stat
import subprocess

from .processes import status_of

_NAMESPACES = {"ipc": 0x08000000, "uts": 0x04000000, "net": 0x40000000, "pid": 0x20000000, "mnt": 0x00020000}
_NEW_MOUNTS = 0x00020000
_READ_ONLY, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 32, 4096, 16384, 1 << 18
_DROP_CAPABILITY = 24

KERNEL_TYPES = ("cgroup", "cgroup2", "devpts", "devtmpfs", "mqueue", "proc", "sysfs")
"""Types of the kernel's own file systems. They stay as they are, because an overlay can't have them as its lower
part."""

_SCRATCH = "/dev"
"""The directory of the copies. Each container has it. It lies under its mount, which is opened before."""

_ESCAPED = re.compile(r"\\([0-7]{3})")


def run_in_private_root(pid, argv, environ, prepare):
    """Run ``argv`` in the namespaces of the process ``pid``. Return ``(exit status, stdout, stderr)``, both bytes.

    ``environ``: the command's whole environment; ``prepare(root)``: called before the command, as root, with the
    directory of the copy, to write files for the command. Raises FileNotFoundError if the command does not exist, and
    OSError or SubprocessError if the kernel does not allow it, or the process has ended.
    """
    _refuse_user_namespace(pid)
    namespaces = [(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), kind) for name, kind in _NAMESPACES.items()]
    status = status_of(pid)
    libc = ctypes.CDLL(None, use_errno=True)

    def enter():
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
        for descriptor, kind in namespaces:
            _checked(libc.setns(descriptor, kind))
        _continue_as_child(descriptors)  # only children are in the other process namespace
        _checked(libc.unshare(_NEW_MOUNTS))
        _mount(libc, "none", "/", None, _RECURSIVE | _PRIVATE)
        root = _copy(libc, prepare)
        os.chroot(root)
        os.chdir("/")
        _become(libc, status)

    try:
        # Only a child can do this, between fork and exec. No other thread runs now, because those of probes have ended.
        # pylint: disable-next=ansible-bad-function,subprocess-popen-preexec-fn
        done = subprocess.run(
            argv, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False, preexec_fn=enter
        )
    finally:
        for descriptor, _kind in namespaces:
            os.close(descriptor)
    return done.returncode, done.stdout, done.stderr


def mount_points(mountinfo):
    """Return ``[(path, type of its file system, is it read-only)]`` from the text of ``/proc/PID/mountinfo``, outer
    ones first. The last of several mounts at one path applies. Mounts below the kernel's own file systems are left
    out."""
    found = {}
    for line in mountinfo.splitlines():
        mount, _dash, system = line.partition(" - ")
        fields = mount.split()
        path = _ESCAPED.sub(lambda match: chr(int(match.group(1), 8)), fields[4])
        found[path] = (system.split()[0], "ro" in fields[5].split(","))
    kernel = tuple(path + "/" for path, (kind, _read_only) in found.items() if kind in KERNEL_TYPES)
    return [(path, *found[path]) for path in sorted(found) if not path.startswith(kernel)]


def _refuse_user_namespace(pid):
    if os.stat(f"/proc/{pid}/ns/user").st_ino != os.stat("/proc/self/ns/user").st_ino:
        raise PermissionError("the container has a user namespace of its own")


def _continue_as_child(descriptors):
    """Continue in a child process. The parent closes its ``descriptors``, waits for the child, and exits as it does."""
    child = os.fork()
    if child:
        for descriptor in descriptors:  # otherwise the reader of the child's output would not see its end
            with contextlib.suppress(OSError):
                os.close(descriptor)
        status = os.waitpid(child, 0)[1]
        os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)


def _copy(libc, prepare):
    """Mount a copy of all that this process sees. Return its path."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        mounts = mount_points(file.read())
    opened = {path: os.open(path, os.O_PATH) for path, _kind, _read_only in mounts}  # before a mount hides them
    _mount(libc, "tmpfs", _SCRATCH, "tmpfs", 0)
    root = os.path.join(_SCRATCH, "root")
    os.mkdir(root)
    made_read_only = []
    for number, (path, kind, read_only) in enumerate(mounts):
        source, target = f"/proc/self/fd/{opened[path]}", root + path.rstrip("/")
        if path == _SCRATCH or kind in KERNEL_TYPES or not stat.S_ISDIR(os.stat(source).st_mode):
            _mount(libc, source, target, None, _BIND | _RECURSIVE * (kind in KERNEL_TYPES))
            continue
        _overlay(libc, source, target, number)
        if read_only:
            made_read_only.append(target)
    prepare(root)
    for target in made_read_only:
        _mount(libc, "none", target, None, _REMOUNT | _BIND | _READ_ONLY)
    return root


def _overlay(libc, source, target, number):
    upper, work = (os.path.join(_SCRATCH, f"{name}-{number}") for name in ("upper", "work"))
    os.mkdir(upper)
    os.mkdir(work)
    # A merged directory shows the owner and mode of its upper directory.
    like = os.stat(source)
    os.chown(upper, like.st_uid, like.st_gid)
    os.chmod(upper, stat.S_IMODE(like.st_mode))
    _mount(libc, "overlay", target, "overlay", 0, f"lowerdir={source},upperdir={upper},workdir={work}")


def _become(libc, status):
    """Take the user, the groups and the capabilities in ``status`` (of the other process)."""
    user, group = (int(status[name].split()[1]) for name in ("Uid", "Gid"))
    for stream in (1, 2):
        os.fchown(stream, user, group)  # otherwise that user could not open /dev/stdout
    bounding = int(status["CapBnd"], 16)
    for capability in range(64):
        if not bounding >> capability & 1:
            libc.prctl(_DROP_CAPABILITY, capability, 0, 0, 0)  # fails where the kernel has no such capability
    os.setgroups([int(each) for each in status.get("Groups", "").split()])
    os.setgid(group)
    os.setuid(user)
    os.umask(0o022)


def _mount(libc, source, target, kind, flags, options=None):
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    _checked(
        libc.mount(*encoded, ctypes.c_ulong(flags), None if options is None else os.fsencode(options)),
        f"{source} at {target}",
    )


def _checked(result, what=None):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
