# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of an edge: one deploy at a time writes nginx's files and reloads it, from the test to the proof.

Each conf dir has one lock file, shared by all users of the host, in a directory that containers can't write to.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import time

from .._errors import EdgeError

DIRECTORIES = ("/run/lock", "/dev/shm", "/tmp")
LOCK_PATIENCE = 300
"""s for which a deploy waits for its turn."""

_POLL = 0.05


@contextlib.contextmanager
def edge_lock(conf_dir, on_wait):
    """Hold the lock for as long as the block runs. Raises EdgeError if another run holds it for too long.

    ``on_wait``: called at each poll with a clause (what the deploy waits for) and the seconds left.
    """
    path = lock_path(conf_dir)
    descriptor = _open(path)
    try:
        deadline = time.monotonic() + LOCK_PATIENCE
        while not _try(descriptor):
            left = deadline - time.monotonic()
            if left <= 0:
                raise EdgeError(
                    f"another deploy has held the lock on nginx's files for {LOCK_PATIENCE} s; find its process with "
                    f"'fuser -v {path}', and end it if it hangs"
                )
            on_wait("another deploy changes nginx's files", left)
            time.sleep(_POLL)
        yield
    finally:
        os.close(descriptor)


def lock_path(conf_dir):
    """Return the path of the lock: in the first of DIRECTORIES where any user may make a file, and only its owner
    may remove it."""
    directory = next(filter(_is_shared, DIRECTORIES), DIRECTORIES[-1])
    key = hashlib.sha256(os.fsencode(os.path.realpath(conf_dir))).hexdigest()[:16]
    return os.path.join(directory, f"bluegreen-edge-{key}.lock")


def _is_shared(directory):
    try:
        mode = os.stat(directory).st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) and mode & 0o1002 == 0o1002


def _open(path):
    """Open the file read-only, and create it if it is missing. flock() needs no write permission."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with contextlib.suppress(FileExistsError):
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            os.fchmod(made, 0o644)  # whatever the umask
            os.close(made)
        descriptor = os.open(path, flags)
    except OSError as error:
        raise EdgeError(f"the lock of nginx's files, {path}, can't be opened: {error.strerror}; remove it") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise EdgeError(f"the lock of nginx's files, {path}, is not a regular file; remove it")
    return descriptor


def _try(descriptor):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True
