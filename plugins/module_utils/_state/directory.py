# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An app's directory in the state directory: its journal, and the files of its releases."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import re
import shutil
import tempfile

from .._errors import JournalError, StateError
from .._files import NEEDED_SPACE, describe_unwritable, why_unwritable, write_atomic
from .journal import AWAITING, content, dumps, read_journal

UNUSABLE = "journal.unusable.json"

_IMAGE_ID = re.compile(r"sha256:\w+")


class AppState:
    """``<state_dir>/<app>``: ``journal.json``, ``deploys/<deploy>/compose.<color>.json`` (mode 0600, because they hold
    secrets), ``lock`` (see lock.py).

    ``journal``: the state; ``reason``: why it is empty, or None; ``damaged``: the same for a journal that exists.
    Raises StateError for a journal of a newer version of this collection.
    """

    def __init__(self, state_dir, app):
        self.app = app
        self.directory = os.path.join(state_dir, app)
        self.deploys = os.path.join(self.directory, "deploys")
        self.scratch = os.path.join(self.directory, "scratch")
        self.lock = os.path.join(self.directory, "lock")
        self._journal = os.path.join(self.directory, "journal.json")
        self.journal, self.reason = read_journal(self._journal, app)
        self.damaged = self.reason if os.path.lexists(self._journal) else None

    def refuse_unusable(self):
        """Raise StateError if create() would certainly fail. Nothing is written."""
        for path in (os.path.dirname(self.directory), self.directory):
            _refuse_foreign(path)
        why = why_unwritable(self.directory)
        parent = os.path.dirname(self.directory)
        if why == os.strerror(errno.EACCES) and not os.path.lexists(parent):
            raise StateError(
                f"bluegreen_state_dir: {parent} does not exist, and {_user()} can't create it; if it is on a disk, "
                f"mount that; else run as root: install -d -o {_user()} {parent}"
            )
        if why:
            raise StateError(describe_unwritable(self.directory, why))

    def create(self):
        """Create the directories, readable by their owner only, and check the free space. Raises StateError.

        Return the directories that were missing, the deepest first, for remove().
        """
        self.refuse_unusable()
        missing = []
        path = self.directory
        while not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        try:
            for directory in (self.directory, self.deploys, self.scratch, self.lock):
                os.makedirs(directory, mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.directory) as probe:
                probe.write(b"0" * NEEDED_SPACE)
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as error:
            raise StateError(describe_unwritable(self.directory, error.strerror)) from error
        return missing

    def tidy(self):
        """Remove files of calls that were killed. No other call may run."""
        for name in os.listdir(self.scratch):
            shutil.rmtree(os.path.join(self.scratch, name), ignore_errors=True)
        for name in os.listdir(self.directory):
            if name.startswith("." + os.path.basename(self._journal)):
                os.unlink(os.path.join(self.directory, name))

    def remove(self, made):
        """Remove what create() made for a refused deploy, unless something was deployed since."""
        if self.directory in made and not os.path.lexists(self._journal):
            shutil.rmtree(self.directory, ignore_errors=True)
            for path in made[1:]:
                with contextlib.suppress(OSError):  # another app uses it by now
                    os.rmdir(path)

    def save(self, **changed):
        """Write the journal with some of its keys replaced. An unusable journal is kept under another name."""
        if self.damaged:
            os.replace(self._journal, os.path.join(self.directory, UNUSABLE))
            self.damaged = None
        self.journal.update(changed)
        write_atomic(self._journal, dumps(self.journal))

    @property
    def unfinished(self):
        """The deploy or rollback in the journal that has begun but not ended, or None."""
        unfinished = self.journal["unfinished"] or {}
        return unfinished if "deploy" in unfinished else None

    def has_proved(self, generation):
        """Return whether nginx was seen to load this generation of its file of the app."""
        return generation is not None and generation == self.journal["proved"]

    def deploy_directory(self, deploy):
        """Return the directory of one deploy's files."""
        return os.path.join(self.deploys, deploy)

    def forget_deploys(self, keep):
        """Remove the files of every deploy except those in ``keep``, because they hold secrets.

        While an unusable journal is kept, so are older files, because that journal may name them.
        """
        kept_aside_at = _changed_at(os.path.join(self.directory, UNUSABLE))
        for name in os.listdir(self.deploys):
            path = self.deploy_directory(name)
            if name not in keep and _changed_at(path) > kept_aside_at:
                shutil.rmtree(path, ignore_errors=True)

    def deploys_on_record(self):
        """Return the deploys that had the traffic or await it."""
        wanted = ("deployed", AWAITING)
        return {record["deploy"] for record in self.journal["releases"] if record["outcome"] in wanted}

    def foreign_images(self):
        """Return the ids of all images in the journals of other apps in the same state directory.

        This includes journals that this version can't read, because their images must not be removed.
        """
        parent, own = os.path.split(self.directory)
        found = set()
        for app in sorted(set(os.listdir(parent)) - {own}):
            for name in ("journal.json", UNUSABLE):
                with contextlib.suppress(OSError, JournalError):
                    text = content(os.path.join(parent, app, name)).decode("utf-8", "replace")
                    found.update(_IMAGE_ID.findall(text))
        return found


def _changed_at(path):
    """Return when a file was last changed or renamed, in ns. 0 if it does not exist."""
    try:
        return os.lstat(path).st_ctime_ns
    except FileNotFoundError:
        return 0


def _user():
    """Return the name of the connecting user, or the number of one that has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _refuse_foreign(path):
    """Raise StateError if another user controls this path."""
    if os.path.islink(path):
        raise StateError(
            f"bluegreen_state_dir: {path} is a symbolic link to {os.path.realpath(path)}; give that directory instead"
        )
    if os.path.isdir(path) and os.stat(path).st_uid not in (0, os.geteuid()):
        raise StateError(
            f"bluegreen_state_dir: {path} belongs to another user (uid {os.stat(path).st_uid}, this run is uid "
            f"{os.geteuid()}); deploy as that user, or change the owner of the directory and of everything in it"
        )
