# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One deploy of an app at a time on a host: who has the lock, and which modules may still write.

``<state_dir>/<app>/lock`` holds

- ``holder.json``: who has the lock;
- ``beat-<token>``: the time of its last change shows that its run is alive. A process on the controller renews it;
- ``in-flight``: a flock that each module holds (shared) while it changes something. To take the lock, a run needs it
  exclusively. So modules that outlived their killed run have ended by then, and a late one finds that its run no longer
  has the lock;
- ``docker-<token>``: the docker command of this run, with the same rule;
- ``config-<token>``: that command's configuration, if the run logs in to a registry.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import time

from .._errors import LockHeld, StateError
from .._files import utc_now, write_atomic

TTL = 30.0
"""Seconds without a beat after which a run counts as dead."""

ORPHAN_PATIENCE = 120.0
"""Seconds to wait for a module that outlived its run."""

_POLL = 0.1

_DOCKER = """\
#!/bin/sh
# docker for one deploy, for as long as that deploy has its app's lock.
exec 9<{in_flight} && flock -s 9 && grep -qs {token} {holder} && {login}{host}exec {docker} "$@"
echo "another run has taken over the lock of this app; this command changed nothing" >&2
exit 1
"""


def describe_holder(holder):
    """Return who has the lock, as text."""
    job = ", AWX job {}".format(holder["job"]) if holder.get("job") else ""
    kind = holder.get("kind")
    what = {"promote": "a promotion", "abort": "an abort"}.get(kind)
    if not what:
        release = holder.get("release") or "the previous release"
        what = "{} of {}".format("a rollback" if kind == "rollback" else "a deploy", release)
    return "{} by {} on {}{}, since {}".format(
        what,
        holder["user"],
        holder["controller"],
        job,
        holder["since"],
    )


class AppLock:
    """The lock of one app. A token is the name by which a run has it."""

    def __init__(self, state_dir, app):
        self.app = app
        self.directory = os.path.join(state_dir, app, "lock")

    def holder(self):
        """Return who has the lock, with the seconds since its last beat as ``age``. None if the lock is free.

        A file that can't be read counts as a free lock.
        """
        try:
            with open(self._path("holder.json"), encoding="utf-8") as file:
                holder = json.load(file)
            texts = ("token", "user", "controller", "since")
            if not all(isinstance(holder[key], str) for key in texts) or not holder["token"].isalnum():
                return None
            age = time.time() - os.stat(self.beat(holder["token"])).st_mtime
            return dict(holder, age=age) if age <= TTL else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def take(self, token, holder, dead, docker, config=None, docker_host=None):
        """Take the lock. Raises LockHeld, and StateError if a module of a killed run does not end.

        ``holder``: ``user``, ``controller``, ``release``, ``kind`` (see bluegreen_plan), ``job``, ``host``,
        ``process``; ``dead``: the token of a run that is known to be dead; ``docker``: the command's path; ``config``:
        the text of its own configuration instead of the user's; ``docker_host``: the URL of its Engine.
        """
        with self._in_flight() as descriptor:
            deadline = time.monotonic() + ORPHAN_PATIENCE
            while True:
                self._refuse(token, dead)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise StateError(
                            f"a module of an interrupted run of {self.app} is still at work on the target after "
                            f"{ORPHAN_PATIENCE:g} s; wait for it, or end its process"
                        ) from None
                    time.sleep(_POLL)
            if not self._is_there(descriptor):
                raise StateError(
                    f"{self.directory} was removed meanwhile, by a first deploy that was refused; run this again"
                )
            self._refuse(token, dead)
            if (self.holder() or {}).get("token") != token:
                self._clear()
                self._touch(token)
                write_atomic(
                    self._path("holder.json"), json.dumps(dict(holder, token=token, since=utc_now()), indent=1) + "\n"
                )
                if config:
                    os.mkdir(self._config(token), 0o700)
                    write_atomic(os.path.join(self._config(token), "config.json"), config)
                write_atomic(self.docker(token), self._wrapper(token, docker, bool(config), docker_host), mode=0o700)

    def docker(self, token):
        """Return the path of the docker command for the run with this token."""
        return self._path("docker-" + token)

    def beat(self, token):
        """Return the path of the file that shows that the run with this token is alive."""
        return self._path("beat-" + token)

    @contextlib.contextmanager
    def acting(self, token):
        """Allow a module to change something while the block runs. Raises StateError if another run has the lock.

        A token of None is for a module that is used without a lock.
        """
        if token is None:
            yield
            return
        with self._in_flight() as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if not self._is_ours(token):
                raise StateError(f"another run has taken over the lock of {self.app}; this task changed nothing")
            self._renew(token)
            try:
                yield
            finally:
                self._renew(token)  # the block may have lasted longer than TTL, and the plan has no process that beats

    def release(self, token):
        """Release the lock, if this run still has it."""
        if self._is_ours(token):
            self._clear()

    def _is_ours(self, token):
        try:
            with open(self._path("holder.json"), encoding="utf-8") as file:
                return json.load(file)["token"] == token
        except (OSError, ValueError, TypeError, KeyError):
            return False

    def _refuse(self, token, dead):
        holder = self.holder()
        if holder and holder["age"] < -1:
            self._touch(holder["token"])  # the clock was set back, so its time starts again
        if holder and holder["token"] not in (token, dead):
            raise LockHeld(describe_holder(holder), holder)

    def _is_there(self, descriptor):
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self._path("in-flight")))
        except FileNotFoundError:
            return False

    def _clear(self):
        for name in os.listdir(self.directory):
            if name != "in-flight":
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(self._path(name)) if name.startswith("config-") else os.unlink(self._path(name))

    def _renew(self, token):
        with contextlib.suppress(FileNotFoundError):  # a released lock stays free
            os.utime(self.beat(token))

    def _touch(self, token):
        with open(self.beat(token), "a", encoding="ascii"):
            os.utime(self.beat(token))

    @contextlib.contextmanager
    def _in_flight(self):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path("in-flight"), flags, 0o600)
        except OSError as error:
            raise StateError(f"the lock of {self.app} in {self.directory} can't be used: {error.strerror}") from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _config(self, token):
        return self._path("config-" + token)

    def _wrapper(self, token, docker, logged_in, docker_host):
        return _DOCKER.format(
            login=f"export DOCKER_CONFIG={shlex.quote(self._config(token))} && " if logged_in else "",
            host=f"export DOCKER_HOST={shlex.quote(docker_host)} && " if docker_host else "",
            in_flight=shlex.quote(self._path("in-flight")),
            token=shlex.quote(f'"token": "{token}"'),
            holder=shlex.quote(self._path("holder.json")),
            docker=shlex.quote(docker),
        )

    def _path(self, name):
        return os.path.join(self.directory, name)
