# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge: the nginx in front of the apps. Inspect it, test a file outside its live tree, reload it and prove it.

This is the common part. ``container.py`` and ``host.py`` add how to reach nginx.
"""

from __future__ import annotations

import os
import re
import time

from .._errors import EdgeError
from .._files import why_unwritable, write_atomic
from .._nginx.app_file import app_file_name
from .._nginx.preview import has_preview
from .._nginx.version import PROGRAMS
from .._progress import ignore
from .connections import count_clients, count_upstream, may_receive
from .lock import edge_lock
from .processes import find_processes, sockets_of, status_of
from .reload import ReloadProof, describe_master, is_idle

RELOAD_PATIENCE = 60.0
"""Seconds for which nginx may be busy with one signal, because large configurations take long to load."""

LOG_READ = 8000000
"""The most bytes of the answer log that are read at once, from its end. Before the first read it may have grown
large."""

# nginx appends, so it continues at the start of an emptied log. The last line shows that there is space for one.
_TAKE = f'tail -c {LOG_READ} "$1" && : >"$1" && echo >>"$1"'

RELOADS = 2
"""How often nginx is reloaded before the new configuration counts as rejected. A port in use may be free by then."""

TCP = ("tcp", "tcp6")
_POLL = 0.02
_ERROR_LINE = re.compile(r"\d{4}/\d\d/\d\d [\d:]{8} \[(?:emerg|alert)\] ")  # no client can write the start of a line


class Edge:
    """An nginx whose conf dir is a directory of the target.

    A subclass has ``name`` (for messages), ``logs`` (a directory that nginx can log to), ``running``,
    ``describe_state()``, ``version()``, ``path(name)``, ``judge(files)``, ``run(argv)``, ``on_target(path)``,
    ``address``, ``resolver``, ``root()``, ``log_tail()`` and ``launch()``.

    ``judge(files)`` returns ``(ok, text)`` of ``nginx -T`` with ``files`` in the conf dir, without any visible change.
    A new file in the conf dir itself would go live with anybody's reload. ``files``: ``{name: content, or None to
    remove the file}``. ``program``, ``arguments``: nginx's program, and the arguments that every call needs.
    """

    container = None
    """nginx's container, as inspected. None if nginx runs on the host."""

    program = PROGRAMS[0]
    arguments = ()

    def __init__(self, conf_dir, scratch_dir):
        self.conf_dir = conf_dir
        self.scratch_dir = scratch_dir
        if not os.path.isdir(conf_dir):
            raise EdgeError(
                f"bluegreen_nginx_conf_dir is {conf_dir!r}, but the target has no such directory; give the directory "
                "that nginx includes"
            )

    def dump(self):
        """Return ``(ok, text)``: the output of the running nginx's ``nginx -T`` for the configuration on disk."""
        ok, text = self.run_until(lambda said: "# configuration file " in said, self.nginx("-T"))
        # Without its first lines, the success message and warnings.
        return ok, text[max(text.find("# configuration file "), 0) :] if ok else text

    def nginx(self, *flags):
        """Return the command that calls nginx's program."""
        return [self.program, *flags, *self.arguments]

    def run_until(self, is_whole, argv):
        """Run a command, as run(). Run it again if it succeeds but ``is_whole(its output)`` is false, because on a busy
        machine the Engine sometimes loses the output of a short command."""
        ok, text = self.run(argv)
        return self.run(argv) if ok and not is_whole(text) else (ok, text)

    def tidy(self, app):
        """Remove files of earlier calls for this app that were killed. No other call may run for the app."""
        for name in os.listdir(self.conf_dir):
            if name.startswith(f".{app_file_name(app)}."):
                os.unlink(os.path.join(self.conf_dir, name))

    def read(self, name):
        """Return the content of a file of the conf dir, or None if it does not exist."""
        try:
            with open(os.path.join(self.conf_dir, name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def refuse_unwritable(self):
        """Raise EdgeError if the conf dir can't be written."""
        why = why_unwritable(self.conf_dir)
        if why:
            raise self._not_writable(why)

    def write(self, files):
        """Put ``files`` (as for judge) into the conf dir, each in one step."""
        try:
            put_files(self.conf_dir, files)
        except OSError as error:
            raise self._not_writable(error.strerror) from error

    def turn(self, on_wait=ignore):
        """Keep all other deploys behind this nginx waiting while the block runs. See edge_lock()."""
        return edge_lock(self.conf_dir, on_wait)

    def answer_log_path(self, app):
        """Return the path at which nginx logs an app's answers during canary and bake."""
        return os.path.join(self.logs, f"bluegreen-{app}.log")

    def take_answers(self, app):
        """Return the content of that log, and empty it. Raises EdgeError if it can't be read, emptied or written.

        A line that nginx writes in between is lost, which favors neither color.
        """
        path = self.answer_log_path(app)
        ok, text = self.run(["sh", "-c", _TAKE, "sh", path])
        if not ok:
            raise EdgeError(f"{path} in {self.name}: {text.partition(chr(10))[0]}")  # errors come first
        return text[: text.rfind("\n") + 1]

    def processes(self):
        """Return ``(master, workers)``. See find_processes()."""
        return find_processes(self.root())

    def workers(self):
        """Return ``{(pid, start time in clock ticks): leaving?}`` of nginx's worker processes."""
        return self.processes()[1]

    def reload(self, on_wait=ignore):
        """Reload nginx and prove that it serves what was on disk before. Return ``(seconds, worker processes)``.

        Those worker processes, ``[(pid, start time)]``, may still answer requests with the previous configuration.
        ``on_wait``: as for edge_lock(). Raises EdgeError without a proof.
        """
        began = time.monotonic()
        refusals = 0
        while refusals < RELOADS and time.monotonic() - began < RELOADS * RELOAD_PATIENCE:
            master, before = self._wait_until_idle(on_wait)
            ok, text = self.run(self.nginx("-s", "reload"))
            if not ok:
                raise EdgeError(f"nginx rejects the reload: {quoted(text)}")
            proof = self._prove_reload(master, before, on_wait)
            if proof is None or proof.is_loaded:
                return time.monotonic() - began, sorted(before)
            refusals += proof.is_refused  # otherwise the check came too late to see both configurations
        if refusals < RELOADS:
            raise EdgeError(
                f"the reload of nginx in {self.name} is not proven after {RELOADS * RELOAD_PATIENCE:g} s, because the "
                "old and the new worker processes were never seen together (do the worker processes crash?)"
            )
        raise EdgeError(
            f"nginx in {self.name} still serves its earlier configuration after {RELOADS} reloads, though "
            f"'nginx -t' accepts the new one: {self._last_errors() or 'its error log has the reason'}"
        )

    def start(self, on_wait=ignore):
        """Start nginx and prove that it stays up. Return the seconds that it took."""
        began = time.monotonic()
        self.launch()
        deadline = time.monotonic() + RELOAD_PATIENCE
        while True:
            master, workers = self.processes()
            if workers and self._is_idle(master):
                return time.monotonic() - began
            self._refresh_running(f"nginx in {self.name} starts but does not stay up")
            self._wait(deadline, on_wait, "nginx starts")

    def _wait_until_idle(self, on_wait):
        """Return nginx's processes at a moment when it has handled every signal."""
        deadline = time.monotonic() + RELOAD_PATIENCE
        while True:
            master, workers = look = self.processes()
            # The same result twice: otherwise the successor of a crashed worker process could be missing.
            if master and not all(workers.values()) and self._is_idle(master) and self.processes() == look:
                return look
            self._refresh_running(f"nginx in {self.name} no longer runs")
            self._wait(deadline, on_wait, _describe(master, workers))

    def _prove_reload(self, master, before, on_wait):
        """Return the ReloadProof once nginx has handled the signal. None if nginx was restarted meanwhile."""
        proof = ReloadProof(before)
        deadline = time.monotonic() + RELOAD_PATIENCE
        idle = 0  # looks in a row
        while True:
            idle = idle + 1 if self._is_idle(master) else 0
            now, workers = self.processes()
            if now != master and now and workers:
                return None  # it has loaded the files on disk
            proof.see(workers)
            if proof.is_loaded or (idle > 1 and not proof.has_spawned):
                return proof
            if now is None:
                self._refresh_running(f"nginx in {self.name} no longer runs")
            self._wait(deadline, on_wait, "nginx loads its configuration" if idle else _describe(master, workers))

    def _is_idle(self, master):
        return bool(master) and is_idle(status_of(master[0]))

    def _refresh_running(self, problem):
        self.refresh()
        if not self.running:
            ok, said = self.judge({})
            raise EdgeError(f"{problem}: {self._last_errors() if ok else quoted(said)} ({self.describe_state()})")

    def _wait(self, deadline, on_wait, awaits):
        left = deadline - time.monotonic()
        if left <= 0:
            raise EdgeError(f"the reload of nginx in {self.name} is not proven after {RELOAD_PATIENCE:g} s: {awaits}")
        on_wait(awaits, left)
        time.sleep(_POLL)

    def _last_errors(self):
        """Return the last errors that nginx logged, as text. They decide nothing."""
        lines = [line.strip() for line in self.log_tail() if _ERROR_LINE.match(line)]
        return " ".join(dict.fromkeys(line.partition("] ")[2] for line in lines[-3:]))

    def established(self, endpoints):
        """Return how many connections nginx has open, or opens, to ``endpoints`` (``address:port``) of the idle
        color."""
        return sum(count_upstream(table, endpoints) for table in self._tables(*TCP))

    def may_receive_requests(self, workers):
        """Return whether any of ``workers``, ``[(pid, start time)]``, may be receiving a client's request. True if this
        can't be seen."""
        sockets = self._worker_sockets([pid for pid, _started in workers])
        if sockets is None:
            return bool(workers)
        # After the sockets: a connection that was opened meanwhile then counts as absent.
        tables = ["".join(self._tables(*names)) for names in (TCP, ("udp", "udp6"), ("unix",))]
        return any(may_receive(inodes, *tables) for inodes in sockets.values())

    def clients(self):
        """Return how many client connections to nginx are open."""
        sockets = self._sockets()
        return sum(count_clients(table, sockets) for table in self._tables(*TCP))

    def sees_sockets(self):
        """Return whether the sockets of a worker process are visible."""
        return self._worker_sockets([pid for pid, _started in self.workers()][:1]) is not None

    def _sockets(self):
        """Return the inodes of nginx's sockets. None if no other program listens in its network."""
        return None

    def _worker_sockets(self, pids):
        """Return ``{pid: inodes of its sockets}``. None if they are not visible."""
        try:
            return {pid: sockets_of(pid) for pid in pids}
        except PermissionError:
            return None

    def _tables(self, *names):
        for name in names:
            try:
                with open(f"/proc/{self.root()}/net/{name}", encoding="utf-8", errors="replace") as file:
                    yield file.read()
            except FileNotFoundError:
                pass  # the process has ended, or there is no IPv6

    def refresh(self):
        """Read nginx's state again, if this object keeps it."""

    def _not_writable(self, why):
        return EdgeError(
            f"bluegreen_nginx_conf_dir is {self.conf_dir!r}, which can't be written ({why}); mount it read-write on "
            "the target and give it to the connecting user, or run with become"
        )


def quoted(text):
    """Return nginx's error lines, without the rest of a dump."""
    lines = [line.strip() for line in text.splitlines() if "[emerg]" in line or "[alert]" in line]
    return " ".join(lines) or " ".join(text.split())[-300:]


def _describe(master, workers):
    """Return what a reload waits for while nginx is not idle, as a clause."""
    if master is None:
        return "nginx's master process is not visible"
    if all(workers.values()):
        return "nginx has no worker process that takes requests"
    return describe_master(master[0], status_of(master[0]))


def file_mode(content):
    """Return the mode of a file of the conf dir. A preview contains a secret."""
    return 0o600 if has_preview(content) else 0o644


def put_files(directory, files):
    """Write ``files``, as for judge(), each in one step. Raises OSError."""
    for name, content in files.items():
        path = os.path.join(directory, name)
        if content is not None:
            write_atomic(path, content, mode=file_mode(content))
        elif os.path.exists(path):
            os.remove(path)
