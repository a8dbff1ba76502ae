# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge: the nginx in front. Look at it, judge a candidate outside its live tree, reload it and prove it.

What is the same wherever nginx runs; ``container.py`` and ``host.py`` add how it is reached.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time

from .._errors import EdgeError, RefusedReload
from .._files import NEEDED_SPACE, temporary_directory, write_atomic
from .._nginx.app_file import app_file_name
from .._nginx.preview import has_preview
from .connections import count_clients, count_established
from .reload import has_reloaded, refusal_in_log

PROOF_PATIENCE = 4.0
"""s until a reload that can't be proven counts as failed; nginx itself gives up on a taken port after 2.5 s."""

_POLL = 0.02
_LOCKS = {"write": ".bluegreen.lock", "reload": ".bluegreen.reload"}


class Edge:
    """An nginx whose conf dir is a directory of the target.

    A subclass has ``name`` (for messages), ``logs`` (a directory that nginx can log to), ``running``,
    ``describe_state()``, ``version()``, ``path(name)``, ``test(tree)``, ``run(argv)``, ``on_target(path)``,
    ``address``, ``resolver``, ``master()``, ``log_mark()``, ``log_since(mark)`` and ``launch()``.
    """

    def __init__(self, conf_dir, scratch_dir):
        self.conf_dir = conf_dir
        self.scratch_dir = scratch_dir
        self.arguments = []
        if not os.path.isdir(conf_dir):
            raise EdgeError(
                f"bluegreen_nginx_conf_dir is {conf_dir!r}: there is no such directory on the target; name the "
                "directory that nginx reads"
            )

    def dump(self):
        """Return ``(ok, text)``: what the running nginx's ``nginx -T`` prints of the configuration on disk."""
        ok, text = self.run(["nginx", "-T"] + self.arguments)
        # That all is well, and what it warns of, comes first.
        return ok, text[max(text.find("# configuration file "), 0) :] if ok else text

    def judge(self, files):
        """Return ``(ok, text)`` of ``nginx -T`` with ``files`` in the conf dir, without a change to the conf dir.

        ``files``: ``{name: content, or None for a file that is to go}``. A copy of the conf dir is tested in its place:
        a candidate in the real one would go live with anybody's reload.
        """
        with temporary_directory(self.scratch_dir) as candidate:
            tree = os.path.join(candidate, "conf")
            shutil.copytree(self.conf_dir, tree, symlinks=True, ignore=shutil.ignore_patterns(*_LOCKS.values()))
            _put(tree, files)
            return self.test(tree)

    def tidy(self, app):
        """Remove what calls for this app that were killed left lying, while nobody else is at work for it."""
        for name in os.listdir(self.conf_dir):
            if name.startswith(f".{app_file_name(app)}."):
                os.unlink(os.path.join(self.conf_dir, name))

    def read(self, name):
        """Return the content of a file of the conf dir, or None where there is none."""
        try:
            with open(os.path.join(self.conf_dir, name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def refuse_unwritable(self):
        """Raise EdgeError where the conf dir can't be written."""
        if not os.access(self.conf_dir, os.W_OK):
            raise self._not_writable("read-only, or another user's")
        disk = os.statvfs(self.conf_dir)
        free = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
        if disk.f_blocks and free * disk.f_frsize < NEEDED_SPACE:
            raise self._not_writable("no space left on the device")

    def write(self, files):
        """Put ``files`` (as for judge) into the conf dir, each in one step."""
        try:
            _put(self.conf_dir, files)
        except OSError as error:
            raise self._not_writable(error.strerror) from error

    @contextlib.contextmanager
    def turn(self, what):
        """Keep every other deploy behind this nginx waiting; ``what``: ``write`` (from test to rename) or
        ``reload``."""
        try:
            descriptor = os.open(os.path.join(self.conf_dir, _LOCKS[what]), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._not_writable(error.strerror) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def answer_log_path(self, app):
        """Return where nginx logs an app's answers while a release is judged."""
        return os.path.join(self.logs, f"bluegreen-{app}.log")

    def answer_log_since(self, app, offset):
        """Return the bytes of that log from ``offset`` on, without a line that is not whole yet."""
        ok, text = self.run(["tail", "-c", f"+{offset + 1}", self.answer_log_path(app)])
        return text[: text.rfind("\n") + 1] if ok else ""

    def reload_after(self, moment):
        """See that nginx has loaded what was on disk at ``moment`` (time.monotonic). Return the s it took, 0 where it
        had.

        Deploys that wait here together are served by one reload. Raises EdgeError where nginx stays as it was.
        """
        with self.turn("reload") as lock:
            said = os.pread(lock, 200, 0).decode("ascii", "replace").split()
            if len(said) == 2 and said[0] == _boot() and float(said[1]) >= moment:
                return 0.0
            began = time.monotonic()
            seconds = self._reload()
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{_boot()} {began}".encode("ascii"), 0)
            return seconds

    def workers(self):
        """Return ``{(pid, start time in clock ticks): leaving?}`` of nginx's workers, from this machine's process
        table."""
        master = self.master()
        processes = dict(_processes())
        found = {}
        for pid, (parent, started) in processes.items():
            if not _descends(processes, parent, master):
                continue
            title = title_of(pid)
            if title.startswith("nginx: worker process"):
                found[(pid, started)] = title.endswith("is shutting down")
        return found

    def _reload(self):
        before = {worker: leaving for worker, leaving in self.workers().items() if not leaving}
        if not before:
            raise EdgeError(f"no worker of nginx in {self.name} can be seen from here, so no reload could be proven")
        mark, began = self.log_mark(), time.monotonic()
        ok, text = self.run(["nginx", "-s", "reload"] + self.arguments)
        if not ok:
            raise RefusedReload(f"nginx refuses to reload: {text.strip()}")
        asked = time.monotonic()  # on a busy machine, the call alone takes seconds
        look_at_log = began + 0.5
        while not has_reloaded(before, self.workers()):
            now = time.monotonic()
            if now >= look_at_log:
                said = refusal_in_log(self.log_since(mark))
                if said:
                    raise RefusedReload(f"nginx kept its old configuration over a reload: {said}")
                if now - asked > PROOF_PATIENCE:
                    raise EdgeError(f"nginx has not reloaded: no new worker within {PROOF_PATIENCE:g} s")
                self.refresh()  # a restart meanwhile loads what is on disk just as well
                if not self.running:
                    raise EdgeError(f"nginx in {self.name} does not run any more, it {self.describe_state()}")
                look_at_log = now + 0.25
            time.sleep(_POLL)
        return time.monotonic() - began

    def start(self):
        """Start nginx and prove that it stays up. Return the s it took."""
        mark, began = self.log_mark(), time.monotonic()
        self.launch()
        launched = time.monotonic()
        while not self.workers():
            self.refresh()
            if not self.running:
                raise EdgeError(
                    f"nginx does not stay up in {self.name}: {quoted(self.log_since(mark)) or self.describe_state()}"
                )
            if time.monotonic() - launched > PROOF_PATIENCE:
                raise EdgeError(f"nginx in {self.name} has no worker {PROOF_PATIENCE:g} s after its start")
            time.sleep(_POLL)
        return time.monotonic() - began

    def established(self, endpoints):
        """Return how many connections nginx's network has open to ``endpoints`` (``address:port``), those of the old
        color."""
        return sum(count_established(table, endpoints) for table in self._connections())

    def clients(self):
        """Return how many connections clients have open to nginx."""
        sockets = self._sockets()
        return sum(count_clients(table, sockets) for table in self._connections())

    def _sockets(self):
        """Return the inodes of nginx's sockets; None where nothing else listens in its network."""
        return None

    def _connections(self):
        for table in ("tcp", "tcp6"):
            try:
                with open(f"/proc/{self.master()}/net/{table}", encoding="ascii") as file:
                    yield file.read()
            except FileNotFoundError:
                pass  # no such process any more, or no IPv6

    def refresh(self):
        """Look again at what is remembered of nginx; nothing where all is read afresh anyway."""

    def _not_writable(self, why):
        return EdgeError(
            f"bluegreen_nginx_conf_dir is {self.conf_dir!r}: it can't be written ({why}); mount it read-write on the "
            "target and give it to the connecting user, or run with become"
        )


def quoted(text):
    """Return the lines by which nginx says what is wrong, without the rest of a dump."""
    lines = [line.strip() for line in text.splitlines() if "[emerg]" in line or "[alert]" in line]
    return " ".join(lines) or " ".join(text.split())[-300:]


def title_of(pid):
    """Return what a process calls itself; empty where it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\0 ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _boot():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def _put(directory, files):
    for name, content in files.items():
        path = os.path.join(directory, name)
        if content is not None:
            write_atomic(path, content, mode=0o600 if has_preview(content) else 0o644)
        elif os.path.exists(path):
            os.remove(path)


def _processes():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield int(entry), (int(fields[1]), int(fields[19]))


def _descends(processes, pid, ancestor):
    while pid in processes:
        if pid == ancestor:
            return True
        pid = processes[pid][0]
    return False
