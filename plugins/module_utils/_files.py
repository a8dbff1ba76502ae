# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files: atomic writes, temporary directories, comparing paths."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time

from ._errors import StateError

NEEDED_SPACE = 64 * 1024
"""Bytes that must be free before a deploy begins. A deploy writes less."""


def is_within(path, directory):
    """Return whether ``path`` is ``directory`` or lies in it, by their names only."""
    return (path.rstrip("/") + "/").startswith(directory.rstrip("/") + "/")


def utc_now():
    """Return the time in the journal's format."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def write_atomic(path, text, mode=0o600):
    """Replace the file at path by text (UTF-8), completely or not at all, and wait until it is on the disk.

    The temporary file lies in the same directory. Its name begins with a dot, so that no ``include *`` of nginx loads
    it. Raises OSError, and then removes the temporary file.
    """
    content = text.encode("utf-8")
    directory, name = os.path.split(os.path.abspath(path))
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_directory(directory)


def _sync_directory(directory):
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def why_unwritable(path):
    """Return why no file could be created in the directory ``path``, or below it if it is missing. None if one could.
    Nothing is written."""
    nearest = path
    while not os.path.lexists(nearest):
        nearest = os.path.dirname(nearest)
    if not os.path.isdir(nearest):
        return os.strerror(errno.ENOTDIR)
    disk = os.statvfs(nearest)
    if disk.f_flag & os.ST_RDONLY:
        return os.strerror(errno.EROFS)
    if not os.access(nearest, os.W_OK | os.X_OK):
        return os.strerror(errno.EACCES)
    free = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
    if disk.f_blocks and free * disk.f_frsize < NEEDED_SPACE:
        return os.strerror(errno.ENOSPC)
    return None


@contextlib.contextmanager
def temporary_directory(parent):
    """Create a directory, readable by its owner only, and remove it when the block ends.

    It lies in ``parent`` or, if that is missing, in the nearest existing directory above it. Raises StateError.
    """
    nearest = parent
    while not os.path.isdir(nearest):
        nearest = os.path.dirname(nearest)
    try:
        path = tempfile.mkdtemp(prefix=".bluegreen-", dir=nearest)
    except OSError as error:
        raise StateError(describe_unwritable(parent, error.strerror)) from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def describe_unwritable(path, why):
    """Return the message that a path in the state directory can't be written."""
    return (
        f"bluegreen_state_dir: {path} can't be written ({why}); give the directory to the connecting user, "
        "or run with become"
    )
